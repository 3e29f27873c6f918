//! Parses the query of a URL.
//!
//! In: the raw query. Out: names and values as Go's `net/url` reads them, then booleans, matchers
//! and receiver patterns as the API's parameters mean them.
//!
//! Compat: nothing here is strict. A pair that cannot be decoded or holds a semicolon is dropped,
//! unknown names are ignored, and an invalid boolean is false.

use std::borrow::Cow;

use bellwether_engine::ReceiverFilter;
use bellwether_model::matcher::{Compile, Parsed, parse_matcher_by};
use bellwether_model::{Matcher, MatcherMode};
use percent_encoding::percent_decode_str;

use crate::refusal::Refusal;

/// The parameters in their order.
#[derive(Clone, Debug, Default)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

/// Matchers, and warnings about them.
#[derive(Debug, Default)]
pub struct Filters {
    pub matchers: Vec<Matcher>,
    pub warnings: Vec<String>,
}

impl Query {
    pub fn parse(raw: Option<&str>) -> Self {
        let pairs = raw.unwrap_or_default().split('&').filter_map(|pair| {
            if pair.is_empty() || pair.contains(';') {
                return None;
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decoded(name)?, decoded(value)?))
        });
        Query { pairs: pairs.collect() }
    }

    /// All values of a parameter, in their order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The last value of a parameter; an empty one counts as absent.
    pub fn last<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).last().filter(|value| !value.is_empty())
    }

    /// A boolean parameter that is true by default.
    pub fn flag(&self, name: &str) -> bool {
        self.last(name)
            .is_none_or(|value| TRUE_WORDS.iter().any(|word| word.eq_ignore_ascii_case(value)))
    }

    /// The matchers of a parameter that holds one in each value; the error is the parser's.
    pub fn filters(
        &self,
        name: &str,
        mode: MatcherMode,
        compile: Compile<'_>,
    ) -> Result<Filters, String> {
        let count = self.all(name).count();
        if count > FILTERS_MAX {
            return Err(format!("too many matchers: {count} (limit: {FILTERS_MAX})"));
        }
        let mut filters = Filters::default();
        for text in self.all(name) {
            let Parsed { value, warning } =
                parse_matcher_by(text, mode, compile).map_err(|error| error.to_string())?;
            filters.matchers.push(value);
            filters.warnings.extend(warning);
        }
        Ok(filters)
    }

    /// What `receiver` and `receiver_matchers` ask for, and the warnings about it.
    pub fn receivers(
        &self,
        mode: MatcherMode,
        compile: Compile<'_>,
    ) -> Result<(ReceiverFilter, Vec<String>), Refusal> {
        let name = self.last("receiver").map(&mut *compile).transpose();
        let name = name.map_err(|error| Refusal::ReceiverPattern { error: error.to_string() })?;
        let labels = self.filters("receiver_matchers", mode, compile);
        let labels = labels.map_err(|error| Refusal::ReceiverMatchers { error })?;
        Ok((ReceiverFilter { name, labels: labels.matchers }, labels.warnings))
    }
}

/// `None` if a percent sign is not followed by two hexadecimal digits.
fn decoded(text: &str) -> Option<String> {
    let spaced: Cow<'_, str> =
        if text.contains('+') { text.replace('+', " ").into() } else { text.into() };
    let well_formed = spaced
        .split('%')
        .skip(1)
        .all(|behind| behind.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2);
    well_formed.then(|| percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
}

/// Limit: matchers in one parameter of one request.
pub const FILTERS_MAX: usize = 128;

const TRUE_WORDS: [&str; 10] =
    ["true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"];

#[cfg(test)]
mod tests;

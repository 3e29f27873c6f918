//! Texts that must not be longer than a receiver takes.
//!
//! A text that is too long because it lists many alerts lists fewer of them, so that no alert is
//! shown by half, and says how many are missing. Those that fire are kept first.
//! What is still too long is cut, never inside a character.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::Fingerprint;
use bellwether_template::{Limits, Listing};

use super::Renderer;
use crate::data::Status;
use crate::templates::value::{ALERT_TYPE, alert_of, template_value};
use crate::templates::{Form, TextTemplate};
use crate::trim;
use bellwether_encoding::json::escaped_len;

/// How long a text may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    Chars(usize),
    Bytes(usize),
    /// What JavaScript calls a length: characters beyond U+FFFF count twice.
    Utf16(usize),
    /// Bytes of the text as a string in JSON, its quotes aside.
    Json(usize),
}

impl Renderer<'_> {
    /// [`Renderer::prose`] within a limit. If alerts have to be left out, the text ends with their
    /// number. Compat: see docs/compat.md#truncation.
    pub fn prose_within(&mut self, text: &TextTemplate, limit: Limit) -> String {
        self.fitted(text, limit).0
    }

    /// [`Renderer::prose_within`], and whether that is less than the whole text.
    pub fn fitted(&mut self, text: &TextTemplate, limit: Limit) -> (String, bool) {
        let whole = self.prose(text);
        if limit.holds(&whole) {
            return (whole, false);
        }
        (self.fewer_alerts(text, limit).unwrap_or_else(|| limit.cut(&whole)), true)
    }

    /// The text with as many alerts as fit; none if that is not what makes it too long.
    ///
    /// Only what loops have written about the others is left out: counts, common labels and what the
    /// loops have found out are those of all alerts.
    fn fewer_alerts(&self, text: &TextTemplate, limit: Limit) -> Option<String> {
        let Form::Template { prepared, .. } = &text.form else { return None };
        let prepared = prepared.as_ref().as_ref().ok()?;
        let value = template_value(&self.data);
        let listing =
            prepared.render_listing(&value, &self.host, Limits::default(), ALERT_TYPE).ok()?;
        let ranks = self.ranks(&listing);
        let all = ranks.iter().max().map_or(0, |last| last + 1);
        let with = |kept: usize| {
            let text = listing.with_parts(|part| ranks[part] < kept);
            let missing = all - kept;
            let noun = if missing == 1 { "alert" } else { "alerts" };
            let text = format!("{}\n… {missing} more {noun} did not fit", text.trim_end());
            limit.holds(&text).then_some(text)
        };
        let (mut fits, mut too_many) = (0, all);
        let mut best = None;
        while too_many - fits > 1 {
            let middle = fits + (too_many - fits) / 2;
            match with(middle) {
                Some(text) => (fits, best) = (middle, Some(text)),
                None => too_many = middle,
            }
        }
        best
    }

    /// For each part of the text, which of the listed alerts it is about: 0 for the one that is left
    /// out last. Those that fire come first, else they are in the order of the notification.
    fn ranks(&self, listing: &Listing) -> Vec<usize> {
        let listed: Vec<Option<Fingerprint>> = listing
            .parts()
            .iter()
            .map(|part| alert_of(&part.element).map(|alert| alert.fingerprint))
            .collect();
        let distinct: BTreeSet<Fingerprint> = listed.iter().copied().flatten().collect();
        let of = |status| self.data.alerts.iter().filter(move |alert| alert.status == status);
        let ranks: BTreeMap<Fingerprint, usize> = of(Status::Firing)
            .chain(of(Status::Resolved))
            .map(|alert| alert.alert.fingerprint)
            .filter(|alert| distinct.contains(alert))
            .enumerate()
            .map(|(rank, alert)| (alert, rank))
            .collect();
        let rank = |alert: &Option<Fingerprint>| alert.and_then(|alert| ranks.get(&alert).copied());
        listed.iter().map(|alert| rank(alert).unwrap_or_default()).collect()
    }
}

impl Limit {
    fn holds(self, text: &str) -> bool {
        match self {
            Limit::Chars(max) => text.len() <= max || text.chars().count() <= max,
            Limit::Bytes(max) => text.len() <= max,
            Limit::Utf16(max) => text.len() <= max || text.encode_utf16().count() <= max,
            Limit::Json(max) => text.chars().map(escaped_len).sum::<usize>() <= max,
        }
    }

    /// As much of the beginning as the limit allows.
    pub fn cut(self, text: &str) -> String {
        let (text, _) = match self {
            Limit::Chars(max) => trim::to_chars(text, max),
            Limit::Bytes(max) => trim::to_bytes(text, max),
            Limit::Utf16(max) => trim::to_size(text, max, char::len_utf16),
            Limit::Json(max) => trim::to_size(text, max, escaped_len),
        };
        text.into_owned()
    }
}

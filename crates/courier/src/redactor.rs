//! Hides the secrets of a request in the texts that a receiver sends back.
//!
//! In: every secret of the requests of one attempt, regardless of who adds it: the integration, the
//! client's credentials, the authentication with a mail server. Out: texts without them. A server
//! that repeats the request in its response must not put a password into a log, so the outcome of
//! each attempt is redacted here.
//!
//! A secret is found as it was given, and as it is encoded in URLs, forms, JSON and HTML; also where
//! the text is cut in the middle of it. Of a secret URL each part is found that may be the secret in
//! it. Other encodings of a secret, or parts of it, are not recognized.

use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bellwether_model::{Outcome, Secret};
use percent_encoding::percent_decode_str;
use url::Url;

mod encodings;

/// The secrets of one attempt so far.
#[derive(Default)]
pub struct Redactor(Mutex<Vec<Secret>>);

impl Redactor {
    /// A secret. One that is very short is part of any text: to hide it would hide nothing and make
    /// the text unreadable.
    pub fn add(&self, secret: &str) {
        if secret.len() >= PART_BYTES_MIN {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Secret::new(secret));
        }
    }

    /// A URL that is a secret, or has one somewhere.
    ///
    /// One that consists of scheme, host and port has none.
    pub fn add_url(&self, text: &str) {
        let Ok(url) = Url::parse(text) else { return self.add(text) };
        let has_user = !url.username().is_empty() || url.password().is_some();
        if url.path() == "/" && url.query().is_none() && url.fragment().is_none() && !has_user {
            return;
        }
        self.add(text);
        self.add(url.as_str());
        self.add_account(&url);
        let path = url.path();
        self.add_part(path);
        if let Some(query) = url.query() {
            self.add_part(query);
            self.add_part(&format!("{path}?{query}"));
            url.query_pairs().for_each(|(_, value)| self.add_part(&value));
        }
        for segment in url.path_segments().into_iter().flatten() {
            if segment.len() >= SEGMENT_BYTES_MIN {
                self.add_part(segment);
            }
        }
    }

    /// The value of an `Authorization` header: a scheme, a space, and what is secret.
    pub fn add_authorization(&self, value: &[u8]) {
        let Ok(value) = std::str::from_utf8(value) else { return };
        let credentials = value.split_once(' ').map_or(value, |(_, behind)| behind.trim());
        self.add(credentials);
        if let Ok(decoded) = STANDARD.decode(credentials)
            && let Ok(decoded) = std::str::from_utf8(&decoded)
            && let Some((_, password)) = decoded.split_once(':')
        {
            self.add(password);
        }
    }

    /// The text with `<secret>` for each secret in it.
    pub fn redact(&self, text: &str) -> String {
        let secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut encodings: Vec<String> =
            secrets.iter().flat_map(|secret| encodings::all(secret.reveal())).collect();
        // The longest comes first: a secret may be part of another one.
        encodings.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        encodings.dedup();
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            match found_at_start(rest, &encodings) {
                Some(found) => {
                    out.push_str(HIDDEN);
                    rest = &rest[found..];
                }
                None => {
                    out.push(next);
                    rest = &rest[next.len_utf8()..];
                }
            }
        }
        out
    }

    /// The outcome, its text without secrets.
    pub fn redact_outcome(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Retry { after, reason, detail } => {
                Outcome::Retry { after, reason, detail: self.redact(&detail) }
            }
            Outcome::Refused { reason, detail } => {
                Outcome::Refused { reason, detail: self.redact(&detail) }
            }
            delivered @ Outcome::Delivered { .. } => delivered,
        }
    }

    /// The user in a URL, also as it appears in a header.
    fn add_account(&self, url: &Url) {
        let (user, password) = (url.username(), url.password().unwrap_or_default());
        self.add_part(user);
        self.add(password);
        let decoded = |text| percent_decode_str(text).decode_utf8_lossy();
        self.add(&decoded(password));
        if !user.is_empty() || !password.is_empty() {
            self.add(&STANDARD.encode(format!("{}:{}", decoded(user), decoded(password))));
        }
    }

    /// Part of a URL, as it stands there and decoded; what is very short is part of any text.
    fn add_part(&self, part: &str) {
        if part.len() >= PART_BYTES_MIN {
            self.add(part);
            self.add(&percent_decode_str(part).decode_utf8_lossy());
        }
    }
}

/// How many bytes at the beginning of the text are a secret, whole or up to where the text is cut.
fn found_at_start(text: &str, encodings: &[String]) -> Option<usize> {
    let found = |encoding: &String| {
        let pairs = text.char_indices().zip(encoding.chars());
        let differ = pairs.into_iter().find(|((_, one), other)| one != other);
        let common = differ.map_or(text.len().min(encoding.len()), |((at, _), _)| at);
        let is_whole = common == encoding.len();
        let is_cut = common >= PART_BYTES_MIN
            && (text[common..].is_empty() || text[common..].starts_with(CUT));
        (is_whole || is_cut).then_some(common)
    };
    encodings.iter().find_map(found)
}

/// What stands where a text was cut: at its end, or in the middle of a character.
const CUT: [char; 2] = ['…', char::REPLACEMENT_CHARACTER];

/// What stands in place of a secret; as it is printed elsewhere.
const HIDDEN: &str = "<secret>";

/// Secrets and parts of them that are shorter are left alone.
const PART_BYTES_MIN: usize = 4;

/// Parts of a path that are shorter are words and not tokens.
const SEGMENT_BYTES_MIN: usize = 16;

#[cfg(test)]
mod tests;

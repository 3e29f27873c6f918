//! Texts that must not be longer than a receiver takes.
//!
//! A text that is too long because it lists many alerts lists fewer of them, so that no alert is
//! shown by half, and says how many are missing. Those that fire are kept first.
//! What is still too long is cut, never inside a character.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::Fingerprint;
use bellwether_template::{Error, ErrorKind, Limits, Listing};

use super::{Renderer, is_html};
use crate::data::Status;
use crate::html;
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
    /// Of HTML: characters that are seen, and bytes.
    VisibleHtml {
        chars: usize,
        bytes: usize,
    },
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
        let fewer = |text: String, missing: usize| {
            let text = format!("{}\n{}", text.trim_end(), missing_alerts(missing));
            limit.holds(&text).then_some(text)
        };
        let cut = || if is_html(text) { limit.cut_html(&whole) } else { limit.cut_text(&whole) };
        (self.fewer_alerts(text, fewer).unwrap_or_else(cut), true)
    }

    /// [`Renderer::prose_within`] for a text that may be a document in JSON: `extended` adds a last
    /// paragraph to it. If it cannot be made short enough, a plain text takes its place.
    pub fn document_within(
        &mut self,
        text: &TextTemplate,
        limit: Limit,
        extended: impl Fn(&str, &str) -> Option<String>,
    ) -> String {
        let whole = self.prose(text);
        if limit.holds(&whole) {
            return whole;
        }
        if extended(&whole, "").is_none() {
            return self.prose_within(text, limit);
        }
        let fewer = |text: String, missing: usize| {
            extended(&text, &missing_alerts(missing)).filter(|document| limit.holds(document))
        };
        self.fewer_alerts(text, fewer).unwrap_or_else(|| {
            let reason = "the document is too long for the receiver".to_owned();
            let error = Error { kind: ErrorKind::Limit, text: reason };
            self.note_fault(text, &error);
            limit.cut_text(&self.plain_prose(text, &error))
        })
    }

    /// The text with as many alerts as fit; none if that is not what makes it too long. `finished`
    /// gets a text and how many alerts are missing in it; it returns `None` if that is still too long.
    ///
    /// Only what loops have written about the others is left out: counts, common labels and what the
    /// loops have found out are those of all alerts.
    fn fewer_alerts(
        &self,
        text: &TextTemplate,
        finished: impl Fn(String, usize) -> Option<String>,
    ) -> Option<String> {
        let Form::Template { prepared, .. } = &text.form else { return None };
        let prepared = prepared.as_ref().as_ref().ok()?;
        let value = template_value(&self.data);
        let limits = Limits::default();
        let listing =
            prepared.render_listing(&value, &self.host, limits, self.interrupt, ALERT_TYPE).ok()?;
        let ranks = self.ranks(&listing);
        let all = ranks.iter().max().map_or(0, |last| last + 1);
        let with =
            |kept: usize| finished(listing.with_parts(|part| ranks[part] < kept), all - kept);
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

fn missing_alerts(missing: usize) -> String {
    let noun = if missing == 1 { "alert" } else { "alerts" };
    format!("… {missing} more {noun} did not fit")
}

impl Limit {
    fn holds(self, text: &str) -> bool {
        match self {
            Limit::Chars(max) => text.len() <= max || text.chars().count() <= max,
            Limit::Bytes(max) => text.len() <= max,
            Limit::Utf16(max) => text.len() <= max || text.encode_utf16().count() <= max,
            Limit::Json(max) => text.chars().map(escaped_len).sum::<usize>() <= max,
            Limit::VisibleHtml { chars, bytes } => {
                text.len() <= bytes && (text.len() <= chars || html::visible_chars(text) <= chars)
            }
        }
    }

    /// As much of the beginning as the limit allows.
    pub fn cut(self, text: &str) -> String {
        let (text, _) = match self {
            Limit::Chars(max) => trim::to_chars(text, max),
            Limit::Bytes(max) => trim::to_bytes(text, max),
            Limit::Utf16(max) => trim::to_size(text, max, char::len_utf16),
            Limit::Json(max) => trim::to_size(text, max, escaped_len),
            Limit::VisibleHtml { chars, .. } => trim::to_chars(text, chars),
        };
        text.into_owned()
    }

    /// As [`Limit::cut`]: neither inside a link nor inside a character reference, and with the last
    /// block of code closed.
    fn cut_text(self, text: &str) -> String {
        let cut = self.cut(text);
        let Some(kept) = cut.strip_suffix(trim::ELLIPSIS) else { return cut };
        let kept = trim::before_broken_markup(kept);
        if !trim::is_in_code(kept) {
            return format!("{kept}{}", trim::ELLIPSIS);
        }
        // What closes the block must fit too.
        let end = format!("{}\n{}", trim::ELLIPSIS, trim::CODE);
        let mut kept = kept;
        while !self.holds(&format!("{kept}{end}")) {
            let Some((last, _)) = kept.char_indices().next_back() else { break };
            kept = &kept[..last];
        }
        match trim::is_in_code(kept) {
            true => format!("{kept}{end}"),
            false => format!("{kept}{}", trim::ELLIPSIS),
        }
    }

    /// As [`Limit::cut`], with all tags whole and closed.
    fn cut_html(self, text: &str) -> String {
        match self {
            Limit::Chars(max) => html::cut(text, [max], |piece, _| [piece.chars().count()]),
            Limit::Bytes(max) => html::cut(text, [max], |piece, _| [piece.len()]),
            Limit::Utf16(max) => html::cut(text, [max], |piece, _| [piece.encode_utf16().count()]),
            Limit::Json(max) => {
                html::cut(text, [max], |piece, _| [piece.chars().map(escaped_len).sum()])
            }
            Limit::VisibleHtml { chars, bytes } => {
                html::cut(text, [chars, bytes], |piece, tags| {
                    [if tags { 0 } else { html::visible_chars(piece) }, piece.len()]
                })
            }
        }
    }
}

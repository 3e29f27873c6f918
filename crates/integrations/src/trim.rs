//! Texts cut to what a receiver takes, never inside a character.
//!
//! Receivers count characters, bytes, or something of their own; a cut text ends in `…` where
//! that fits. For characters and bytes the results equal those of the Go Alertmanager, which
//! people's tests may compare with.

use std::borrow::Cow;

/// At most `max` characters, and whether anything was cut off.
///
/// Below four characters there is no `…`.
pub fn to_chars(text: &str, max: usize) -> (Cow<'_, str>, bool) {
    // A text of few bytes has few characters.
    if text.len() <= max || text.char_indices().nth(max).is_none() {
        return (Cow::Borrowed(text), false);
    }
    let kept = if max <= 3 { max } else { max - 1 };
    let end = text.char_indices().nth(kept).map_or(text.len(), |(at, _)| at);
    if max <= 3 {
        return (Cow::Borrowed(&text[..end]), true);
    }
    (Cow::Owned(format!("{}{ELLIPSIS}", &text[..end])), true)
}

/// At most `max` bytes, and whether anything was cut off.
///
/// Below three bytes only dots fit. Compat: a long text of wide characters is cut as
/// any other; see docs/compat.md#truncation.
pub fn to_bytes(text: &str, max: usize) -> (Cow<'_, str>, bool) {
    if text.len() <= max {
        return (Cow::Borrowed(text), false);
    }
    if max < ELLIPSIS.len() {
        return (Cow::Owned(".".repeat(max)), true);
    }
    let end = text.floor_char_boundary(max - ELLIPSIS.len());
    (Cow::Owned(format!("{}{ELLIPSIS}", &text[..end])), true)
}

/// Characters whose sizes add up to at most `max`, and whether anything was cut off.
///
/// `…` fits into `max`.
pub fn to_size(text: &str, max: usize, size: impl Fn(char) -> usize) -> (Cow<'_, str>, bool) {
    let allowed = max.saturating_sub(ELLIPSIS.chars().map(&size).sum());
    let (mut used, mut end) = (0, 0);
    for (at, c) in text.char_indices() {
        used += size(c);
        if used <= allowed {
            end = at + c.len_utf8();
        }
        if used > max {
            return (Cow::Owned(format!("{}{ELLIPSIS}", &text[..end])), true);
        }
    }
    (Cow::Borrowed(text), false)
}

const ELLIPSIS: &str = "…";

#[cfg(test)]
mod tests;

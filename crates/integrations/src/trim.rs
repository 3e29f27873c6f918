//! Texts cut to what a receiver takes, never inside a character.
//!
//! Receivers count characters or bytes; a cut text ends in `…` where there is room for it. The
//! results equal those of the Go Alertmanager, which people's tests may compare with.

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
/// Below three bytes there is only room for dots. Compat: a long text of wide characters is cut as
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

const ELLIPSIS: &str = "…";

#[cfg(test)]
mod tests;

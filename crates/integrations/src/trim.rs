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

/// The beginning of a cut text without a link, tag or character reference that lacks its end:
/// `<https://x|y>`, `[x](https://y)`, `<font color="info">`, `&amp;`.
pub fn before_broken_markup(text: &str) -> &str {
    let ends = [unclosed_angle(text), unclosed_address(text), unclosed_reference(text)];
    let end = ends.into_iter().flatten().min().filter(|end| *end > 0);
    end.map_or(text, |end| &text[..end])
}

/// Whether a text ends in a block of code of Markdown.
pub fn is_in_code(text: &str) -> bool {
    text.matches(CODE).count() % 2 == 1
}

/// Where a `<` begins something of one line that should end in `>`.
fn unclosed_angle(text: &str) -> Option<usize> {
    let at = text.rfind('<').filter(|at| text.len() - at <= MARKUP_BYTES_MAX)?;
    let behind = &text[at + 1..];
    let begins = behind.starts_with(|c: char| c.is_ascii_alphabetic() || "/!@#".contains(c));
    (begins && !behind.contains(['>', '\n'])).then_some(at)
}

/// Where a `[` begins a link whose address should end in `)`.
fn unclosed_address(text: &str) -> Option<usize> {
    let address = text.rfind("](").filter(|at| text.len() - at <= MARKUP_BYTES_MAX)?;
    let is_open = !text[address + 2..].contains(|c: char| c == ')' || c.is_whitespace());
    text[..address].rfind('[').filter(|_| is_open)
}

fn unclosed_reference(text: &str) -> Option<usize> {
    let at = text.rfind('&').filter(|at| text.len() - at <= REFERENCE_BYTES_MAX)?;
    text[at + 1..].chars().all(|c| c.is_ascii_alphanumeric() || c == '#').then_some(at)
}

/// The longest link or tag that is looked for; addresses in links are not longer.
const MARKUP_BYTES_MAX: usize = 2048;

/// `&quot;` without its end.
const REFERENCE_BYTES_MAX: usize = 6;

pub const ELLIPSIS: &str = "…";

/// What begins and ends a block of code.
pub const CODE: &str = "```";

#[cfg(test)]
mod tests;

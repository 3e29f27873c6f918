//! Texts in HTML that are to be measured, cut, or shown without it.
//!
//! Read as a browser reads tags: what begins like one, and ends, is one; everything else is text.
//! Compat: what counts as visible is what the Go Alertmanager counts for Telegram, and Telegram
//! itself, which knows few named characters: see [`visible_chars`].

mod tokens;

use std::borrow::Cow;

use self::tokens::{Kind, Token, tokens};

/// A text in HTML that is not longer than `max`, measured by `size`; `text` is longer.
///
/// It is cut between two visible characters, never in a tag, ends in `…`, and closes what is open.
/// If tags alone are too long, the text is shown without them.
pub fn cut<const N: usize>(text: &str, max: [usize; N], size: Size<N>) -> String {
    let plus = |a: [usize; N], b: [usize; N]| std::array::from_fn(|index| a[index] + b[index]);
    let fits = |used: [usize; N]| (0..N).all(|index| used[index] <= max[index]);
    let mut used = [0; N];
    let mut open = Open::default();
    let mut best = 0;
    let mut at = 0;
    'tokens: for token in tokens(text) {
        if token.kind == Kind::Text && !open.is_raw() {
            let closing = size(&open.closing(), true);
            for unit in units(token.raw) {
                used = plus(used, size(unit, false));
                at += unit.len();
                if fits(plus(plus(used, closing), size(ELLIPSIS, false))) {
                    best = at;
                }
                if !fits(used) {
                    break 'tokens;
                }
            }
        } else {
            used = plus(used, size(token.raw, token.kind != Kind::Text));
            open.see(&token);
            at += token.raw.len();
        }
    }
    let kept = &text[..best];
    if visible_text(kept).is_empty() && !visible_text(text).is_empty() {
        return cut_escaped(text, max, size);
    }
    let mut open = Open::default();
    for token in tokens(kept) {
        open.see(&token);
    }
    format!("{kept}{ELLIPSIS}{}", open.closing())
}

/// The size of a piece of HTML, and whether it is made of tags.
pub type Size<const N: usize> = fn(&str, bool) -> [usize; N];

/// The beginning of what can be read of a text, without any tag.
fn cut_escaped<const N: usize>(text: &str, max: [usize; N], size: Size<N>) -> String {
    let mut used = size(ELLIPSIS, false);
    let mut out = String::new();
    for c in visible_text(text).chars() {
        let mut buffer = [0; 4];
        let escaped = bellwether_encoding::html::escape(c.encode_utf8(&mut buffer));
        let more = size(&escaped, false);
        used = std::array::from_fn(|index| used[index] + more[index]);
        if (0..N).any(|index| used[index] > max[index]) {
            break;
        }
        out.push_str(&escaped);
    }
    out.push_str(ELLIPSIS);
    out
}

/// How many characters Telegram shows of a text in HTML.
///
/// Tags count nothing, `&lt;`, `&gt;`, `&amp;`, `&quot;` and numeric references 1, and all other
/// references what they are written with. A text with a comment, a declaration or an unfinished tag in
/// it counts as it is.
pub fn visible_chars(text: &str) -> usize {
    let mut count = 0;
    for token in tokens(text) {
        match token.kind {
            Kind::Text => count += units(token.raw).count(),
            Kind::Start { .. } | Kind::End { .. } => {}
            Kind::Comment | Kind::Unfinished => return text.chars().count(),
        }
    }
    count
}

/// What can be read of a text in HTML: without tags, with the addresses of links, and with line
/// breaks where HTML has them.
pub fn visible_text(text: &str) -> String {
    let mut out = String::new();
    let mut links = Vec::new();
    let mut open = Open::default();
    for token in tokens(text) {
        match token.kind {
            Kind::Text if open.is_hidden() => {}
            Kind::Text => units(token.raw).for_each(|unit| out.push_str(&unescaped(unit))),
            Kind::Unfinished => out.push_str(token.raw),
            Kind::Comment => {}
            Kind::Start { name, .. } if name.eq_ignore_ascii_case("a") => {
                links.push((out.len(), tokens::attribute(token.raw, "href").unwrap_or_default()));
            }
            Kind::End { name } if name.eq_ignore_ascii_case("a") => {
                if let Some((from, address)) = links.pop()
                    && !address.is_empty()
                    && out[from..] != *address
                {
                    out.push_str(&format!(" ({address})"));
                }
            }
            Kind::Start { name, .. } if name.eq_ignore_ascii_case("br") => out.push('\n'),
            Kind::End { name } if BLOCKS.iter().any(|block| name.eq_ignore_ascii_case(block)) => {
                if !out.ends_with('\n') {
                    out.push('\n');
                }
            }
            Kind::Start { .. } | Kind::End { .. } => {}
        }
        open.see(&token);
    }
    out.trim().to_owned()
}

/// The elements that are open at some place, outermost first.
#[derive(Default)]
struct Open<'a>(Vec<&'a str>);

impl<'a> Open<'a> {
    fn see(&mut self, token: &Token<'a>) {
        match token.kind {
            Kind::Start { name, is_empty: false } => {
                if !VOID.iter().any(|void| name.eq_ignore_ascii_case(void)) {
                    self.0.push(name);
                }
            }
            Kind::End { name } => {
                let opened = self.0.iter().rposition(|open| open.eq_ignore_ascii_case(name));
                if let Some(opened) = opened {
                    self.0.truncate(opened);
                }
            }
            Kind::Start { is_empty: true, .. } | Kind::Text | Kind::Comment | Kind::Unfinished => {}
        }
    }

    fn closing(&self) -> String {
        self.0.iter().rev().map(|name| format!("</{name}>")).collect()
    }

    /// Whether tags have no meaning here.
    fn is_raw(&self) -> bool {
        self.0.last().is_some_and(|name| tokens::is_raw(name))
    }

    fn is_hidden(&self) -> bool {
        let hides =
            |name: &&str| ["script", "style"].iter().any(|it| name.eq_ignore_ascii_case(it));
        self.0.last().is_some_and(hides)
    }
}

/// The characters of a text between tags, where a reference is one.
fn units(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let length = reference(rest).map_or(first.len_utf8(), |(length, _)| length);
        let (unit, behind) = rest.split_at(length);
        rest = behind;
        Some(unit)
    })
}

/// What a character or reference shows.
fn unescaped(unit: &str) -> Cow<'_, str> {
    match reference(unit) {
        Some((_, c)) => Cow::Owned(c.to_string()),
        None => Cow::Borrowed(unit),
    }
}

/// The reference with which a text begins: its length in bytes, and what it stands for.
///
/// Compat: those that Telegram knows, in the way in which it reads them.
fn reference(text: &str) -> Option<(usize, char)> {
    let behind = text.strip_prefix('&')?;
    let Some(number) = behind.strip_prefix('#') else {
        let end = behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len());
        let c = match &behind[..end] {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            _ => return None,
        };
        return Some((1 + end + usize::from(behind[end..].starts_with(';')), c));
    };
    let (digits, radix, prefix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16, 3),
        None => (number, 10, 2),
    };
    let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    let code = u32::from_str_radix(&digits[..end], radix).ok()?;
    if code == 0 || code >= u32::from(char::MAX) || prefix + end >= REFERENCE_BYTES_MAX {
        return None;
    }
    let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    Some((prefix + end + usize::from(digits[end..].starts_with(';')), c))
}

/// Compat: Telegram takes fewer bytes than this for a numeric reference without its `;`.
const REFERENCE_BYTES_MAX: usize = 10;

const ELLIPSIS: &str = "…";

/// Elements that end in a new line.
const BLOCKS: &[&str] =
    &["p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "table"];

/// Elements that are never closed.
const VOID: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track",
    "wbr",
];

#[cfg(test)]
mod tests;

//! Where do tags begin and end?
//!
//! The rules are those of browsers as Go's `html.Tokenizer` has them, but for scripts that hide their
//! own end tag in a comment.

/// A piece of HTML; all of them together are the whole text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    pub kind: Kind<'a>,
    pub raw: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind<'a> {
    Text,
    /// `<b>`; empty if it is `<b/>`.
    Start {
        name: &'a str,
        is_empty: bool,
    },
    /// `</b>`
    End {
        name: &'a str,
    },
    /// A comment, a declaration, or what browsers take for one.
    Comment,
    /// A tag that the text ends in.
    Unfinished,
}

/// The pieces of a text, in order.
pub fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    let mut rest = text;
    // The element whose text has no tags but its own end.
    let mut raw_element = None;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let raw_text = raw_element.take().map(|name| raw_text_length(rest, name));
        let (kind, length) = match raw_text {
            Some(length) if length > 0 => (Kind::Text, length),
            _ => next(rest),
        };
        if let Kind::Start { name, .. } = kind
            && is_raw(name)
        {
            raw_element = Some(name);
        }
        let (raw, behind) = rest.split_at(length);
        rest = behind;
        Some(Token { kind, raw })
    })
}

/// Whether the text of an element has no tags in it.
pub fn is_raw(name: &str) -> bool {
    RAW.iter().any(|raw| name.eq_ignore_ascii_case(raw))
}

/// The value of an attribute of a tag, its characters as written.
pub fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let mut found = None;
    tag_length(tag, |key, value| {
        if key.eq_ignore_ascii_case(name) && found.is_none() {
            found = Some(value);
        }
    });
    found
}

/// The first piece of a text that is not empty.
fn next(text: &str) -> (Kind<'_>, usize) {
    let begins = |at: usize| {
        let behind = text.as_bytes().get(at + 1);
        // `</` at the very end is text.
        matches!(behind, Some(b'a'..=b'z' | b'A'..=b'Z' | b'!' | b'?'))
            || behind == Some(&b'/') && text.len() > at + 2
    };
    let tag = text.match_indices('<').map(|(at, _)| at).find(|at| begins(*at));
    match tag {
        None => (Kind::Text, text.len()),
        Some(0) => markup(text),
        Some(at) => (Kind::Text, at),
    }
}

/// What begins at a `<`.
fn markup(text: &str) -> (Kind<'_>, usize) {
    let until = |end: &str, from: usize| {
        text[from..].find(end).map_or(text.len(), |at| from + at + end.len())
    };
    match text.as_bytes() {
        [_, b'!', b'-', b'-', ..] => {
            // `<!-->` and `<!--->` are whole comments.
            let is_short = text[4..].starts_with('>') || text[4..].starts_with("->");
            (Kind::Comment, if is_short { until(">", 4) } else { until("-->", 4) })
        }
        [_, b'!' | b'?', ..] => (Kind::Comment, until(">", 1)),
        [_, b'/', b'a'..=b'z' | b'A'..=b'Z', ..] => match tag_length(text, |_, _| {}) {
            Some((length, _)) => (Kind::End { name: tag_name(&text[2..]) }, length),
            None => (Kind::Unfinished, text.len()),
        },
        [_, b'/', ..] => (Kind::Comment, until(">", 2)),
        _ => match tag_length(text, |_, _| {}) {
            Some((length, is_empty)) => {
                (Kind::Start { name: tag_name(&text[1..]), is_empty }, length)
            }
            None => (Kind::Unfinished, text.len()),
        },
    }
}

fn tag_name(text: &str) -> &str {
    let ends = |c: char| is_space(c) || matches!(c, '/' | '>');
    text.split(ends).next().unwrap_or_default()
}

/// The length of the tag with which a text begins, and whether it ends in `/>`; `None` if the text
/// ends before. `see` gets its attributes.
fn tag_length<'a>(text: &'a str, mut see: impl FnMut(&'a str, &'a str)) -> Option<(usize, bool)> {
    let name_at = if text.starts_with("</") { 2 } else { 1 };
    let mut at = name_at + tag_name(&text[name_at..]).len();
    let skip_spaces =
        |at: usize| text.len() - text[at..].trim_start_matches(is_space as fn(char) -> bool).len();
    let mut value_end = 0;
    loop {
        at = skip_spaces(at);
        match text[at..].chars().next()? {
            '>' => return Some((at + 1, text[..at].ends_with('/') && value_end != at)),
            // A `=` where a name should begin is part of the name.
            first => {
                let from = if first == '=' { at + 1 } else { at };
                let ends = |c: char| is_space(c) || matches!(c, '/' | '>' | '=');
                let key_end = from + text[from..].find(ends)?;
                let key = &text[at..key_end];
                at = skip_spaces(key_end);
                match text[at..].chars().next()? {
                    '/' => at += 1,
                    '=' => {
                        let value_at = skip_spaces(at + 1);
                        let (value, end) = value(text, value_at)?;
                        (at, value_end) = (end, if end > value_at { end } else { 0 });
                        see(key, value);
                    }
                    _ => {}
                }
            }
        }
    }
}

/// The value at a place, and where the tag goes on.
fn value(text: &str, at: usize) -> Option<(&str, usize)> {
    match text[at..].chars().next()? {
        '>' => Some(("", at)),
        quote @ ('"' | '\'') => {
            let end = at + 1 + text[at + 1..].find(quote)?;
            Some((&text[at + 1..end], end + 1))
        }
        _ => {
            let end = at + text[at..].find(|c: char| is_space(c) || c == '>')?;
            Some((&text[at..end], end))
        }
    }
}

/// The length of a text up to the end tag of this element.
fn raw_text_length(text: &str, element: &str) -> usize {
    if element.eq_ignore_ascii_case("plaintext") {
        return text.len();
    }
    let ends = |at: &usize| {
        let behind = &text[at + 2..];
        behind.get(..element.len()).is_some_and(|name| name.eq_ignore_ascii_case(element))
            && behind[element.len()..].starts_with(|c: char| is_space(c) || matches!(c, '/' | '>'))
    };
    text.match_indices("</").map(|(at, _)| at).find(ends).unwrap_or(text.len())
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\n' | '\r' | '\t' | '\u{c}')
}

/// Elements whose text has no tags in it.
const RAW: &[&str] = &[
    "iframe",
    "noembed",
    "noframes",
    "noscript",
    "plaintext",
    "script",
    "style",
    "textarea",
    "title",
    "xmp",
];

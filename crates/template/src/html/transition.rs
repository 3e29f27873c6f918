//! What does a piece of text make of a context?
//!
//! Each state has a function that reads as far as it is sure, and says where that leads. This file
//! has the states of HTML itself; scripts, styles and URLs have their own.

mod css;
mod js;

pub(super) use self::css::{decode as decode_css, is_space as is_css_space};
use super::attribute::{Meaning, meaning};
use super::context::{Attribute, Context, Delimiter, Element, State, UrlPart};
use crate::parse::quote::quote;

/// The context behind some of the bytes, and how many.
pub(super) fn step(context: Context, bytes: &[u8]) -> (Context, usize) {
    match context.state {
        State::Text => text(context, bytes),
        State::Tag => tag(context, bytes),
        State::AttrName => attribute_name(context, bytes),
        State::AfterName => after_name(context, bytes),
        State::BeforeValue => before_value(context, bytes),
        State::HTMLCmt => match find(bytes, b"-->") {
            Some(at) => (Context::default(), at + 3),
            None => (context, bytes.len()),
        },
        State::RCDATA => special_end(context, bytes),
        State::Attr | State::Error | State::Dead => (context, bytes.len()),
        State::URL | State::Srcset => (url(context, bytes), bytes.len()),
        State::MetaContent => meta_content(context, bytes),
        State::MetaContentURL => match bytes.iter().position(|byte| *byte == b';') {
            Some(at) => (Context { state: State::MetaContent, ..context }, at + 1),
            None => (context, bytes.len()),
        },
        State::JS => js::script(context, bytes),
        State::JSDqStr | State::JSSqStr | State::JSRegexp => js::literal(context, bytes),
        State::JSTmplLit => js::template(context, bytes),
        State::JSBlockCmt | State::CSSBlockCmt => block_comment(context, bytes),
        State::JSLineCmt | State::JSHTMLOpenCmt | State::JSHTMLCloseCmt | State::CSSLineCmt => {
            line_comment(context, bytes)
        }
        State::CSS => css::style(context, bytes),
        State::CSSDqStr | State::CSSSqStr | State::CSSDqURL | State::CSSSqURL | State::CSSURL => {
            css::string(context, bytes)
        }
    }
}

/// Up to the end tag of an element whose content is not HTML; 0 bytes if it is right here.
pub(super) fn special_end(context: Context, bytes: &[u8]) -> (Context, usize) {
    let name: &[u8] = match context.element {
        Element::None => return (context, bytes.len()),
        // An end tag inside of a literal is taken apart when it is written.
        Element::Script if context.state.is_script_literal() || context.state.is_comment() => {
            return (context, bytes.len());
        }
        Element::Script => b"script",
        Element::Style => b"style",
        Element::Textarea => b"textarea",
        Element::Title => b"title",
        Element::Meta => b"",
    };
    match find_end_tag(bytes, name) {
        Some(at) => (Context::default(), at),
        None => (context, bytes.len()),
    }
}

/// How far a query has come after these bytes.
pub(super) fn url(mut context: Context, bytes: &[u8]) -> Context {
    if bytes.iter().any(|byte| matches!(byte, b'#' | b'?')) {
        context.url = UrlPart::QueryOrFrag;
    } else if skip_spaces(bytes, 0) != bytes.len() && context.url == UrlPart::None {
        context.url = UrlPart::PreQuery;
    }
    context
}

fn text(context: Context, bytes: &[u8]) -> (Context, usize) {
    let mut from = 0;
    loop {
        let rest = bytes.get(from..).unwrap_or_default();
        let Some(found) = rest.iter().position(|byte| *byte == b'<') else {
            return (context, bytes.len());
        };
        let open = from + found;
        let behind = bytes.get(open..).unwrap_or_default();
        if behind.len() == 1 {
            return (context, bytes.len());
        }
        if behind.starts_with(b"<!--") {
            return (Context::in_state(State::HTMLCmt), open + 4);
        }
        let closes = behind.get(1) == Some(&b'/');
        let start = open + 1 + usize::from(closes);
        if start == bytes.len() {
            return (context, bytes.len());
        }
        let end = tag_name_end(bytes, start);
        if end != start {
            let name = bytes.get(start..end).unwrap_or_default();
            let element = if closes { Element::None } else { element_of(name) };
            return (Context::in_tag(element), end);
        }
        from = end;
    }
}

fn tag(context: Context, bytes: &[u8]) -> (Context, usize) {
    let at = skip_spaces(bytes, 0);
    let element = context.element;
    if at == bytes.len() {
        return (context, at);
    }
    if bytes.get(at) == Some(&b'>') {
        let (state, element) = match element {
            Element::None => (State::Text, element),
            Element::Meta => (State::Text, Element::None),
            Element::Script => (State::JS, element),
            Element::Style => (State::CSS, element),
            Element::Textarea | Element::Title => (State::RCDATA, element),
        };
        return (Context { state, element, ..Context::default() }, at + 1);
    }
    let rest = bytes.get(at..).unwrap_or_default();
    let length = match attribute_name_length(rest, bytes) {
        Ok(length) => length,
        Err(failed) => return (failed, bytes.len()),
    };
    if length == 0 {
        let quoted = quote(rest);
        let reason = format!("expected space, attr name, or end of tag, but got {quoted}");
        return (Context::failed(reason), bytes.len());
    }
    let name = rest.get(..length).unwrap_or_default();
    let name = String::from_utf8_lossy(name).to_lowercase();
    let attribute = match (element, name.as_str()) {
        (Element::Script, "type") => Attribute::ScriptType,
        (Element::Meta, "content") => Attribute::MetaContent,
        _ => match meaning(&name) {
            Meaning::Url => Attribute::URL,
            Meaning::Css => Attribute::Style,
            Meaning::Js => Attribute::Script,
            Meaning::Srcset => Attribute::Srcset,
            Meaning::Plain | Meaning::Html | Meaning::Unsafe => Attribute::None,
        },
    };
    let end = at + length;
    let state = if end == bytes.len() { State::AttrName } else { State::AfterName };
    (Context { state, element, attribute, ..Context::default() }, end)
}

fn attribute_name(mut context: Context, bytes: &[u8]) -> (Context, usize) {
    match attribute_name_length(bytes, bytes) {
        Err(failed) => (failed, bytes.len()),
        Ok(length) => {
            if length != bytes.len() {
                context.state = State::AfterName;
            }
            (context, length)
        }
    }
}

fn after_name(mut context: Context, bytes: &[u8]) -> (Context, usize) {
    let at = skip_spaces(bytes, 0);
    match bytes.get(at) {
        None => (context, at),
        Some(b'=') => {
            context.state = State::BeforeValue;
            (context, at + 1)
        }
        Some(_) => {
            context.state = State::Tag;
            (context, at)
        }
    }
}

fn before_value(mut context: Context, bytes: &[u8]) -> (Context, usize) {
    let at = skip_spaces(bytes, 0);
    let (delimiter, end) = match bytes.get(at) {
        None => return (context, at),
        Some(b'\'') => (Delimiter::SingleQuote, at + 1),
        Some(b'"') => (Delimiter::DoubleQuote, at + 1),
        Some(_) => (Delimiter::SpaceOrTagEnd, at),
    };
    context.state = context.attribute.start();
    context.delimiter = delimiter;
    (context, end)
}

fn block_comment(mut context: Context, bytes: &[u8]) -> (Context, usize) {
    let Some(at) = find(bytes, b"*/") else { return (context, bytes.len()) };
    context.state = if context.state == State::JSBlockCmt { State::JS } else { State::CSS };
    (context, at + 2)
}

fn line_comment(mut context: Context, bytes: &[u8]) -> (Context, usize) {
    let css = context.state == State::CSSLineCmt;
    let end = if css {
        bytes.iter().position(|byte| matches!(byte, b'\n' | b'\x0c' | b'\r'))
    } else {
        js::find_newline(bytes)
    };
    // The newline itself is left: it means something in a script.
    let Some(at) = end else { return (context, bytes.len()) };
    context.state = if css { State::CSS } else { State::JS };
    (context, at)
}

/// The content of a `meta` may have a URL in it.
fn meta_content(mut context: Context, bytes: &[u8]) -> (Context, usize) {
    for at in 0..bytes.len() {
        let word = bytes.get(at..at + 3).unwrap_or_default();
        if at + 3 < bytes.len() && word.eq_ignore_ascii_case(b"url") {
            let sign = skip_spaces(bytes, at + 3);
            if bytes.get(sign) == Some(&b'=') {
                context.state = State::MetaContentURL;
                return (context, sign + 1);
            }
        }
    }
    (context, bytes.len())
}

/// `shown` is what an error shows of the text around.
fn attribute_name_length(bytes: &[u8], shown: &[u8]) -> Result<usize, Context> {
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b' ' | b'\t' | b'\n' | b'\x0c' | b'\r' | b'=' | b'>' => return Ok(at),
            b'\'' | b'"' | b'<' => {
                let sign = quote(&[*byte]);
                let name = quote(cut(shown, 32));
                return Err(Context::failed(format!("{sign} in attribute name: {name}")));
            }
            _ => {}
        }
    }
    Ok(bytes.len())
}

fn tag_name_end(bytes: &[u8], start: usize) -> usize {
    if !bytes.get(start).is_some_and(u8::is_ascii_alphabetic) {
        return start;
    }
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        let joins =
            matches!(byte, b':' | b'-') && bytes.get(at + 1).is_some_and(u8::is_ascii_alphanumeric);
        match (byte.is_ascii_alphanumeric(), joins) {
            (true, _) => at += 1,
            (false, true) => at += 2,
            (false, false) => break,
        }
    }
    at
}

fn element_of(name: &[u8]) -> Element {
    match name.to_ascii_lowercase().as_slice() {
        b"script" => Element::Script,
        b"style" => Element::Style,
        b"textarea" => Element::Textarea,
        b"title" => Element::Title,
        b"meta" => Element::Meta,
        _ => Element::None,
    }
}

fn find_end_tag(bytes: &[u8], name: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let open = from + find(bytes.get(from..)?, b"</")?;
        from = open + 2;
        let behind = bytes.get(from..)?;
        let named = behind.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name));
        if named {
            let next = behind.get(name.len());
            if next.is_some_and(|byte| b"> \t\n\x0c/".contains(byte)) {
                return Some(open);
            }
            from += name.len();
        }
    }
}

pub(super) fn skip_spaces(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    let spaces =
        rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\x0c' | b'\r'));
    from + spaces.count()
}

pub(super) fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len().max(1)).position(|window| window == wanted)
}

/// The first characters, for an error.
pub(super) fn cut(bytes: &[u8], chars: usize) -> &[u8] {
    let text = crate::value::to_utf8(bytes);
    match text.char_indices().nth(chars) {
        Some((at, _)) => bytes.get(..at).unwrap_or(bytes),
        None => bytes,
    }
}

//! What does each escaper do to a value?
//!
//! Most replace some characters and leave the rest; the filters replace a whole value that has no
//! harmless form by a text that is easy to search for. Trusted texts pass where they belong.

mod css;
mod reference;
mod script;
mod url;

pub(super) use self::reference::resolve as resolve_references;
use super::attribute::{Meaning, meaning};
use super::context::{Context, Delimiter, Element, State};
use super::transition::step;
use crate::builtin::{html_reference, url_query, write_html};
use crate::escaper::Escaper;
use crate::print::{Sink, write_print};
use crate::value::{Text, Trust, Value, first_char};

/// Writes a value through its escapers, one after the other.
pub(crate) fn write_escaped(sink: &mut Sink, value: &Value, escapers: &[Escaper]) {
    let Some((last, before)) = escapers.split_last() else { return };
    let mut intermediate: Option<Value> = None;
    for escaper in before {
        let mut inner = sink.sibling();
        apply(&mut inner, intermediate.as_ref().unwrap_or(value), *escaper);
        sink.inherit(&inner);
        intermediate = Some(Value::text(inner.bytes));
    }
    apply(sink, intermediate.as_ref().unwrap_or(value), *last);
}

fn apply(sink: &mut Sink, value: &Value, escaper: Escaper) {
    if escaper == Escaper::JsValue {
        return script::value(sink, value);
    }
    let (text, trust) = stringify(sink, value, escaper);
    let bytes = text.as_bytes();
    match escaper {
        Escaper::Html if trust == Some(Trust::Html) => sink.push(bytes),
        Escaper::Rcdata if trust == Some(Trust::Html) => {
            replace(sink, bytes, |byte| markup(byte).filter(|_| byte != b'&'));
        }
        Escaper::Html | Escaper::Rcdata => replace(sink, bytes, markup),
        Escaper::Attribute if trust == Some(Trust::Html) => {
            replace(sink, &without_tags(bytes), |byte| markup(byte).filter(|_| byte != b'&'));
        }
        Escaper::Attribute => replace(sink, bytes, markup),
        Escaper::Unquoted => unquoted(sink, bytes, trust),
        Escaper::HtmlName => name(sink, bytes, trust),
        Escaper::Comment => {}
        Escaper::UrlFilter => url::filter(sink, bytes, trust),
        Escaper::UrlNormalizer => url::encode(sink, bytes, url::Keep::Normal),
        Escaper::UrlPart if trust == Some(Trust::Url) => {
            url::encode(sink, bytes, url::Keep::Normal);
        }
        Escaper::UrlPart => url::encode(sink, bytes, url::Keep::Part),
        Escaper::Srcset => url::srcset(sink, bytes, trust),
        Escaper::JsString => script::string(sink, bytes, trust),
        Escaper::JsTemplate => script::template(sink, bytes),
        Escaper::JsRegexp => script::regexp(sink, bytes),
        Escaper::CssString => css::string(sink, bytes),
        Escaper::CssValue => css::value(sink, bytes, trust),
        Escaper::PredefinedHtml => write_html(sink, bytes),
        Escaper::PredefinedQuery => url_query(sink, bytes),
        // Taken care of above, since it looks at the value itself.
        Escaper::JsValue => {}
    }
}

/// The value as text, and as what it is trusted. Nothing is an empty text here, but not for the
/// escapers that the template named itself.
fn stringify(sink: &mut Sink, value: &Value, escaper: Escaper) -> (Text, Option<Trust>) {
    let predefined = matches!(escaper, Escaper::PredefinedHtml | Escaper::PredefinedQuery);
    match value {
        Value::Text(text) => (text.clone(), None),
        Value::Trusted(trust, text) => (text.clone(), Some(*trust)),
        Value::Nil if predefined => ("<no value>".into(), None),
        Value::Nil => (Text::default(), None),
        _ => {
            let mut inner = sink.sibling();
            write_print(&mut inner, std::slice::from_ref(value));
            sink.inherit(&inner);
            let mut bytes = inner.bytes;
            // A pointer is followed.
            let pointer = matches!(value, Value::Object(object)
                if object.type_name().starts_with('*') && object.text().is_none());
            if pointer && bytes.first() == Some(&b'&') {
                bytes.remove(0);
            }
            (bytes.into(), None)
        }
    }
}

/// Writes a text in which some characters are replaced. They are ASCII, whose bytes are never part
/// of another character.
fn replace(sink: &mut Sink, bytes: &[u8], replacement: impl Fn(u8) -> Option<&'static str>) {
    let mut start = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let Some(new) = replacement(*byte) else { continue };
        sink.push(bytes.get(start..at).unwrap_or_default());
        sink.push_str(new);
        start = at + 1;
    }
    sink.push(bytes.get(start..).unwrap_or_default());
}

fn markup(byte: u8) -> Option<&'static str> {
    if byte == b'+' { Some("&#43;") } else { html_reference(byte) }
}

/// A value without quotes around it must not be empty, nor contain anything that ends it.
fn unquoted(sink: &mut Sink, bytes: &[u8], trust: Option<Trust>) {
    if bytes.is_empty() {
        return sink.push_str(FAILSAFE);
    }
    let is_html = trust == Some(Trust::Html);
    let stripped;
    let mut rest = bytes;
    if is_html {
        stripped = without_tags(bytes);
        rest = &stripped;
    }
    while let Some((char, length)) = first_char(rest) {
        let (taken, tail) = rest.split_at(length);
        let new = match char {
            '\0' => "&#xfffd;",
            '\t' => "&#9;",
            '\n' => "&#10;",
            '\u{b}' => "&#11;",
            '\u{c}' => "&#12;",
            '\r' => "&#13;",
            ' ' => "&#32;",
            '=' => "&#61;",
            '`' => "&#96;",
            '&' if is_html => "",
            _ => u8::try_from(char).ok().and_then(markup).unwrap_or_default(),
        };
        if !new.is_empty() {
            sink.push_str(new);
        } else if matches!(char, '\u{fdd0}'..='\u{fdef}' | '\u{fff0}'..='\u{ffff}') {
            sink.push_str(&format!("&#x{:x};", u32::from(char)));
        } else {
            sink.push(taken);
        }
        rest = tail;
    }
}

/// A template may choose the name of an attribute only if nothing depends on it.
fn name(sink: &mut Sink, bytes: &[u8], trust: Option<Trust>) {
    if trust == Some(Trust::HtmlAttribute) {
        return sink.push(bytes);
    }
    let name = String::from_utf8_lossy(bytes).to_lowercase();
    let harmless = !name.is_empty()
        && meaning(&name) == Meaning::Plain
        && name.chars().all(|char| char.is_ascii_lowercase() || char.is_ascii_digit());
    sink.push_str(if harmless { &name } else { FAILSAFE });
}

/// Trusted HTML in an attribute: only its text is of use there.
fn without_tags(html: &[u8]) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut context = Context::default();
    let mut all_text = true;
    let mut at = 0;
    while at < html.len() {
        let rest = html.get(at..).unwrap_or_default();
        if context.delimiter != Delimiter::None {
            let ends = context.delimiter.ends();
            let Some(length) = rest.iter().position(|byte| ends.contains(byte)) else { break };
            let quoted = context.delimiter != Delimiter::SpaceOrTagEnd;
            at += length + usize::from(quoted);
            context = Context::in_tag(context.element);
            continue;
        }
        let state = context.state;
        let opaque = context.element != Element::None && !state.is_in_tag();
        let start = if opaque { State::RCDATA } else { state };
        let (next, length) = step(Context { state: start, ..context }, rest);
        if matches!(state, State::Text | State::RCDATA) {
            let mut end = length;
            let piece = rest.get(..length).unwrap_or(rest);
            if next.state != state
                && let Some(open) = piece.iter().rposition(|byte| *byte == b'<')
            {
                end = open;
            }
            kept.extend_from_slice(rest.get(..end).unwrap_or_default());
        } else {
            all_text = false;
        }
        if length == 0 && next.state == state {
            break;
        }
        context = next;
        at += length;
    }
    if all_text {
        return html.to_vec();
    }
    if matches!(context.state, State::Text | State::RCDATA) {
        kept.extend_from_slice(html.get(at..).unwrap_or_default());
    }
    kept
}

/// What stands for a value that has no harmless form.
const FAILSAFE: &str = "ZgotmplZ";

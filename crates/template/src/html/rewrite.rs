//! What is left of the text and the pipelines of a page?
//!
//! Comments go, since they show a reader what the author did not mean to publish. A `<` that opens
//! nothing is escaped, and an end tag inside of a string of a script is taken apart.

use super::context::{Attribute, Context, Delimiter, Element, State};
use super::transition::{special_end, step};
use crate::builtin::JOIN;
use crate::escaper::Escaper;
use crate::parse::quote::quote;
use crate::parse::tree::{Form, Pipe, WordKind};

/// The context behind a text, and what of it is written.
pub(super) fn escape_text(mut context: Context, text: &[u8]) -> (Context, Box<[u8]>) {
    let mut kept: Vec<u8> = Vec::new();
    // Up to here, what is to be written has been written.
    let mut written = 0;
    let mut at = 0;
    while at < text.len() {
        let (next, length) = after(context.clone(), text.get(at..).unwrap_or_default());
        let end = (at + length).min(text.len());
        if length == 0 && next.state == context.state {
            // No context stays as it is without reading anything.
            return (Context::failed("no way on in the text"), Box::default());
        }
        if matches!(context.state, State::Text | State::RCDATA) {
            escape_stray(text, at, end, next.state != context.state, &mut written, &mut kept);
        } else if context.state.is_comment() && context.delimiter == Delimiter::None {
            match context.state {
                State::JSBlockCmt => {
                    let comment = text.get(written..end).unwrap_or_default();
                    kept.push(if has_newline(comment) { b'\n' } else { b' ' });
                }
                State::CSSBlockCmt => kept.push(b' '),
                _ => {}
            }
            written = end;
        }
        let enters_comment = context.state != next.state
            && next.state.is_comment()
            && next.delimiter == Delimiter::None;
        if enters_comment {
            let sign = match next.state {
                State::HTMLCmt | State::JSHTMLOpenCmt => 4,
                State::JSHTMLCloseCmt => 3,
                _ => 2,
            };
            kept.extend_from_slice(text.get(written..end.saturating_sub(sign)).unwrap_or_default());
            written = end;
        }
        let piece = text.get(at..end).unwrap_or_default();
        if context.state.is_script_literal() && find_script_tag(piece).is_some() {
            kept.extend_from_slice(text.get(written..at).unwrap_or_default());
            push_without_script_tags(&mut kept, piece);
            written = end;
        }
        (context, at) = (next, end);
    }
    if !context.state.is_comment() || context.delimiter != Delimiter::None {
        kept.extend_from_slice(text.get(written..).unwrap_or_default());
    } else if written == 0 {
        kept.extend_from_slice(text);
    }
    (context, kept.into())
}

/// The pipeline, and the escapers that follow it.
pub(super) fn plan(pipe: &Pipe, mut wanted: Vec<Escaper>) -> (Pipe, Vec<Escaper>) {
    let mut pipe = pipe.clone();
    if wanted.is_empty() {
        return (pipe, wanted);
    }
    let mut planned: Vec<Escaper> = Vec::new();
    if let Some(predefined) = last_escaper(&pipe) {
        let takes_place = wanted.iter().any(|escaper| escaper.equals(predefined));
        let joins = pipe.commands.len() == 1
            && (takes_place || pipe.commands.iter().any(|command| command.words.len() > 1));
        if joins {
            // `html x` becomes a join of the arguments, and escaping them where it is due.
            let first = pipe.commands.first_mut().and_then(|command| command.words.first_mut());
            if let Some(word) = first {
                word.kind = WordKind::Function { function: &JOIN, form: Form::Plain };
            }
        } else if takes_place {
            pipe.commands.pop();
        }
        if takes_place {
            for escaper in wanted.iter_mut().filter(|escaper| escaper.equals(predefined)) {
                *escaper = predefined;
            }
        } else if joins {
            planned.push(predefined);
        }
    }
    for escaper in wanted {
        if !planned.last().is_some_and(|last| last.makes_redundant(escaper)) {
            planned.push(escaper);
        }
    }
    (pipe, planned)
}

fn last_escaper(pipe: &Pipe) -> Option<Escaper> {
    let last = pipe.commands.last()?.words.first()?;
    match last.kind {
        WordKind::Function { form: Form::Html, .. } => Some(Escaper::PredefinedHtml),
        WordKind::Function { form: Form::UrlQuery, .. } => Some(Escaper::PredefinedQuery),
        _ => None,
    }
}

/// The context behind some of the text, and how much of it.
fn after(context: Context, text: &[u8]) -> (Context, usize) {
    if context.delimiter == Delimiter::None {
        let (end, length) = special_end(context.clone(), text);
        if length == 0 {
            return (end, 0);
        }
        return step(context, text.get(..length).unwrap_or(text));
    }
    let ends = context.delimiter.ends();
    let length = text.iter().position(|byte| ends.contains(byte)).unwrap_or(text.len());
    let value = text.get(..length).unwrap_or(text);
    if context.delimiter == Delimiter::SpaceOrTagEnd
        && let Some(byte) = value.iter().find(|byte| b"\"'<=`".contains(byte))
    {
        let reason = format!("{} in unquoted attr: {}", quote(&[*byte]), quote(value));
        return (Context::failed(reason), text.len());
    }
    if length == text.len() {
        return (inside_value(context, text), length);
    }
    let not_a_script = context.state == State::Attr
        && context.element == Element::Script
        && context.attribute == Attribute::ScriptType
        && !is_script_type(value);
    let element = if not_a_script { Element::None } else { context.element };
    let quoted = context.delimiter != Delimiter::SpaceOrTagEnd;
    (Context::in_tag(element), length + usize::from(quoted))
}

/// The value of an attribute means what it says once its references are resolved.
fn inside_value(mut context: Context, value: &[u8]) -> Context {
    let resolved = super::write::resolve_references(value);
    let mut rest = resolved.as_slice();
    while !rest.is_empty() {
        let (next, length) = step(context, rest);
        context = next;
        rest = rest.get(length..).unwrap_or_default();
    }
    context
}

/// Escapes each `<` that opens no tag.
fn escape_stray(
    text: &[u8],
    from: usize,
    to: usize,
    leaves: bool,
    written: &mut usize,
    kept: &mut Vec<u8>,
) {
    let mut end = to;
    if leaves {
        // The last one is where the tag begins that was found.
        let piece = text.get(from..to).unwrap_or_default();
        if let Some(open) = piece.iter().rposition(|byte| *byte == b'<') {
            end = from + open;
        }
    }
    for at in from..end {
        let rest = text.get(at..).unwrap_or_default();
        let doctype =
            rest.get(..DOCTYPE.len()).is_some_and(|head| head.eq_ignore_ascii_case(DOCTYPE));
        if rest.first() == Some(&b'<') && !doctype {
            kept.extend_from_slice(text.get(*written..at).unwrap_or_default());
            kept.extend_from_slice(b"&lt;");
            *written = at + 1;
        }
    }
}

fn has_newline(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.contains(['\n', '\r', '\u{2028}', '\u{2029}'])
}

fn find_script_tag(bytes: &[u8]) -> Option<usize> {
    (0..bytes.len()).find(|at| {
        let rest = bytes.get(*at..).unwrap_or_default();
        SCRIPT_TAGS
            .iter()
            .any(|tag| rest.get(..tag.len()).is_some_and(|head| head.eq_ignore_ascii_case(tag)))
    })
}

fn push_without_script_tags(kept: &mut Vec<u8>, piece: &[u8]) {
    let mut rest = piece;
    while let Some(at) = find_script_tag(rest) {
        kept.extend_from_slice(rest.get(..at).unwrap_or_default());
        kept.extend_from_slice(b"\\x3C");
        rest = rest.get(at + 1..).unwrap_or_default();
    }
    kept.extend_from_slice(rest);
}

/// Whether the `type` of a script says that it is one.
fn is_script_type(value: &[u8]) -> bool {
    let value = String::from_utf8_lossy(value);
    let kind = value.split(';').next().unwrap_or_default().trim().to_lowercase();
    SCRIPT_TYPES.contains(&kind.as_str())
}

const DOCTYPE: &[u8] = b"<!DOCTYPE";
const SCRIPT_TAGS: [&[u8]; 3] = [b"<script", b"</script", b"<!--"];
const SCRIPT_TYPES: [&str; 20] = [
    "",
    "module",
    "application/ecmascript",
    "application/javascript",
    "application/json",
    "application/ld+json",
    "application/x-ecmascript",
    "application/x-javascript",
    "text/ecmascript",
    "text/javascript",
    "text/javascript1.0",
    "text/javascript1.1",
    "text/javascript1.2",
    "text/javascript1.3",
    "text/javascript1.4",
    "text/javascript1.5",
    "text/jscript",
    "text/livescript",
    "text/x-ecmascript",
    "text/x-javascript",
];

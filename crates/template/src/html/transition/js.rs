//! Scripts: strings, template literals, comments, and whether a slash divides.

use super::super::context::{Context, Slash, State};
use super::{cut, find};
use crate::parse::quote::quote;
use crate::value::to_utf8;

pub(super) fn script(mut context: Context, bytes: &[u8]) -> (Context, usize) {
    let special = bytes.iter().position(|byte| b"\"`'/{}<-#".contains(byte));
    let Some(at) = special else {
        context.slash = slash_after(bytes, context.slash);
        return (context, bytes.len());
    };
    let (before, rest) = bytes.split_at(at);
    context.slash = slash_after(before, context.slash);
    let mut end = at + 1;
    match rest.first().copied().unwrap_or_default() {
        b'"' => enter(&mut context, State::JSDqStr),
        b'\'' => enter(&mut context, State::JSSqStr),
        b'`' => enter(&mut context, State::JSTmplLit),
        b'/' => match (rest.get(1), context.slash) {
            (Some(b'/'), _) => {
                context.state = State::JSLineCmt;
                end += 1;
            }
            (Some(b'*'), _) => {
                context.state = State::JSBlockCmt;
                end += 1;
            }
            (_, Slash::Regexp) => context.state = State::JSRegexp,
            (_, Slash::DivOp) => context.slash = Slash::Regexp,
            (_, Slash::Unknown) => {
                let code = quote(cut(rest, 32));
                let reason = format!("'/' could start a division or regexp: {code}");
                return (Context::failed(reason), bytes.len());
            }
        },
        b'<' if rest.starts_with(b"<!--") => {
            context.state = State::JSHTMLOpenCmt;
            end += 3;
        }
        b'-' if rest.starts_with(b"-->") => {
            context.state = State::JSHTMLCloseCmt;
            end += 2;
        }
        b'#' if rest.starts_with(b"#!") => {
            context.state = State::JSLineCmt;
            end += 1;
        }
        brace @ (b'{' | b'}') => brace_in(&mut context, brace),
        _ => {}
    }
    (context, end)
}

fn enter(context: &mut Context, literal: State) {
    context.state = literal;
    context.slash = Slash::Regexp;
}

/// A brace may close the expression in a template literal.
fn brace_in(context: &mut Context, brace: u8) {
    match (context.braces.last_mut(), brace) {
        (Some(open), b'{') => *open += 1,
        (Some(0), _) => {
            context.braces.pop();
            context.state = State::JSTmplLit;
            return;
        }
        (Some(open), _) => *open -= 1,
        (None, _) => {}
    }
    context.slash = slash_after(&[brace], context.slash);
}

pub(super) fn template(mut context: Context, bytes: &[u8]) -> (Context, usize) {
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => {
                at += 1;
                if at == bytes.len() {
                    return unfinished(bytes);
                }
            }
            b'$' if bytes.get(at + 1) == Some(&b'{') => {
                context.braces.push(0);
                context.state = State::JS;
                return (context, at + 2);
            }
            b'`' => {
                context.state = State::JS;
                return (context, at + 1);
            }
            _ => {}
        }
        at += 1;
    }
    (context, bytes.len())
}

/// A string or a regular expression.
pub(super) fn literal(mut context: Context, bytes: &[u8]) -> (Context, usize) {
    let end = match context.state {
        State::JSSqStr => b'\'',
        State::JSRegexp => b'/',
        _ => b'"',
    };
    let regexp = context.state == State::JSRegexp;
    let mut in_set = false;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => {
                at += 1;
                if at == bytes.len() {
                    return unfinished(bytes);
                }
            }
            b'[' if regexp => in_set = true,
            b']' if regexp => in_set = false,
            b'/' if regexp && is_script_end(bytes, at) => at += 1,
            _ if *byte == end && !in_set => {
                context.state = State::JS;
                context.slash = Slash::DivOp;
                return (context, at + 1);
            }
            _ => {}
        }
        at += 1;
    }
    if in_set {
        let reason = format!("unfinished JS regexp charset: {}", quote(bytes));
        return (Context::failed(reason), bytes.len());
    }
    (context, bytes.len())
}

fn is_script_end(bytes: &[u8], slash: usize) -> bool {
    let tag = slash.checked_sub(1).and_then(|start| bytes.get(start..start + 8));
    tag.is_some_and(|tag| tag.eq_ignore_ascii_case(b"</script"))
}

fn unfinished(bytes: &[u8]) -> (Context, usize) {
    let reason = format!("unfinished escape sequence in JS string: {}", quote(bytes));
    (Context::failed(reason), bytes.len())
}

pub(super) fn find_newline(bytes: &[u8]) -> Option<usize> {
    let ascii = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
    let others = ["\u{2028}", "\u{2029}"].iter().filter_map(|end| find(bytes, end.as_bytes()));
    others.chain(ascii).min()
}

/// What a slash would mean behind this code.
fn slash_after(code: &[u8], before: Slash) -> Slash {
    let code = to_utf8(code);
    let code = code.trim_end_matches(is_space).as_bytes();
    let Some((&last, head)) = code.split_last() else { return before };
    match last {
        b'+' | b'-' => {
            // An even number of signs is an increment, behind which one divides.
            let count = code.iter().rev().take_while(|byte| **byte == last).count();
            if count % 2 == 1 { Slash::Regexp } else { Slash::DivOp }
        }
        b'.' => match head.last() {
            Some(b'0'..=b'9') => Slash::DivOp,
            _ => Slash::Regexp,
        },
        b',' | b'<' | b'>' | b'=' | b'*' | b'%' | b'&' | b'|' | b'^' | b'?' | b'!' | b'~'
        | b'(' | b'[' | b':' | b';' | b'{' | b'}' => Slash::Regexp,
        _ => {
            let length = code.iter().rev().take_while(|byte| is_word(**byte)).count();
            let word = code.get(code.len() - length..).unwrap_or_default();
            if KEYWORDS.contains(&word) { Slash::Regexp } else { Slash::DivOp }
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'$' | b'_')
}

fn is_space(char: char) -> bool {
    (char.is_whitespace() && char != '\u{85}') || char == '\u{feff}'
}

/// Words behind which an expression begins.
const KEYWORDS: [&[u8]; 14] = [
    b"break",
    b"case",
    b"continue",
    b"delete",
    b"do",
    b"else",
    b"finally",
    b"in",
    b"instanceof",
    b"return",
    b"throw",
    b"try",
    b"typeof",
    b"void",
];

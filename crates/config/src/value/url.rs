//! URLs: checked as the Go language's parser and the format's own rules do, kept as written.
//!
//! Most must be `http` or `https` with a host. A proxy's may be anything that parses. A webhook's
//! may be a template, of which only the braces are looked at. Errors about secret ones do not
//! repeat their text.

use bellwether_model::Secret;

use super::SECRET_SHOWN;
use crate::block::{Reader, Value};
use crate::yaml::{NodeId, Tree};

/// `http` or `https`, with a host; empty if absent.
pub(crate) struct HttpUrl<'a>(pub &'a mut String);

impl Value for HttpUrl<'_> {
    fn decode(&mut self, reader: &mut Reader<'_>, node: NodeId) {
        if let Some(text) = text_of(reader, node) {
            match check_http_url(&text) {
                Ok(()) => *self.0 = text,
                Err(message) => reader.error(node, &message),
            }
        }
    }

    fn clear(&mut self) {
        self.0.clear();
    }

    fn is_empty(&mut self) -> bool {
        self.0.is_empty()
    }

    fn tree(&mut self) -> Tree {
        if self.0.is_empty() { Tree::Null } else { Tree::text(self.0) }
    }
}

/// The same, but secret. What is printed for a secret is taken as well, so that a printed file can
/// be read.
pub(crate) struct SecretUrl<'a>(pub &'a mut Secret);

impl Value for SecretUrl<'_> {
    fn decode(&mut self, reader: &mut Reader<'_>, node: NodeId) {
        if let Some(text) = text_of(reader, node) {
            match check_http_url(&text) {
                Err(message) if text != SECRET_SHOWN => reader.error(node, &message),
                _ => *self.0 = Secret::new(text),
            }
        }
    }

    fn clear(&mut self) {
        Value::clear(self.0);
    }

    fn is_empty(&mut self) -> bool {
        Value::is_empty(self.0)
    }

    fn tree(&mut self) -> Tree {
        Value::tree(self.0)
    }
}

/// A secret URL that may be empty, or a template of one.
pub(crate) struct TemplateUrl<'a>(pub &'a mut Secret);

impl Value for TemplateUrl<'_> {
    fn decode(&mut self, reader: &mut Reader<'_>, node: NodeId) {
        let Some(text) = text_of(reader, node) else { return };
        let checked = if text.is_empty() || text == SECRET_SHOWN {
            Ok(())
        } else if text.contains("{{") {
            check_template(&text).map_err(|message| format!("invalid template syntax: {message}"))
        } else {
            check_http_url(&text).map_err(|message| format!("invalid URL: {message}"))
        };
        match checked {
            Ok(()) => *self.0 = Secret::new(text),
            Err(message) => reader.error(node, &message),
        }
    }

    fn clear(&mut self) {
        Value::clear(self.0);
    }

    fn is_empty(&mut self) -> bool {
        Value::is_empty(self.0)
    }

    fn tree(&mut self) -> Tree {
        Value::tree(self.0)
    }
}

/// Anything that parses as a URL, even the empty text. Printed without its password.
pub(crate) struct LaxUrl<'a>(pub &'a mut Option<Secret>);

impl Value for LaxUrl<'_> {
    fn decode(&mut self, reader: &mut Reader<'_>, node: NodeId) {
        if let Some(text) = text_of(reader, node) {
            match parse_url(&text) {
                Ok(_) => *self.0 = Some(Secret::new(text)),
                Err(message) => reader.error(node, &message),
            }
        }
    }

    fn clear(&mut self) {
        *self.0 = None;
    }

    fn is_empty(&mut self) -> bool {
        self.0.is_none()
    }

    fn tree(&mut self) -> Tree {
        let text = self.0.as_ref().map_or("", Secret::reveal);
        Tree::text(&without_password(text))
    }
}

fn text_of(reader: &mut Reader<'_>, node: NodeId) -> Option<String> {
    let errors_before = reader.errors_len();
    let mut text = String::new();
    text.decode(reader, node);
    (reader.errors_len() == errors_before).then_some(text)
}

/// Only whether each action is closed: the template language is not known here.
pub(crate) fn check_template(text: &str) -> Result<(), String> {
    let mut rest = text;
    while let Some((_, action)) = rest.split_once("{{") {
        rest = action.split_once("}}").ok_or("unclosed action")?.1;
    }
    Ok(())
}

pub(crate) fn check_http_url(text: &str) -> Result<(), String> {
    let parts = parse_url(text)?;
    if parts.scheme != "http" && parts.scheme != "https" {
        return Err(format!("unsupported scheme {:?} for URL", parts.scheme));
    }
    if parts.host.is_empty() {
        return Err("missing host for URL".to_owned());
    }
    Ok(())
}

struct Parts {
    scheme: String,
    host: String,
}

fn parse_url(text: &str) -> Result<Parts, String> {
    if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return Err("invalid control character in URL".to_owned());
    }
    let text = text.split_once('#').map_or(text, |(before, fragment)| {
        if check_escapes(fragment).is_ok() { before } else { text }
    });
    let (scheme, rest) = split_scheme(text)?;
    let rest = rest.split_once('?').map_or(rest, |(before, _)| before);
    let mut host = String::new();
    let mut path = rest;
    if let Some(after) = rest.strip_prefix("//") {
        let end = after.find('/').unwrap_or(after.len());
        host = check_authority(&after[..end])?;
        path = &after[end..];
    } else if !rest.starts_with('/') {
        if !scheme.is_empty() {
            // What follows such a scheme is opaque.
            return Ok(Parts { scheme, host });
        }
        if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
    }
    check_escapes(path)?;
    Ok(Parts { scheme, host })
}

fn split_scheme(text: &str) -> Result<(String, &str), String> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            b':' => return Ok((text[..at].to_ascii_lowercase(), &text[at + 1..])),
            _ => break,
        }
    }
    Ok((String::new(), text))
}

/// `user:password@host:port`; gives the host with its port.
fn check_authority(text: &str) -> Result<String, String> {
    let (user, host) = match text.rfind('@') {
        None => ("", text),
        Some(at) => (&text[..at], &text[at + 1..]),
    };
    let allowed_in_user = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
    if !user.chars().all(allowed_in_user) {
        return Err("net/url: invalid userinfo".to_owned());
    }
    check_escapes(user)?;
    let port = if let Some(inner) = host.strip_prefix('[') {
        inner.rfind(']').map(|end| &inner[end + 1..]).ok_or("missing ']' in host")?
    } else {
        host.find(':').map_or("", |at| &host[at..])
    };
    if !port.is_empty()
        && !port.strip_prefix(':').is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
    {
        return Err("invalid port after host".to_owned());
    }
    let refused = |c: char| c.is_ascii() && " \"<>\\^`{|}".contains(c);
    match host.chars().find(|c| refused(*c) && !"<>\"".contains(*c)) {
        Some(c) => Err(format!("invalid character {c:?} in host name")),
        None => check_escapes(host).map(|()| host.to_owned()),
    }
}

fn check_escapes(text: &str) -> Result<(), String> {
    let bytes = text.as_bytes();
    let broken = |at: usize| {
        bytes[at] == b'%'
            && !bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    };
    if (0..bytes.len()).any(broken) {
        return Err("invalid URL escape".to_owned());
    }
    Ok(())
}

fn without_password(text: &str) -> String {
    let Some(start) = text.find("//").map(|at| at + 2) else { return text.to_owned() };
    let end = text[start..].find('/').map_or(text.len(), |at| start + at);
    let authority = &text[start..end];
    match authority.rfind('@').map(|at| (&authority[..at], &authority[at..])) {
        Some((user, host)) => match user.split_once(':') {
            Some((name, _)) => {
                format!("{}{name}:xxxxx{host}{}", &text[..start], &text[end..])
            }
            None => text.to_owned(),
        },
        None => text.to_owned(),
    }
}

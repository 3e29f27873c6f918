//! URLs: checked as the Go language's parser and the format's own rules do, kept as written.
//!
//! Most must be `http` or `https` with a host. A proxy's may be anything that parses. A webhook's
//! may be a template, of which only the braces are looked at. Errors about secret ones do not
//! repeat their text.

use bellwether_model::Secret;

use super::SECRET_SHOWN;
use super::go_url::{check_http_url, parse_url};
use crate::block::{BlockReader, FieldValue};
use crate::yaml::{NodeId, Tree};

/// `http` or `https`, with a host; empty if absent.
pub(crate) struct HttpUrl<'a>(pub &'a mut String);

impl FieldValue for HttpUrl<'_> {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
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

impl FieldValue for SecretUrl<'_> {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        if let Some(text) = text_of(reader, node) {
            match check_http_url(&text) {
                Err(message) if text != SECRET_SHOWN => reader.error(node, &message),
                _ => *self.0 = Secret::new(text),
            }
        }
    }

    fn clear(&mut self) {
        FieldValue::clear(self.0);
    }

    fn is_empty(&mut self) -> bool {
        FieldValue::is_empty(self.0)
    }

    fn tree(&mut self) -> Tree {
        FieldValue::tree(self.0)
    }
}

/// A secret URL that may be empty, or a template of one.
pub(crate) struct TemplateUrl<'a>(pub &'a mut Secret);

impl FieldValue for TemplateUrl<'_> {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
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
        FieldValue::clear(self.0);
    }

    fn is_empty(&mut self) -> bool {
        FieldValue::is_empty(self.0)
    }

    fn tree(&mut self) -> Tree {
        FieldValue::tree(self.0)
    }
}

/// Anything that parses as a URL, even the empty text. Printed without its password.
pub(crate) struct LaxUrl<'a>(pub &'a mut Option<Secret>);

impl FieldValue for LaxUrl<'_> {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
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

fn text_of(reader: &mut BlockReader<'_>, node: NodeId) -> Option<String> {
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

//! URLs: checked as the Go language's parser and the format's own rules do, kept as written.
//!
//! Most must be `http` or `https` with a host. A proxy's may be anything that parses. A webhook's
//! may be a template, of which only the braces are looked at. Errors about secret ones do not
//! repeat their text.

use bellwether_encoding::go_url::{check_http_url, parse_url};
use bellwether_model::Secret;

use super::SECRET_SHOWN;
use crate::block::{BlockReader, FieldValue};
use crate::yaml::{NodeId, Tree};

/// `http` or `https`, with a host; empty if absent.
pub(crate) struct HttpUrl<'a>(pub &'a mut String);

impl FieldValue for HttpUrl<'_> {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        let url = reader.parsed(node, |text| check_http_url(text).map(|()| text.to_owned()));
        if let Some(url) = url {
            *self.0 = url;
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
        let url = reader.parsed(node, |text| match check_http_url(text) {
            Err(message) if text != SECRET_SHOWN => Err(message),
            _ => Ok(Secret::new(text)),
        });
        if let Some(url) = url {
            *self.0 = url;
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
        let url = reader.parsed(node, |text| {
            if text.is_empty() || text == SECRET_SHOWN {
                Ok(())
            } else if text.contains("{{") {
                check_template(text).map_err(|fault| format!("invalid template syntax: {fault}"))
            } else {
                check_http_url(text).map_err(|fault| format!("invalid URL: {fault}"))
            }
            .map(|()| Secret::new(text))
        });
        if let Some(url) = url {
            *self.0 = url;
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
        let url = reader.parsed(node, |text| parse_url(text).map(|_| Secret::new(text)));
        if url.is_some() {
            *self.0 = url;
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

//! The bodies of Opsgenie's requests.
//!
//! In: an account's texts. Out: JSON with a line feed at its end.

use std::collections::BTreeMap;

use super::{Opsgenie, Responder};
use crate::renderer::{Limit, Renderer};
use crate::trim;
use bellwether_encoding::json::{Escape, List, Object, push_string};

/// A new alert, and the two of its texts that can be changed later.
pub struct Created {
    pub body: String,
    pub message: String,
    pub description: String,
}

pub fn create(account: &Opsgenie, renderer: &mut Renderer<'_>) -> Created {
    let message = renderer.line(&account.message);
    let message = trim::to_chars(&message, MESSAGE_CHARS_MAX).0.into_owned();
    let limit = Limit::Chars(DESCRIPTION_CHARS_MAX);
    let description = renderer.prose_within(&account.description, limit);
    let details = details(account, renderer);
    let responders = responders(&account.responders, renderer);

    let mut body = String::new();
    let mut object = Object::begin(&mut body);
    object.string("alias", &renderer.group_hash());
    object.string("message", &message);
    object.non_empty("description", &description);
    write_details(object.value("details"), &details);
    object.string("source", &source(account, renderer));
    write_responders(&mut object, &responders);
    write_parts(&mut object, "tags", &renderer.or_default(&account.tags, ""));
    object.non_empty("note", &renderer.or_default(&account.note, ""));
    object.non_empty("priority", &renderer.or_default(&account.priority, ""));
    object.non_empty("entity", &renderer.or_default(&account.entity, ""));
    write_parts(&mut object, "actions", &renderer.or_default(&account.actions, ""));
    object.end();
    body.push('\n');
    Created { body, message, description }
}

pub fn close(account: &Opsgenie, renderer: &mut Renderer<'_>) -> String {
    let mut body = String::new();
    let mut object = Object::begin(&mut body);
    object.string("source", &source(account, renderer));
    object.end();
    body.push('\n');
    body
}

/// Sets one text of an alert that exists.
pub fn update(name: &str, text: &str) -> String {
    let mut body = String::new();
    let mut object = Object::begin(&mut body);
    object.non_empty(name, text);
    object.end();
    body.push('\n');
    body
}

fn source(account: &Opsgenie, renderer: &mut Renderer<'_>) -> String {
    let external_url = renderer.data().external_url;
    renderer.or_default(&account.source, external_url)
}

/// The operator's details win over common labels of the same name.
fn details(account: &Opsgenie, renderer: &mut Renderer<'_>) -> BTreeMap<String, String> {
    let labels = renderer.data().common_labels.iter();
    let mut details: BTreeMap<String, String> =
        labels.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    for (name, text) in &account.details {
        details.insert(name.clone(), renderer.line(text));
    }
    details
}

/// One responder: id, name, user name and type.
struct RenderedResponder([String; 4]);

/// Without those of whom nothing is left when they are rendered, and those that fail to: Opsgenie
/// would refuse the whole alert for them.
fn responders(responders: &[Responder], renderer: &mut Renderer<'_>) -> Vec<RenderedResponder> {
    let mut all = Vec::with_capacity(responders.len());
    for responder in responders {
        let faults = renderer.faults().len();
        let Responder { id, name, username, kind } = responder;
        let rendered = [id, name, username, kind].map(|text| renderer.or_default(text, ""));
        let failed = renderer.faults().len() > faults;
        if failed || rendered.iter().all(String::is_empty) {
            continue;
        }
        let [_, name, _, kind] = &rendered;
        if kind == "teams" {
            all.extend(parts(name).map(|team| {
                RenderedResponder([
                    String::new(),
                    team.to_owned(),
                    String::new(),
                    "team".to_owned(),
                ])
            }));
        } else {
            all.push(RenderedResponder(rendered));
        }
    }
    all
}

fn write_details(out: &mut String, details: &BTreeMap<String, String>) {
    let mut object = Object::begin(out);
    for (name, text) in details {
        object.string(name, text);
    }
    object.end();
}

fn write_responders(object: &mut Object<'_>, responders: &[RenderedResponder]) {
    if responders.is_empty() {
        return;
    }
    let mut list = List::begin(object.value("responders"));
    for RenderedResponder([id, name, username, kind]) in responders {
        let mut responder = Object::begin(list.value());
        responder.non_empty("id", id);
        responder.non_empty("name", name);
        responder.non_empty("username", username);
        responder.string("type", kind);
        responder.end();
    }
    list.end();
}

fn write_parts(object: &mut Object<'_>, name: &str, text: &str) {
    if parts(text).next().is_none() {
        return;
    }
    let mut list = List::begin(object.value(name));
    for part in parts(text) {
        push_string(list.value(), part, Escape::Html);
    }
    list.end();
}

/// What stands between commas; white space within the list belongs to the parts.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.trim().split(',').filter(|part| !part.is_empty())
}

/// Limit: of the message, which is a title.
const MESSAGE_CHARS_MAX: usize = 130;

/// Limit: of the description. Compat: see docs/compat.md#opsgenie-description.
const DESCRIPTION_CHARS_MAX: usize = 15_000;

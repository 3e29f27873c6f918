//! The events of both versions.
//!
//! In: a service's texts and its key. Out: JSON with a line feed at its end, of at most
//! [`EVENT_BYTES_MAX`] unless something other than the details is that large.
//!
//! The two versions share a published form, in which each leaves out what it does not know; version
//! 1 leaves two empty members behind.

use bellwether_model::Secret;

use super::{Image, Link, PagerDuty, SEVERITY, V2};
use crate::any_value::AnyValue;
use crate::renderer::Renderer;
use crate::trim;
use bellwether_encoding::json::{List, Object};

/// An event of version 1.
pub fn v1(service: &PagerDuty, key: &Secret, renderer: &mut Renderer<'_>) -> String {
    let common = Common::render(service, renderer);
    let event_type = event(renderer);
    common.fitted(|common, details| {
        let mut body = String::new();
        let mut object = Object::begin(&mut body);
        object.string("service_key", key.reveal());
        object.string("incident_key", &common.group);
        object.string("event_type", event_type);
        object.non_empty("description", &common.summary);
        object.string("event_action", "");
        object.value("payload").push_str("null");
        if event_type == TRIGGER {
            object.non_empty("client", &common.client);
            object.non_empty("client_url", &common.client_url);
        }
        write_details(&mut object, "details", details);
        object.end();
        body
    })
}

/// An event of version 2.
pub fn v2(service: &PagerDuty, v2: &V2, key: &Secret, renderer: &mut Renderer<'_>) -> String {
    let common = Common::render(service, renderer);
    let event_action = event(renderer);
    let source = renderer.or_default(&v2.source, CLIENT);
    let severity = renderer.or_default(&v2.severity, SEVERITY);
    let class = renderer.or_default(&v2.class, "");
    let component = renderer.or_default(&v2.component, "");
    let group = renderer.or_default(&v2.group, "");
    let images = images(&v2.images, renderer);
    let links = links(&v2.links, renderer);
    common.fitted(|common, details| {
        let mut body = String::new();
        let mut object = Object::begin(&mut body);
        object.non_empty("routing_key", key.reveal());
        object.string("dedup_key", &common.group);
        object.string("event_action", event_action);
        let mut payload = Object::begin(object.value("payload"));
        payload.string("summary", &common.summary);
        payload.string("source", &source);
        payload.string("severity", &severity);
        payload.non_empty("class", &class);
        payload.non_empty("component", &component);
        payload.non_empty("group", &group);
        write_details(&mut payload, "custom_details", details);
        payload.end();
        object.non_empty("client", &common.client);
        object.non_empty("client_url", &common.client_url);
        write_list(&mut object, "images", &images);
        write_list(&mut object, "links", &links);
        object.end();
        body
    })
}

/// What both versions contain.
struct Common {
    /// What the incident is known by.
    group: String,
    summary: String,
    client: String,
    client_url: String,
    details: AnyValue,
}

impl Common {
    fn render(service: &PagerDuty, renderer: &mut Renderer<'_>) -> Self {
        let summary = renderer.line(&service.description);
        let details = service
            .details
            .iter()
            .map(|(name, value)| (AnyValue::Text(name.clone()), renderer.structure(value)));
        let details = AnyValue::Map(details.collect());
        Common {
            group: renderer.group_hash(),
            summary: trim::to_chars(&summary, SUMMARY_CHARS_MAX).0.into_owned(),
            client: renderer.or_default(&service.client, CLIENT),
            client_url: renderer.or_default(&service.client_url, ""),
            details,
        }
    }

    /// The event with its details, or without them if it would be too large.
    fn fitted(&self, event: impl Fn(&Self, &AnyValue) -> String) -> String {
        let mut body = event(self, &self.details);
        // The line feed counts.
        if body.len() >= EVENT_BYTES_MAX {
            let apology = (AnyValue::Text("error".into()), AnyValue::Text(TOO_LARGE.into()));
            body = event(self, &AnyValue::Map(vec![apology]));
        }
        body.push('\n');
        body
    }
}

fn event(renderer: &Renderer<'_>) -> &'static str {
    if renderer.is_firing() { TRIGGER } else { "resolve" }
}

/// The members of each image that has a source.
fn images(images: &[Image], renderer: &mut Renderer<'_>) -> Vec<Vec<(&'static str, String)>> {
    let images = images.iter().map(|image| {
        vec![
            ("src", renderer.or_default(&image.src, "")),
            ("alt", renderer.or_default(&image.alt, "")),
            ("href", renderer.or_default(&image.href, "")),
        ]
    });
    images.filter(leads_somewhere).collect()
}

/// The members of each link that leads somewhere.
fn links(links: &[Link], renderer: &mut Renderer<'_>) -> Vec<Vec<(&'static str, String)>> {
    let links = links.iter().map(|link| {
        vec![
            ("href", renderer.or_default(&link.href, "")),
            ("text", renderer.or_default(&link.text, "")),
        ]
    });
    links.filter(leads_somewhere).collect()
}

/// Whether the first member, an address, is there.
fn leads_somewhere(members: &Vec<(&'static str, String)>) -> bool {
    members.first().is_some_and(|(_, address)| !address.is_empty())
}

fn write_details(object: &mut Object<'_>, name: &str, details: &AnyValue) {
    if *details != AnyValue::Map(Vec::new()) {
        details.push_json(object.value(name));
    }
}

fn write_list(object: &mut Object<'_>, name: &str, items: &[Vec<(&'static str, String)>]) {
    if items.is_empty() {
        return;
    }
    let mut list = List::begin(object.value(name));
    for members in items {
        let mut item = Object::begin(list.value());
        for (name, text) in members {
            item.string(name, text);
        }
        item.end();
    }
    list.end();
}

const TRIGGER: &str = "trigger";

/// Who we are, where the configured text fails.
const CLIENT: &str = "Alertmanager";

/// Limit: of the description in version 1 and the summary in version 2.
const SUMMARY_CHARS_MAX: usize = 1024;

/// Limit: of a whole event, with its line feed.
pub const EVENT_BYTES_MAX: usize = 512_000;

const TOO_LARGE: &str = "Custom details have been removed because the original event exceeds the \
                         maximum size of 512KB";

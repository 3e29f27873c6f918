//! What templates say, compared with what the Go Alertmanager 0.35 said for the same data.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{Alert, GroupKey, LabelSet, Notification, Reason, Timestamp};
use serde_json::Value as Json;

use super::{ReadYaml, Templates};
use crate::renderer::Renderer;
use crate::secret::Files;
use crate::tests;

/// The built-in definitions for notifications of all kinds.
const DEFAULTS: &str = include_str!("tests/defaults.json");

/// Functions, methods and errors.
const FUNCTIONS: &str = include_str!("tests/functions.json");

fn notification(json: &Json) -> (Notification, String) {
    let alerts = json["Alerts"].as_array().expect("alerts").iter();
    let group_labels = labels(&json["Group"]);
    let mut notification = tests::notification(alerts.map(|alert| Arc::new(one(alert))).collect());
    notification.integration.receiver = text(&json["Receiver"]).into();
    notification.group_key = GroupKey::new("{}", &group_labels);
    notification.group_labels = group_labels;
    notification.route_labels = labels(&json["Route"]);
    if text(&json["Reason"]) == Reason::SomeAlertsResolved.text() {
        notification.reason = Reason::SomeAlertsResolved;
    }
    (notification, text(&json["External"]).to_owned())
}

fn one(json: &Json) -> Alert {
    let labels = labels(&json["Labels"]);
    Alert {
        fingerprint: labels.fingerprint(),
        labels,
        annotations: self::labels(&json["Annotations"]),
        generator_url: text(&json["URL"]).into(),
        starts_at: tests::at(text(&json["Starts"])),
        ends_at: tests::at(text(&json["Ends"])),
        updated_at: Timestamp::ZERO,
        timed_out: false,
        late_by_s: 0,
    }
}

fn text(json: &Json) -> &str {
    json.as_str().expect("a text")
}

fn labels(json: &Json) -> LabelSet {
    let pairs = json.as_object().expect("labels").iter();
    LabelSet::new(pairs.map(|(name, value)| (name.as_str(), text(value))))
}

/// Renders each text of `cases`, plain or as HTML; returns what differs.
fn differences(cases: &str, source: impl Fn(&str) -> (bool, String)) -> Vec<String> {
    let cases: Json = serde_json::from_str(cases).expect("JSON");
    let mut differences = Vec::new();
    let mut compared = 0;
    for json in cases["notifications"].as_array().expect("notifications") {
        let name = text(&json["Name"]);
        let (notification, external_url) = notification(json);
        let mut templates =
            Templates::load(&external_url, ReadYaml(|_| None), []).expect("no files");
        let expected = cases["expected"][name].as_object().expect("expectations");
        let texts: BTreeMap<_, _> = expected
            .keys()
            .map(|key| {
                let (is_html, text) = source(key);
                let ready =
                    if is_html { templates.html("x", &text) } else { templates.text("x", &text) };
                (key, ready)
            })
            .collect();
        let (definitions, _) = templates.finish([]);
        let files = Files::default();
        for (key, ready) in texts {
            compared += 1;
            let mut renderer = Renderer::new(&definitions, &notification, &files);
            let rendered = renderer.line(&ready);
            let ours = match renderer.faults() {
                [] => rendered,
                faults => format!("error: {}", faults[0].reason),
            };
            let wanted = text(&expected[key]);
            let equal = if wanted.starts_with("fnv ") {
                wanted == hashed(&ours)
            } else {
                // What was written before an error is not kept.
                wanted == ours
            };
            if !equal {
                differences.push(format!("{name}: {key}\n  wanted {wanted:?}\n  ours   {ours:?}"));
            }
        }
    }
    assert!(compared > 50, "only {compared} texts were compared");
    differences
}

fn hashed(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("fnv {hash:016x} of {} bytes", text.len())
}

#[test]
fn the_built_in_texts_equal_those_of_the_go_alertmanager() {
    let differences = differences(DEFAULTS, |key| {
        let name = key.strip_prefix("html ").unwrap_or(key);
        let dot = if name == "pagerduty.default.instances" { ".Alerts.Firing" } else { "." };
        (key.starts_with("html "), format!("{{{{ template {name:?} {dot} }}}}"))
    });
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn functions_and_errors_equal_those_of_the_go_alertmanager() {
    let differences = differences(FUNCTIONS, |key| (false, key.to_owned()));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

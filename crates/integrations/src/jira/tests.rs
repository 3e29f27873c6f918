use std::time::Duration;

use bellwether_model::{FailureReason, Notification, Outcome};
use serde_json::{Value, json};

use super::Jira;
use super::config::{ApiType, Config, Field};
use crate::any_value::AnyValue;
use crate::exchange::Step;
use crate::tests::{Harness, answer, check_snapshot, firing, json_answer, many, mixed, resolved};

fn config() -> Config {
    Config {
        api_url: "http://jira.example/rest/api/2".to_owned(),
        project: "OPS".to_owned(),
        issue_type: "Bug".to_owned(),
        resolve_transition: "Done".to_owned(),
        reopen_transition: "Reopen".to_owned(),
        reopen_duration: Duration::from_secs(3600),
        wont_fix_resolution: "Won't Fix".to_owned(),
        labels: vec!["z-{{ .Status }}".to_owned()],
        ..Config::default()
    }
}

fn harness(config: &Config) -> Harness {
    Harness::new(|templates| Jira::build(config, templates))
}

const NONE: &str = r#"{"issues":[]}"#;
const TRANSITIONS: &str = r#"{"transitions":[{"id":"5","name":"Other"},{"id":"7","name":"Done"}]}"#;

fn found(category: &str) -> String {
    format!(
        r#"{{"issues":[{{"key":"OPS-3","fields":{{"status":{{"name":"x","statusCategory":{{"key":"{category}"}}}}}}}}]}}"#
    )
}

#[test]
fn an_issue_is_created_updated_and_resolved() {
    let harness = harness(&config());
    let created = harness
        .transcript(&mixed(), [json_answer(200, NONE), json_answer(201, r#"{"key":"OPS-3"}"#)]);
    check_snapshot("jira/tests/created.txt", &created);
    let updated = harness.transcript(&firing(), [json_answer(200, &found("new")), answer(204, "")]);
    check_snapshot("jira/tests/updated.txt", &updated);
    let resolved_issue = harness.transcript(
        &resolved(),
        [
            json_answer(200, &found("new")),
            answer(204, ""),
            json_answer(200, TRANSITIONS),
            answer(204, ""),
        ],
    );
    check_snapshot("jira/tests/resolved.txt", &resolved_issue);
    let nothing = harness.transcript(&resolved(), [json_answer(200, NONE)]);
    assert!(nothing.ends_with("<- 200\nDelivered { remember: Remembered({}) }\n"), "{nothing}");
}

#[test]
fn jira_cloud_is_searched_by_version_3_and_gets_documents() {
    let text = |text: &str| AnyValue::Text(text.to_owned());
    let config = Config {
        api_url: "http://jira.example/rest/api/3".to_owned(),
        api_type: ApiType::Cloud,
        description: Field {
            template: r#" {"type": "doc", "text": "a b <"} "#.to_owned(),
            enable_update: Some(false),
        },
        fields: [
            ("customfield_1".to_owned(), text("{{ len .Alerts }}")),
            ("customfield_2".to_owned(), AnyValue::List(vec![text("{{ .Status }}")])),
        ]
        .into(),
        ..config()
    };
    let harness = harness(&config);
    let created = harness.transcript(&firing(), [json_answer(200, NONE), answer(201, "{}")]);
    check_snapshot("jira/tests/cloud.txt", &created);
    let updated = harness.transcript(&firing(), [json_answer(200, &found("new")), answer(204, "")]);
    assert!(!updated.contains("description"), "{updated}");
}

#[test]
fn plain_description_becomes_a_document() {
    let config = Config { api_url: "http://jira.example/rest/api/3".to_owned(), ..config() };
    let said = harness(&config).transcript(&firing(), [json_answer(200, NONE), answer(201, "{}")]);
    assert!(said.contains(r#""description":{"type":"doc","version":1,"content":["#), "{said}");
}

/// The description of the issue that is created, and the failures.
fn document(template: String, notification: &Notification) -> (Value, usize) {
    let config = Config {
        api_url: "http://jira.example/rest/api/3".to_owned(),
        description: Field { template, enable_update: None },
        ..config()
    };
    let (begun, faults) = harness(&config).begin(notification);
    let mut exchange = begun.expect("it begins");
    exchange.begin();
    let Step::Send(request) = exchange.receive(json_answer(200, NONE)) else {
        panic!("it is created")
    };
    let body: Value = serde_json::from_slice(&request.body).expect("JSON");
    (body["fields"]["description"].clone(), faults.len())
}

#[test]
fn a_document_that_is_too_long_lists_fewer_alerts_and_stays_one() {
    let paragraph =
        |text: &str| json!({"type": "paragraph", "content": [{"type": "text", "text": text}]});
    let template = "{\"type\":\"doc\",\"version\":1,\"content\":[{{ range $at, $alert := .Alerts }}\
                    {{ if $at }},{{ end }}{\"type\":\"paragraph\",\"content\":[{\"type\":\"text\",\
                    \"text\":{{ printf \"%s of %d\" .Labels.host (len $.Alerts) | toJson }}}]}{{ end }}]}";
    let (description, faults) = document(template.to_owned(), &many(1_000));
    assert_eq!(faults, 0);
    assert!(description.to_string().chars().count() <= 32_767);
    let content = description["content"].as_array().expect("a list");
    assert!(content.len() > 300, "{}", content.len());
    assert_eq!(content[0], paragraph("host-00000 of 1000"));
    let missing = 1_000 - (content.len() - 1);
    assert_eq!(content.last(), Some(&paragraph(&format!("… {missing} more alerts did not fit"))));

    // Where fewer alerts do not help, there is a plain text.
    let long = format!("{{\"type\":\"doc\",\"content\":[\"{}\"]}}", "x".repeat(40_000));
    let (description, faults) = document(format!("{long}{{{{ \"\" }}}}"), &firing());
    let text = description["content"][0]["content"][0]["text"].as_str().expect("a text");
    assert!(faults == 1 && text.starts_with("[FIRING:1] alertname=\"Disk\"\n- firing: "), "{text}");
}

#[test]
fn the_answer_decides_between_success_retry_and_refusal() {
    let last = |answers: Vec<_>| {
        let harness = harness(&config());
        let (begun, _) = harness.begin(&resolved());
        let mut exchange = begun.expect("it begins");
        let mut step = exchange.begin();
        for answer in answers {
            step = exchange.receive(answer);
        }
        match step {
            Step::Done(outcome) => outcome,
            _ => panic!("not over"),
        }
    };
    let looked_up = "failed to look up existing issues: HTTP request to JIRA API: ";
    let detail = format!("{looked_up}unexpected status code 401: who?");
    let reason = FailureReason::AuthError;
    assert_eq!(last(vec![answer(401, "who?")]), Outcome::Refused { reason, detail });
    assert!(matches!(last(vec![answer(429, "")]), Outcome::Retry { .. }));
    assert!(matches!(last(vec![answer(200, "<")]), Outcome::Refused { .. }));
    let missing = last(vec![
        json_answer(200, &found("new")),
        answer(204, ""),
        json_answer(200, r#"{"transitions":[]}"#),
    ]);
    let detail = "can't find transition Done for issue OPS-3".to_owned();
    assert_eq!(missing, Outcome::Refused { reason: FailureReason::Other, detail });
}

use std::time::Duration;

use bellwether_model::{FailureReason, Outcome};

use super::Jira;
use super::config::{ApiType, Config, Field};
use crate::any_value::AnyValue;
use crate::exchange::Step;
use crate::tests::{Harness, answer, check_snapshot, firing, json_answer, mixed, resolved};

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

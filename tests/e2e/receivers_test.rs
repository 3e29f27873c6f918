//! `bellwether receivers test`: what an operator sees before anything is wrong; `by_api` asks a
//! running server instead.

mod by_api;

use std::fs;
use std::process::{Command, Output};

use bellwether_e2e::{Answer, Sink, programs};

#[test]
fn each_integration_is_tried_once_and_answers() {
    let sink = Sink::start();
    sink.answer(|request| match request.path.as_str() {
        "/pagerduty" => Answer::Status(503),
        _ => Answer::Text("ok".to_owned()),
    });
    let output = tested(&sink, &["--label=team=db"]);
    let table = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{table}");
    assert!(table.contains("webhook[0]    delivered"), "{table}");
    assert!(table.contains("slack[0]      delivered"), "{table}");
    assert!(table.contains("template of title failed: "), "{table}");
    assert!(table.contains("pagerduty[0]  failed     serverError: "), "{table}");
    let requests = sink.requests();
    assert_eq!(requests.len(), 3, "no attempt is repeated");
    let of = |path: &str| requests.iter().find(|request| request.path == path);
    let webhook = of("/webhook-marker").expect("the webhook gets it").json();
    assert_eq!(webhook["commonLabels"]["team"], "db");
    let event = of("/pagerduty").expect("PagerDuty gets it").json();
    assert_eq!(event["routing_key"], "marker-key");
}

#[test]
fn only_failing_templates_have_an_exit_code_of_their_own() {
    let sink = Sink::start();
    sink.answer(|_| Answer::Text("ok".to_owned()));
    assert_eq!(tested(&sink, &["--integration=slack[0]"]).status.code(), Some(2));
    assert_eq!(tested(&sink, &["--integration=webhook[0]"]).status.code(), Some(0));
    assert_eq!(sink.count(), 2);
}

#[test]
fn a_dry_run_sends_nothing_and_shows_no_secret() {
    let sink = Sink::start();
    let output = tested(&sink, &["--dry-run"]);
    let table = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(2), "{table}");
    assert!(table.contains(r#""routing_key":"<secret>""#), "{table}");
    assert!(!table.contains("marker"), "{table}");
    assert_eq!(sink.count(), 0);
}

fn tested(sink: &Sink, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let file = folder.path().join("alertmanager.yml");
    fs::write(&file, config(sink)).expect("a temporary folder is writable");
    Command::new(programs::bellwether())
        .args(["receivers", "test", "--receiver=team"])
        .arg(format!("--config.file={}", file.display()))
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("run bellwether receivers test: {error}"))
}

/// A receiver `team`, which no route uses.
fn config(sink: &Sink) -> String {
    format!(
        "route: {{receiver: idle}}\nreceivers:\n- name: idle\n- name: team\n  webhook_configs:\n  \
         - url: {}\n  slack_configs:\n  - api_url: {}\n    channel: '#team'\n    title: '{{{{ \
         .Nothing.Here }}}}'\n  pagerduty_configs:\n  - routing_key: marker-key\n    url: {}\n",
        sink.url("/webhook-marker"),
        sink.url("/slack-marker"),
        sink.url("/pagerduty"),
    )
}

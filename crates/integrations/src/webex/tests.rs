use super::Webex;
use super::config::Config;
use crate::tests::{Harness, answer, check_snapshot, firing, many, mixed, resolved};

fn config() -> Config {
    Config {
        api_url: "http://webex.example/v1/messages".to_owned(),
        room_id: "{{ .CommonLabels.severity }}-room".to_owned(),
        ..Config::default()
    }
}

fn harness(config: &Config) -> Harness {
    Harness::new(|templates| Webex::build(config, templates))
}

#[test]
fn requests_match_their_snapshots() {
    for (name, notification) in [("firing", firing()), ("resolved", resolved()), ("mixed", mixed())]
    {
        let said = harness(&config()).transcript(&notification, [answer(200, "")]);
        check_snapshot(&format!("webex/tests/{name}.txt"), &said);
    }
}

#[test]
fn the_answer_decides_between_success_retry_and_refusal() {
    harness(&config()).check_statuses();
}

#[test]
fn a_long_message_says_how_many_alerts_are_missing() {
    let request = harness(&config()).request(&many(300));
    let body: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
    let markdown = body["markdown"].as_str().expect("a text");
    assert!(markdown.len() <= 7439, "{}", markdown.len());
    assert!(markdown.ends_with("more alerts did not fit"), "{markdown}");
}

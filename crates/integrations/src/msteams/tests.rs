use bellwether_model::Secret;

use super::MsTeams;
use super::config::Config;
use crate::tests::{Harness, answer, check_snapshot, firing, many, mixed, resolved};

fn config() -> Config {
    Config { webhook_url: Secret::new("http://msteams.example/hook"), ..Config::default() }
}

fn harness(config: &Config) -> Harness {
    Harness::new(|templates| MsTeams::build(config, templates))
}

#[test]
fn requests_match_their_snapshots() {
    for (name, notification) in [("firing", firing()), ("resolved", resolved()), ("mixed", mixed())]
    {
        let said = harness(&config()).transcript(&notification, [answer(200, "")]);
        check_snapshot(&format!("msteams/tests/{name}.txt"), &said);
    }
}

#[test]
fn the_answer_decides_between_success_retry_and_refusal() {
    harness(&config()).check_statuses();
}

#[test]
fn a_message_does_not_exceed_the_limit_of_teams() {
    let request = harness(&config()).request(&many(1_000));
    assert!((18_000..=20_000).contains(&request.body.len()), "{}", request.body.len());
    let body: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
    let text = body["text"].as_str().expect("a text");
    assert!(text.ends_with(" more alerts did not fit"), "{text}");

    let (wide, escaped) = ("🐑".repeat(10_000), "<".repeat(10_000));
    let config = Config { title: escaped.clone(), summary: escaped, text: wide, ..config() };
    let request = harness(&config).request(&firing());
    assert!((18_000..=20_000).contains(&request.body.len()), "{}", request.body.len());
    let body: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
    for field in ["title", "summary", "text"] {
        assert!(body[field].as_str().is_some_and(|text| text.ends_with('…')), "{field}");
    }
}

#[test]
fn a_message_within_the_limit_of_teams_is_sent_whole() {
    let (title, text) = ("t".repeat(4_000), "x".repeat(11_500));
    let config =
        Config { title: title.clone(), summary: title.clone(), text: text.clone(), ..config() };
    let request = harness(&config).request(&firing());
    let body: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
    assert!(body["title"] == title && body["summary"] == title && body["text"] == text);
}

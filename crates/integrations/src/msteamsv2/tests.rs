use bellwether_model::Secret;

use super::MsTeamsV2;
use super::config::Config;
use crate::tests::{Harness, answer, check_snapshot, firing, many, mixed, resolved};

fn config() -> Config {
    Config { webhook_url: Secret::new("http://msteamsv2.example/hook"), ..Config::default() }
}

fn harness(config: &Config) -> Harness {
    Harness::new(|templates| MsTeamsV2::build(config, templates))
}

#[test]
fn requests_match_their_snapshots() {
    for (name, notification) in [("firing", firing()), ("resolved", resolved()), ("mixed", mixed())]
    {
        let said = harness(&config()).transcript(&notification, [answer(200, "")]);
        check_snapshot(&format!("msteamsv2/tests/{name}.txt"), &said);
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
    let text = body["attachments"][0]["content"]["body"][1]["text"].as_str().expect("a text");
    assert!(text.ends_with(" more alerts did not fit"), "{text}");

    let config = Config { title: "<".repeat(10_000), text: "🐑".repeat(10_000), ..config() };
    let request = harness(&config).request(&firing());
    assert!((18_000..=20_000).contains(&request.body.len()), "{}", request.body.len());
}

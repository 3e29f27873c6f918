use std::time::Duration;

use bellwether_model::{FailureReason, Outcome, Secret};

use super::MsTeamsV2;
use super::config::Config;
use crate::exchange::delivered;
use crate::http::RequestError;
use crate::tests::{Stage, answer, check_snapshot, firing, many, mixed, resolved};

fn config() -> Config {
    Config { webhook_url: Secret::new("http://msteamsv2.example/hook"), ..Config::default() }
}

fn stage(config: &Config) -> Stage {
    Stage::new(|templates| MsTeamsV2::build(config, templates))
}

#[test]
fn requests_are_as_recorded() {
    for (name, notification) in [("firing", firing()), ("resolved", resolved()), ("mixed", mixed())]
    {
        let said = stage(&config()).transcript(&notification, [answer(200, "")]);
        check_snapshot(&format!("msteamsv2/tests/{name}.txt"), &said);
    }
}

#[test]
fn answers_mean_what_they_say() {
    let stage = stage(&config());
    assert_eq!(stage.outcome(answer(204, "")), delivered());
    for (status, reason) in [(429, FailureReason::RateLimited), (503, FailureReason::ServerError)] {
        let outcome = stage.outcome(answer(status, "later"));
        assert!(matches!(outcome, Outcome::Retry { reason: found, .. } if found == reason));
    }
    let outcome = stage.outcome(answer(400, "no"));
    let detail = "unexpected status code 400: no".to_owned();
    assert_eq!(outcome, Outcome::Refused { reason: FailureReason::ClientError, detail });
    let outcome = stage.outcome(Err(RequestError::TimedOut(Duration::from_secs(1))));
    assert!(matches!(outcome, Outcome::Retry { .. }));
}

#[test]
fn a_message_is_no_larger_than_teams_takes() {
    let request = stage(&config()).request(&many(1_000));
    assert!((18_000..=20_000).contains(&request.body.len()), "{}", request.body.len());
    let body: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
    let text = body["attachments"][0]["content"]["body"][1]["text"].as_str().expect("a text");
    assert!(text.ends_with(" more alerts did not fit"), "{text}");

    let config = Config { title: "<".repeat(10_000), text: "🐑".repeat(10_000), ..config() };
    let request = stage(&config).request(&firing());
    assert!((18_000..=20_000).contains(&request.body.len()), "{}", request.body.len());
}

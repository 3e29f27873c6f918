use bellwether_model::Secret;

use super::Discord;
use super::config::Config;
use crate::tests::{Harness, answer, check_snapshot, firing, many, mixed, resolved};

fn config() -> Config {
    Config { webhook_url: Secret::new("http://discord.example/hook"), ..Config::default() }
}

fn harness(config: &Config) -> Harness {
    Harness::new(|templates| Discord::build(config, templates))
}

#[test]
fn requests_match_their_snapshots() {
    for (name, notification) in [("firing", firing()), ("resolved", resolved()), ("mixed", mixed())]
    {
        let said = harness(&config()).transcript(&notification, [answer(200, "")]);
        check_snapshot(&format!("discord/tests/{name}.txt"), &said);
    }
}

#[test]
fn the_answer_decides_between_success_retry_and_refusal() {
    harness(&config()).check_statuses();
}

#[test]
fn texts_stay_within_limits_and_count_missing_alerts() {
    let config = Config { title: "x".repeat(300), content: "ü".repeat(3000), ..config() };
    let request = harness(&config).request(&many(300));
    let body: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
    let chars = |value: &serde_json::Value| value.as_str().expect("a text").chars().count();
    let embed = &body["embeds"][0];
    assert_eq!((chars(&embed["title"]), chars(&body["content"])), (256, 2000));
    assert!(chars(&embed["description"]) <= 4096);
    let description = embed["description"].as_str().expect("a text");
    assert!(description.ends_with("more alerts did not fit"), "{description}");
}

#[test]
fn the_url_is_read_from_its_file_each_time() {
    let config = Config {
        webhook_url: Secret::default(),
        webhook_url_file: "/url".to_owned(),
        username: "bell".to_owned(),
        avatar_url: "http://x/a.png".to_owned(),
        ..config()
    };
    let harness = harness(&config).file("/url", "http://discord.example/from-file\n");
    check_snapshot("discord/tests/file.txt", &harness.transcript(&firing(), [answer(200, "")]));
}

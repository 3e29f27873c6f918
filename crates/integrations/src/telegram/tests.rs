use std::time::Duration;

use bellwether_model::{FailureReason, Outcome, Secret};

use serde_json::Value;

use super::Telegram;
use super::config::Config;
use crate::exchange::Step;
use crate::html;
use crate::http::RequestError;
use crate::outcome::delivered;
use crate::tests::{
    Harness, alert, check_snapshot, firing, json_answer, many, mixed, notification, resolved,
};

fn config() -> Config {
    Config {
        api_url: "http://telegram.example".to_owned(),
        bot_token: Secret::new("1:token"),
        chat_id: -42,
        ..Config::default()
    }
}

fn harness(config: &Config) -> Harness {
    Harness::new(|templates| Telegram::build(config, templates))
}

const OK: &str = r#"{"ok":true,"result":{"message_id":1,"chat":{"id":-42}}}"#;

#[test]
fn requests_match_their_snapshots() {
    for (name, notification) in [("firing", firing()), ("resolved", resolved()), ("mixed", mixed())]
    {
        let said = harness(&config()).transcript(&notification, [json_answer(200, OK)]);
        check_snapshot(&format!("telegram/tests/{name}.txt"), &said);
    }
    let config = Config {
        bot_token: Secret::default(),
        bot_token_file: "/token".to_owned(),
        chat_id: 0,
        chat_id_file: "/chat".to_owned(),
        message_thread_id: 7,
        disable_notifications: true,
        parse_mode: String::new(),
        ..config()
    };
    let harness = harness(&config).file("/token", "2:other\n").file("/chat", " -7\n");
    let said = harness.transcript(&mixed(), [json_answer(200, OK)]);
    check_snapshot("telegram/tests/files.txt", &said);
}

#[test]
fn every_error_is_retried_and_counted_as_the_go_alertmanager_does() {
    use FailureReason::{AuthError, ClientError, Other, RateLimited, ServerError};
    let harness = harness(&config());
    assert_eq!(harness.outcome(json_answer(200, OK)), delivered());
    // Known texts count by their code, others do not.
    for (code, said, reason, shown) in [
        (400, "Bad Request: chat not found", ClientError, "chat not found (400)"),
        (401, "Unauthorized", AuthError, "Unauthorized (401)"),
        (
            403,
            "Forbidden: bot was blocked by the user",
            AuthError,
            "bot was blocked by the user (403)",
        ),
        (404, "Not Found", ClientError, "Not Found (404)"),
        (500, "Internal Server Error", ServerError, "Internal Server Error (500)"),
        (429, "Too Many Requests: retry after 9", RateLimited, "retry after 9 (429)"),
        (400, "Bad Request: strange", Other, "Bad Request: strange (400)"),
        (401, "strange", Other, "strange (401)"),
        (403, "Forbidden: strange", Other, "Forbidden: strange (403)"),
        (500, "strange", Other, "strange (500)"),
        (400, "Bad Request: CHAT NOT FOUND", Other, "Bad Request: CHAT NOT FOUND (400)"),
    ] {
        let body = format!(r#"{{"ok":false,"error_code":{code},"description":"{said}"}}"#);
        let detail = format!("telegram: {shown}");
        let expected = Outcome::Retry { after: None, reason, detail };
        assert_eq!(harness.outcome(json_answer(code, &body)), expected);
    }
    let flood = r#"{"ok":false,"error_code":429,"description":"Too Many Requests","parameters":{"retry_after":9}}"#;
    let after = Some(Duration::from_secs(9));
    let detail = "telegram: Too Many Requests (429)".to_owned();
    let expected = Outcome::Retry { after, reason: RateLimited, detail };
    assert_eq!(harness.outcome(json_answer(429, flood)), expected);
    for (status, body, detail) in [
        (200, r#"{"ok":false}"#, "telegram: no description (200)"),
        (502, "<html>", "telegram: no description (502)"),
    ] {
        let expected = Outcome::Retry { after: None, reason: Other, detail: detail.to_owned() };
        assert_eq!(harness.outcome(json_answer(status, body)), expected);
    }
}

#[test]
fn the_configured_timeout_limits_each_request() {
    let timeout = Duration::from_millis(1500);
    let harness = harness(&Config { timeout, ..config() });
    assert_eq!(harness.request(&firing()).timeout, Some(timeout));
    let detail = "configured telegram timeout reached (1.5s)".to_owned();
    assert_eq!(
        harness.outcome(Err(RequestError::TimedOut(timeout))),
        Outcome::Retry { after: None, reason: FailureReason::Other, detail }
    );
}

#[test]
fn what_is_within_the_limits_is_sent_as_it_is() {
    let link = |bytes: usize| {
        let frame = r#"<a href="">x</a>"#.len();
        format!(r#"<a href="{}">x</a>"#, "u".repeat(bytes - frame))
    };
    let sent = |message: String| {
        let config = Config { message: message.clone(), ..config() };
        let body: Value =
            serde_json::from_slice(&harness(&config).request(&firing()).body).expect("JSON");
        body["text"] == message
    };
    // As measured with the Go Alertmanager 0.35, which replaces what is longer.
    for (message, is_whole) in [
        ("a".repeat(4096), true),
        ("&amp;".repeat(4096), true),
        (link(936).repeat(10), true),
        (link(32_768), true),
        ("a".repeat(4097), false),
        (link(32_769), false),
    ] {
        assert_eq!(sent(message.clone()), is_whole, "{} bytes", message.len());
    }
}

#[test]
fn message_too_long_lists_fewer_alerts() {
    let request = harness(&config()).request(&many(100));
    let body: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
    let text = body["text"].as_str().expect("a text");
    assert!(text.chars().count() <= 4096);
    assert!(text.ends_with("more alerts did not fit"), "{text}");
}

#[test]
fn one_long_alert_in_html_is_cut_by_what_is_seen() {
    let message = "<b>{{ .Status }}</b> <a href=\"http://x/?a=1&amp;b=2\">{{ range .Alerts }}\
                   {{ .Annotations.summary }}{{ end }}</a>";
    let config = Config { message: message.to_owned(), ..config() };
    let summary = "<&ü".repeat(2000);
    let alert = alert(&[("alertname", "Disk")], &[("summary", &summary)], false);
    let request = harness(&config).request(&notification(vec![alert]));
    let body: Value = serde_json::from_slice(&request.body).expect("JSON");
    let text = body["text"].as_str().expect("a text");
    assert_eq!(html::visible_chars(text), 4096);
    assert!(
        text.starts_with("<b>firing</b> <a href=\"http://x/?a=1&amp;b=2\">&lt;&amp;ü"),
        "{text}"
    );
    assert!(text.ends_with("…</a>"), "{text}");
    // More bytes than characters are seen, and sent as they are.
    let config =
        Config { message: "<a href=\"http://x/\">{{ .Status }}</a>".repeat(500), ..config };
    let request = harness(&config).request(&firing());
    let body: Value = serde_json::from_slice(&request.body).expect("JSON");
    assert_eq!(body["text"].as_str().expect("a text").matches("firing").count(), 500);
}

/// The parse mode and text of each request, where the first is answered by `first`.
fn conversation(config: &Config, first: &str) -> (Vec<(Value, String)>, Outcome) {
    let (begun, _) = harness(config).begin(&firing());
    let mut exchange = begun.expect("it begins");
    let mut answers = [json_answer(400, first), json_answer(200, OK)].into_iter();
    let mut sent = Vec::new();
    let mut step = exchange.begin();
    loop {
        let request = match step {
            Step::Send(request) => request,
            Step::Done(outcome) => return (sent, outcome),
            step => panic!("no request: {step:?}"),
        };
        let body: Value = serde_json::from_slice(&request.body).expect("JSON");
        let text = body["text"].as_str().expect("a text").to_owned();
        sent.push((body["parse_mode"].clone(), text));
        step = exchange.receive(answers.next().expect("two requests at most"));
    }
}

#[test]
fn a_message_whose_markup_telegram_cannot_parse_is_sent_without() {
    let said =
        "Bad Request: can't parse entities: Unsupported start tag \\\"br\\\" at byte offset 9";
    let said = format!(r#"{{"ok":false,"error_code":400,"description":"{said}"}}"#);
    let message = "{{ .Status }}<br><b>a &lt; b</b>".to_owned();
    let (sent, outcome) = conversation(&Config { message, ..config() }, &said);
    assert_eq!(sent[0], ("HTML".into(), "firing<br><b>a &lt; b</b>".to_owned()));
    let note = "[without markup, since Telegram said: Bad Request: can't parse entities: Unsupported \
                start tag \"br\" at byte offset 9]";
    assert_eq!(sent[1], (Value::Null, format!("firing\na < b\n\n{note}")));
    assert_eq!((sent.len(), outcome), (2, delivered()));

    let message = "🐑*".repeat(2000);
    let config = Config { message, parse_mode: "MarkdownV2".to_owned(), ..config() };
    let (sent, outcome) = conversation(&config, &said);
    assert!(sent[1].1.starts_with("🐑*🐑*") && sent[1].1.ends_with("offset 9]"));
    assert!((4090..=4096).contains(&sent[1].1.encode_utf16().count()));
    assert_eq!((sent.len(), outcome), (2, delivered()));
}

#[test]
fn other_refusals_are_not_sent_without_markup() {
    let said = r#"{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}"#;
    let (sent, outcome) = conversation(&config(), said);
    assert!(sent.len() == 1 && matches!(outcome, Outcome::Retry { .. }));
    // What has no markup cannot be sent without.
    let said = r#"{"ok":false,"error_code":400,"description":"Bad Request: can't parse entities"}"#;
    let plain = Config { parse_mode: String::new(), ..config() };
    let (sent, outcome) = conversation(&plain, said);
    assert!(sent.len() == 1 && matches!(outcome, Outcome::Retry { .. }));
}

//! The requests in `tests/` are those of the Go Alertmanager 0.35 with the same configuration and
//! alerts, byte for byte.

use std::time::Duration;

use bellwether_model::{FailureReason, Notification, Secret};

use super::Pushover;
use super::config::Config;
use crate::outcome::{BeginError, delivered};
use crate::tests::{Harness, answer, check_snapshot, firing, many, mixed, resolved};

fn plain() -> Config {
    Config { user_key: Secret::new("uk"), token: Secret::new("tok-default"), ..Config::default() }
}

/// Everything that can be set.
fn full() -> Config {
    Config {
        user_key: Secret::new("u{{ .Status }}"),
        token: Secret::default(),
        token_file: "key.txt".into(),
        html: true,
        title: "é0".repeat(600),
        message: "  <b>{{ .CommonLabels.alertname }}</b> & {{ .Status }} <!-- c -->".into(),
        url: r#"http://u/{{ printf "%0600d" 0 }}"#.into(),
        url_title: "ut &".into(),
        device: "d".into(),
        sound: "s".into(),
        priority: "1".into(),
        retry: Duration::from_secs(90),
        expire: Duration::from_secs(90 * 60),
        ttl: Duration::from_secs(120),
        ..Config::default()
    }
}

fn harness(config: &Config) -> Harness {
    Harness::new(|templates| Pushover::build(config, templates)).file("key.txt", "file-key\n")
}

/// The value of one parameter, unescaped.
fn parameter(config: &Config, notification: &Notification, name: &str) -> String {
    let (begun, _) = harness(config).begin(notification);
    let crate::exchange::Step::Send(request) = begun.expect("it begins").begin() else {
        panic!("nothing is sent")
    };
    let url = request.url.reveal();
    let (_, query) = url.split_once('?').expect("a query");
    let value = query.split('&').find_map(|one| one.strip_prefix(&format!("{name}=")));
    unescaped(value.unwrap_or_else(|| panic!("no {name} in {query}")))
}

fn unescaped(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let hex: String = bytes.by_ref().take(2).map(char::from).collect();
                u8::from_str_radix(&hex, 16).expect("two hex digits")
            }
            plain => plain,
        });
    }
    String::from_utf8(out).expect("it is UTF-8")
}

#[track_caller]
fn check(snapshot: &str, config: &Config, notification: &Notification) {
    let transcript = harness(config).transcript(notification, [answer(200, "")]);
    let requests = transcript.strip_suffix(&format!("{:?}\n", delivered()));
    check_snapshot(&format!("pushover/tests/{snapshot}.txt"), requests.expect("it is delivered"));
}

#[test]
fn messages_equal_those_of_the_go_program() {
    check("default.mixed", &plain(), &mixed());
    check("default.resolved", &plain(), &resolved());
    check("full.firing", &full(), &firing());
    let mono = Config {
        token: Secret::new("tok-mono"),
        monospace: true,
        title: "~!*()' +-_.".into(),
        message: "{{ .CommonLabels.nothing }} ".into(),
        ..plain()
    };
    check("mono.firing", &mono, &firing());
    let long = Config { token: Secret::new("tok-long"), message: "é0".repeat(2000), ..plain() };
    check("long.firing", &long, &firing());
}

#[test]
fn alerts_that_do_not_fit_are_counted() {
    let message = parameter(&plain(), &many(50), "message");
    assert!(message.chars().count() <= 1024);
    let shown = message.matches("- host = ").count();
    let rest = format!("\n… {} more alerts did not fit", 50 - shown);
    assert!(shown > 2 && message.ends_with(&rest), "{shown} {message}");
}

#[test]
fn a_failing_template_does_not_lose_the_message() {
    let bad = || "{{ .Nothing }}".to_owned();
    let config = Config {
        title: bad(),
        message: bad(),
        url: bad(),
        url_title: bad(),
        device: bad(),
        sound: bad(),
        priority: bad(),
        html: true,
        ..plain()
    };
    let (begun, faults) = harness(&config).begin(&firing());
    assert!(begun.is_ok());
    assert_eq!(faults.len(), 7, "{faults:?}");
    let value = |name| parameter(&config, &firing(), name);
    assert!(value("title").starts_with(r#"[FIRING:1] alertname="Disk" [the template of title"#));
    assert!(value("message").contains("host=&#34;a&#34;"), "{}", value("message"));
    assert_eq!(
        ["url", "url_title", "device", "sound", "priority"].map(value),
        ["", "", "", "", "2"]
    );
    assert_eq!(parameter(&config, &resolved(), "priority"), "0");
}

#[test]
fn a_key_whose_template_fails_is_refused_without_being_shown() {
    let config = Config { token: Secret::new("MARKER{{ .Nothing }}"), ..plain() };
    let (begun, _) = harness(&config).begin(&firing());
    let error = begun.err().expect("it is refused");
    assert!(matches!(error, BeginError::Template(_)), "{error:?}");
    assert!(!format!("{error:?}").contains("MARKER"));
}

#[test]
fn keys_are_read_from_their_files_at_each_attempt() {
    let config = Config { token_file: "other.txt".into(), ..full() };
    let (begun, _) = harness(&config).begin(&firing());
    assert_eq!(begun.err(), Some(BeginError::NeedsFile("other.txt".into())));
}

#[test]
fn the_answer_decides_between_success_retry_and_refusal() {
    use FailureReason::{AuthError, ClientError, Other, RateLimited, ServerError};
    harness(&plain()).check_failures(&[
        (302, false, Other),
        (400, false, ClientError),
        (403, false, AuthError),
        (429, true, RateLimited),
        (500, true, ServerError),
    ]);
}

#[test]
fn debug_output_does_not_show_a_key() {
    let mut templates = crate::tests::templates();
    let built = Pushover::build(&plain(), &mut templates).expect("it can be built");
    let printed = format!("{built:?} {:?}", harness(&plain()).request(&firing()));
    assert!(!printed.contains("tok-") && !printed.contains("uk"), "{printed}");
}

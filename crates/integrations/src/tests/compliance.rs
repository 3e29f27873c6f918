//! Rules that hold for every kind of receiver.
//!
//! In: one line per kind of receiver: its least configuration, all of whose secrets are [`MARKER`],
//! what its answers do differently, and how large its requests may be.

use bellwether_model::{FailureReason, Notification, Outcome, Secret};

use super::{Harness, LIST, answer, at, firing, many, mixed, resolved, shown, templates};
use crate::exchange::Step;
use crate::http::RequestError;
use crate::kind::{IntegrationConfig, Kind};

/// One kind of receiver.
struct Subject {
    kind: &'static str,
    harness: Harness,
    /// What an answer of 400 comes to.
    refusal: Refusal,
    /// Of a request's URL and body, however many alerts there are.
    bytes_max: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// No other try; the reason quotes the body.
    Quoted,
    /// No other try.
    Bare,
    /// Another try: the receiver says nothing about whether it makes sense.
    Retried,
}

const MARKER: &str = "s3cr3t";

fn secret() -> Secret {
    Secret::new(MARKER)
}

fn secret_url() -> Secret {
    Secret::new(format!("http://127.0.0.1:1/{MARKER}"))
}

const URL: &str = "http://127.0.0.1:1/";

/// A subject: `subject!(kind, its particular fields, what a refusal is, the bytes that a request may
/// have)`.
macro_rules! subject {
    ($kind:ident, { $($field:ident: $value:expr),* }, $refusal:ident, $bytes_max:expr) => {{
        let IntegrationConfig::$kind(mut config) = Kind::$kind.default_config() else {
            unreachable!("the settings are of their kind");
        };
        $(config.$field = $value;)*
        let config = IntegrationConfig::$kind(config);
        let shown = format!("{config:?}");
        assert!(!shown.contains(MARKER), "{shown}");
        let mut templates = templates();
        let integration = config.build("host", &mut templates).expect("it can be built");
        Some(Subject {
            kind: Kind::$kind.name(),
            harness: Harness::of(integration, templates),
            refusal: Refusal::$refusal,
            bytes_max: $bytes_max,
        })
    }};
}

fn subject(kind: Kind) -> Option<Subject> {
    match kind {
        // Their requests are not HTTP, or are made by the courier, which signs them.
        Kind::Email | Kind::Sns => None,
        Kind::Discord => subject!(Discord, { webhook_url: secret_url() }, Quoted, 8 << 10),
        Kind::IncidentIo => {
            subject!(IncidentIo, { url: URL.into(), alert_source_token: secret() }, Bare, 512 << 10)
        }
        Kind::Jira => {
            subject!(Jira, { api_url: URL.into(), project: "P".into(), issue_type: "Bug".into() }, Quoted, 40 << 10)
        }
        Kind::Mattermost => subject!(Mattermost, { webhook_url: secret_url() }, Quoted, 300_000),
        Kind::MsTeams => subject!(MsTeams, { webhook_url: secret_url() }, Quoted, 20_000),
        Kind::MsTeamsV2 => subject!(MsTeamsV2, { webhook_url: secret_url() }, Quoted, 20_000),
        Kind::Opsgenie => {
            subject!(Opsgenie, { api_url: URL.into(), api_key: secret() }, Quoted, 20 << 10)
        }
        Kind::PagerDuty => {
            subject!(PagerDuty, { url: URL.into(), routing_key: secret() }, Bare, 512_000)
        }
        Kind::Pushover => {
            subject!(Pushover, { token: secret(), user_key: secret() }, Quoted, 8 << 10)
        }
        Kind::RocketChat => {
            subject!(RocketChat, { api_url: URL.into(), token: Some(secret()), token_id: Some(secret()), text: LIST.into() }, Quoted, 8 << 10)
        }
        Kind::Slack => {
            subject!(Slack, { api_url: secret_url(), channel: "c".into(), text: LIST.into() }, Quoted, 12 << 10)
        }
        Kind::Telegram => {
            subject!(Telegram, { api_url: URL.into(), bot_token: secret(), chat_id: 1 }, Retried, 8 << 10)
        }
        Kind::VictorOps => {
            subject!(VictorOps, { api_url: URL.into(), api_key: secret(), routing_key: "r".into() }, Quoted, 28 << 10)
        }
        Kind::Webex => {
            subject!(Webex, { api_url: URL.into(), room_id: "r".into() }, Quoted, 10 << 10)
        }
        Kind::Webhook => subject!(Webhook, { url: secret_url() }, Quoted, WEBHOOK_BYTES_MAX),
        Kind::WeChat => {
            subject!(WeChat, { api_url: URL.into(), api_secret: secret(), corp_id: "c".into() }, Bare, 4 << 10)
        }
    }
}

fn subjects() -> Vec<Subject> {
    Kind::ALL.into_iter().filter_map(subject).collect()
}

fn unrendered() -> Notification {
    let mut odd = mixed();
    odd.integration.receiver = "<&\"\u{2028}".into();
    odd.group_labels = Default::default();
    odd
}

#[test]
fn every_kind_of_notification_makes_a_request() {
    for Subject { kind, harness, .. } in subjects() {
        for notification in [firing(), mixed(), resolved(), many(1), unrendered()] {
            let request = harness.request(&notification);
            assert!(!request.url.is_empty(), "{kind}: {}", shown(&request));
        }
    }
}

#[test]
fn debug_output_and_outcomes_show_no_secret() {
    for Subject { kind, harness, .. } in subjects() {
        let request = harness.request(&firing());
        let printed = format!("{:?}", request.url);
        assert!(!printed.contains(MARKER), "{kind}: {printed}");
        let detail = detail(&harness.outcome(answer(500, "why")));
        assert!(!detail.contains(MARKER), "{kind}: {detail}");
    }
}

#[test]
fn rate_limits_server_errors_and_timeouts_are_retried() {
    for Subject { kind, harness, .. } in subjects() {
        for status in [429, 500, 503] {
            let outcome = harness.outcome(answer(status, "busy"));
            assert!(matches!(outcome, Outcome::Retry { .. }), "{kind} {status}: {outcome:?}");
        }
        let late = harness.outcome(Err(RequestError::DeadlinePassed));
        let expected = FailureReason::ContextDeadlineExceeded;
        assert!(
            matches!(&late, Outcome::Retry { reason, .. } | Outcome::Refused { reason, .. } if *reason == expected),
            "{kind}: {late:?}"
        );
    }
}

#[test]
fn client_errors_are_refused_and_quote_the_body() {
    for Subject { kind, harness, refusal, .. } in subjects() {
        let outcome = harness.outcome(answer(400, "no such thing"));
        let is_refused = matches!(outcome, Outcome::Refused { .. });
        assert_eq!(is_refused, refusal != Refusal::Retried, "{kind}: {outcome:?}");
        let detail = detail(&outcome);
        let is_quoted = detail.contains("no such thing");
        assert!(is_quoted || refusal != Refusal::Quoted, "{kind}: {detail}");
    }
}

#[test]
fn requests_for_large_groups_are_of_bounded_size() {
    let notification = many(2_000);
    // Leads from the first question to the message itself.
    let answer = r#"{"access_token":"t","issues":[]}"#;
    for Subject { kind, harness, bytes_max, .. } in subjects() {
        for request in harness.requests(&notification, answer) {
            let bytes = request.body.len() + request.url.reveal().len();
            assert!(bytes <= bytes_max, "{kind}: {bytes} bytes");
        }
    }
}

#[test]
fn alert_without_labels_is_sent() {
    // Neither a name for the group nor anything that the alerts share.
    let mut bare = super::notification(vec![super::alert(&[], &[], false)]);
    bare.group_labels = Default::default();
    bare.now = at("2026-03-01T12:00:00+05:30");
    for Subject { kind, harness, .. } in subjects() {
        let (begun, faults) = harness.begin(&bare);
        assert!(faults.is_empty(), "{kind}: {faults:?}");
        let step = begun.map(|mut exchange| exchange.begin());
        assert!(matches!(step, Ok(Step::Send(_))), "{kind}: {step:?}");
    }
}

fn detail(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Retry { detail, .. } | Outcome::Refused { detail, .. } => detail.clone(),
        Outcome::Delivered { .. } => panic!("it was not delivered"),
    }
}

/// Of what an operator's own program takes nothing is known but `max_alerts`. Two thousand alerts in
/// full are less than this; a body that doubles is not.
const WEBHOOK_BYTES_MAX: usize = 4 << 20;

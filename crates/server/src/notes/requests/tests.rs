use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use axum::http::{Method, StatusCode};
use bellwether_api::{Refusal, RefusedRequest};
use bellwether_model::Timestamp;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::{ERR_BYTES_MAX, old_api, refused};

/// Keeps the lines that are logged while it is in force.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).expect("a text grows");
    }
}

impl Subscriber for Captured {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().expect("no panic").push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn line_of(log: impl FnOnce()) -> String {
    let captured = Captured::default();
    tracing::subscriber::with_default(captured.clone(), log);
    let mut lines = captured.0.lock().expect("no panic");
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines.remove(0)
}

fn line(path: &str, method: Method, refusal: Refusal) -> String {
    line_of(|| refused(&RefusedRequest { path: path.to_owned(), method, refusal }))
}

#[test]
fn each_refusal_has_the_line_of_the_go_server() {
    let error = || "why".to_owned();
    let status = StatusCode::BAD_REQUEST;
    let (starts_at, ends_at) =
        (Timestamp::from_unix(1_924_992_000, 0), Timestamp::from_unix(1_577_836_800, 250_000_000));
    let lists = ["alerts", "alerts/groups", "silences"].map(|list| format!("/api/v2/{list}"));
    let [alerts, groups, silences] = lists.each_ref().map(String::as_str);
    let get = |path, refusal| line(path, Method::GET, refusal);
    let post = |path, refusal| line(path, Method::POST, refusal);
    let lines = [
        post(alerts, Refusal::InvalidAlerts { error: error() }),
        post(alerts, Refusal::AlertsNotTaken { status, error: error() }),
        get(silences, Refusal::Filter { error: error() }),
        get(alerts, Refusal::ReceiverPattern { error: error() }),
        get(groups, Refusal::ReceiverPattern { error: error() }),
        get(groups, Refusal::ReceiverMatchers { error: error() }),
        post(silences, Refusal::SilenceStartNotBeforeEnd { starts_at, ends_at, error: error() }),
        post(silences, Refusal::SilenceEndsInThePast { ends_at, error: error() }),
        post(silences, Refusal::SilenceNotCreated { status, error: error() }),
        line(
            "/api/v2/silence/1",
            Method::DELETE,
            Refusal::SilenceNotExpired { status, error: error() },
        ),
        get("/api/v2/silence/1", Refusal::SilenceNotFound { id: "1".to_owned() }),
        get("/api/v2/silence/1", Refusal::SilenceNotShown { error: error() }),
        get(silences, Refusal::SilencesNotShown { error: error() }),
    ];
    let expected = [
        r#"ERROR message=Failed to validate alerts component="api" version="v2" path="/api/v2/alerts" method="POST" err="why""#,
        r#"ERROR message=Failed to create alerts component="api" version="v2" path="/api/v2/alerts" method="POST" err="why""#,
        r#"DEBUG message=Failed to parse matchers component="api" version="v2" path="/api/v2/silences" method="GET" err="why""#,
        r#"DEBUG message=Failed to compile receiver regex component="api" version="v2" path="/api/v2/alerts" method="GET" err="why""#,
        r#"ERROR message=Failed to compile receiver regex component="api" version="v2" path="/api/v2/alerts/groups" method="GET" err="why""#,
        r#"DEBUG message=Failed to parse receiver matchers component="api" version="v2" path="/api/v2/alerts/groups" method="GET" err="why""#,
        r#"ERROR message=Failed to create silence: start time must be before end time component="api" version="v2" path="/api/v2/silences" method="POST" starts_at="seconds:1924992000" ends_at="seconds:1577836800 nanos:250000000""#,
        r#"ERROR message=Failed to create silence: end time can't be in the past component="api" version="v2" path="/api/v2/silences" method="POST" ends_at="seconds:1577836800 nanos:250000000""#,
        r#"ERROR message=Failed to create silence component="api" version="v2" path="/api/v2/silences" method="POST" err="why""#,
        r#"ERROR message=Failed to expire silence component="api" version="v2" path="/api/v2/silence/1" method="DELETE" err="why""#,
        r#"ERROR message=Failed to find silence component="api" version="v2" path="/api/v2/silence/1" method="GET" err="<nil>" id="1""#,
        r#"ERROR message=Failed to convert unmarshal from proto component="api" version="v2" path="/api/v2/silence/1" method="GET" err="why""#,
        r#"ERROR message=Failed to unmarshal silence from proto component="api" version="v2" path="/api/v2/silences" method="GET" err="why""#,
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_request_to_the_old_api_is_a_warning() {
    let line = line_of(|| old_api("/am/api/v1/alerts", "POST"));
    let message = "v1 API received a request on a removed endpoint";
    let fields = r#"component="api" version="v1" path="/am/api/v1/alerts" method="POST""#;
    assert_eq!(line, format!("WARN message={message} {fields}"));
}

#[test]
fn a_text_of_a_client_is_clipped() {
    let long = |bytes: usize| Refusal::InvalidAlerts { error: "é".repeat(bytes / 2) };
    let post = |refusal| line("/api/v2/alerts", Method::POST, refusal);
    assert!(post(long(ERR_BYTES_MAX)).ends_with("é\""));
    let clipped = post(long(ERR_BYTES_MAX + 2));
    assert!(clipped.ends_with("é…\""), "{} bytes", clipped.len());
    assert!(clipped.len() < ERR_BYTES_MAX + 200);
}

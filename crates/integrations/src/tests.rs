//! What the tests of all receivers have in common: sample notifications, a harness on which an
//! integration is rehearsed without any network, and snapshots of what it says.

#![allow(clippy::disallowed_methods)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{
    Alert, FailureReason, GroupKey, IntegrationId, LabelSet, Notification, Outcome, Reason,
    Remembered, Secret, Timestamp,
};
use bytes::Bytes;

use crate::any_value::AnyValue;
use crate::aws::AwsCall;
use crate::exchange::{BuildError, Exchange, Integration, Step};
use crate::http::{Method, Request, RequestError, Response};
use crate::mail::Mail;
use crate::outcome::{BeginError, delivered};
use crate::renderer::Renderer;
use crate::secret::Files;
use crate::templates::{Definitions, ReadYaml, TemplateFault, Templates};

mod compliance;

/// An integration with everything around it that an attempt needs.
pub(crate) struct Harness {
    pub integration: Box<dyn Integration>,
    pub definitions: Definitions,
    pub files: Files,
}

impl Harness {
    pub fn new<I: Integration + 'static>(
        build: impl FnOnce(&mut Templates) -> Result<I, BuildError>,
    ) -> Self {
        let mut templates = templates();
        let integration = Box::new(build(&mut templates).expect("it can be built"));
        Harness::of(integration, templates)
    }

    /// With an integration that was built from these templates.
    pub fn of(integration: Box<dyn Integration>, templates: Templates) -> Self {
        Harness { integration, definitions: templates.finish([]).0, files: Files::default() }
    }

    /// With a file that the integration may ask for.
    pub fn file(mut self, path: &str, content: &str) -> Self {
        self.files.insert(path.to_owned(), Ok(Secret::new(content)));
        self
    }

    pub fn begin(
        &self,
        notification: &Notification,
    ) -> (Result<Box<dyn Exchange>, BeginError>, Vec<TemplateFault>) {
        let mut renderer = Renderer::new(&self.definitions, notification, &self.files);
        (self.integration.begin(&mut renderer), renderer.into_faults())
    }

    /// The first request of an attempt in which no template fails.
    #[track_caller]
    pub fn request(&self, notification: &Notification) -> Request {
        match self.begin(notification) {
            (Ok(mut exchange), faults) if faults.is_empty() => match exchange.begin() {
                Step::Send(request) => request,
                step => panic!("no request: {step:?}"),
            },
            (Err(error), _) => panic!("nothing to send: {error:?}"),
            (_, faults) => panic!("{faults:?}"),
        }
    }

    /// All requests of an attempt, each of which is answered by this JSON.
    #[track_caller]
    pub fn requests(&self, notification: &Notification, body: &str) -> Vec<Request> {
        let (begun, _) = self.begin(notification);
        let mut exchange = begun.expect("it begins");
        let mut requests = Vec::new();
        let mut step = exchange.begin();
        while let Step::Send(request) = step {
            requests.push(request);
            step = exchange.receive(json_answer(200, body));
        }
        requests
    }

    /// A whole attempt as text: each request, its answer, and the outcome.
    #[track_caller]
    pub fn transcript(
        &self,
        notification: &Notification,
        answers: impl IntoIterator<Item = Result<Response, RequestError>>,
    ) -> String {
        let (begun, faults) = self.begin(notification);
        let mut out = String::new();
        for fault in faults {
            out.push_str(&format!("fault {fault}\n"));
        }
        let mut exchange = match begun {
            Ok(exchange) => exchange,
            Err(error) => return out + &format!("{error:?}\n"),
        };
        let mut step = exchange.begin();
        let mut answers = answers.into_iter();
        loop {
            out.push_str(&match step {
                Step::Send(request) => shown(&request),
                Step::Mail(mail) => shown_mail(&mail),
                Step::Aws(call) => shown_call(&call),
                Step::Done(outcome) => return out + &format!("{outcome:?}\n"),
            });
            let answer = answers.next().expect("an answer for each request");
            out.push_str(&match &answer {
                Ok(response) => format!("<- {}\n", response.status),
                Err(error) => format!("<- {error:?}\n"),
            });
            step = exchange.receive(answer);
        }
    }

    /// What a single answer to an ordinary notification comes to.
    #[track_caller]
    pub fn outcome(&self, answer: Result<Response, RequestError>) -> Outcome {
        let (begun, _) = self.begin(&firing());
        let mut exchange = begun.expect("it begins");
        assert!(!matches!(exchange.begin(), Step::Done(_)), "something is sent");
        match exchange.receive(answer) {
            Step::Done(outcome) => outcome,
            step => panic!("another request: {step:?}"),
        }
    }

    /// Checks answers of failure that quote their body: status, whether it is retried, and the reason.
    /// Also that the time that the receiver names is kept, and that a broken connection is retried.
    #[track_caller]
    pub fn check_failures(&self, cases: &[(u16, bool, FailureReason)]) {
        for (status, is_retried, reason) in cases.iter().copied() {
            let detail = format!("unexpected status code {status}: why");
            let expected = match is_retried {
                true => Outcome::Retry { after: None, reason, detail },
                false => Outcome::Refused { reason, detail },
            };
            assert_eq!(self.outcome(answer(status, "why")), expected);
        }
        self.check_retry_after();
        let broken = RequestError::Transport("connection refused".into());
        assert!(matches!(self.outcome(Err(broken)), Outcome::Retry { .. }));
    }

    /// Checks that the time that the receiver names is kept.
    #[track_caller]
    pub fn check_retry_after(&self) {
        let wait = answer(429, "").map(|mut response| {
            response.retry_after = Some(Duration::from_secs(7));
            response
        });
        let outcome = self.outcome(wait);
        assert!(
            matches!(outcome, Outcome::Retry { after: Some(after), .. } if after.as_secs() == 7),
            "{outcome:?}"
        );
    }

    /// Holds that answers are judged by their status alone, as most receivers judge them.
    pub fn check_statuses(&self) {
        assert_eq!(self.outcome(answer(204, "")), delivered());
        for (status, reason) in
            [(429, FailureReason::RateLimited), (503, FailureReason::ServerError)]
        {
            let outcome = self.outcome(answer(status, "later"));
            assert!(matches!(outcome, Outcome::Retry { reason: found, .. } if found == reason));
        }
        let outcome = self.outcome(answer(400, "no"));
        let detail = "unexpected status code 400: no".to_owned();
        assert_eq!(outcome, Outcome::Refused { reason: FailureReason::ClientError, detail });
        let outcome = self.outcome(Err(RequestError::TimedOut(Duration::from_secs(1))));
        assert!(matches!(outcome, Outcome::Retry { .. }));
    }
}

/// The built-in templates, with JSON in the place of YAML.
pub(crate) fn templates() -> Templates {
    Templates::load("http://am.example", ReadYaml(read_json), []).expect("there are no files")
}

pub(crate) fn read_json(text: &str) -> Option<AnyValue> {
    serde_json::from_str(text).ok().map(from_json)
}

fn from_json(json: serde_json::Value) -> AnyValue {
    match json {
        serde_json::Value::Null => AnyValue::Null,
        serde_json::Value::Bool(value) => AnyValue::Bool(value),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => AnyValue::Int(whole),
            (None, number) => AnyValue::Float(number.expect("a number is a float")),
        },
        serde_json::Value::String(text) => AnyValue::Text(text),
        serde_json::Value::Array(items) => {
            AnyValue::List(items.into_iter().map(from_json).collect())
        }
        serde_json::Value::Object(entries) => AnyValue::Map(
            entries
                .into_iter()
                .map(|(key, value)| (AnyValue::Text(key), from_json(value)))
                .collect(),
        ),
    }
}

/// A request as text, secrets included.
pub(crate) fn shown(request: &Request) -> String {
    let Request { method, url, headers, body, timeout } = request;
    let method = match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
    };
    let mut out = format!("-> {method} {}\n", url.reveal());
    for (name, value) in headers {
        out.push_str(&format!("{name}: {value}\n"));
    }
    if let Some(timeout) = timeout {
        out.push_str(&format!("(within {timeout:?})\n"));
    }
    let body = String::from_utf8_lossy(body);
    if !body.is_empty() {
        out.push_str(&format!("\n{}\n", body.trim_end_matches('\n')));
    }
    out
}

/// A mail as text.
pub(crate) fn shown_mail(mail: &Mail) -> String {
    let Mail { server, from, to, message } = mail;
    let message = String::from_utf8_lossy(message).replace("\r\n", "\n");
    format!("-> MAIL {}\nfrom {from} to {}\n\n{message}", server.address(), to.join(" and "))
}

/// A call of an AWS service as text, one field of the form in a line.
pub(crate) fn shown_call(call: &AwsCall) -> String {
    let AwsCall { service, signer, endpoint, form } = call;
    let endpoint = endpoint.as_ref().map_or("", |endpoint| endpoint.reveal());
    let form = String::from_utf8_lossy(form).replace('&', "\n");
    format!("-> AWS {service} {endpoint} in {}\n\n{form}\n", signer.region)
}

pub(crate) fn answer(status: u16, body: &str) -> Result<Response, RequestError> {
    Ok(Response {
        status,
        content_type: None,
        retry_after: None,
        body: Bytes::copy_from_slice(body.as_bytes()),
    })
}

/// An answer that calls itself JSON.
pub(crate) fn json_answer(status: u16, body: &str) -> Result<Response, RequestError> {
    let content_type = Some("application/json; charset=utf-8".to_owned());
    answer(status, body).map(|response| Response { content_type, ..response })
}

/// A template of one line for each alert, with a character that some count twice.
pub(crate) const LIST: &str =
    "{{ range .Alerts }}🔥 {{ .Labels.host }}: {{ .Annotations.summary }}\n{{ end }}";

/// Whether a text lists alerts, and ends with the number of those that are missing.
pub(crate) fn ends_with_missing_count(text: &str) -> bool {
    text.contains("host-00000") && text.ends_with(" more alerts did not fit")
}

/// The instant of all sample notifications.
pub(crate) const NOW: &str = "2026-03-01T12:00:00Z";

pub(crate) fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).expect("a fixed time")
}

/// Began at ten. Resolved since eleven if `ends` is `None`, else until then.
pub(crate) fn alert(
    labels: &[(&str, &str)],
    annotations: &[(&str, &str)],
    resolved: bool,
) -> Arc<Alert> {
    let labels = LabelSet::new(labels.iter().copied());
    Arc::new(Alert {
        fingerprint: labels.fingerprint(),
        labels,
        annotations: LabelSet::new(annotations.iter().copied()),
        generator_url: "http://prometheus.example/graph?g0.expr=up%3E1&g0.tab=1".into(),
        starts_at: at("2026-03-01T10:00:00Z"),
        ends_at: at(if resolved { "2026-03-01T11:00:00Z" } else { "2026-03-01T12:05:00Z" }),
        updated_at: at(NOW),
        timed_out: false,
        late_by_s: 0,
    })
}

/// About these alerts, which are grouped by `alertname`.
pub(crate) fn notification(alerts: Vec<Arc<Alert>>) -> Notification {
    let group_labels = LabelSet::new([("alertname", "Disk")]);
    Notification {
        integration: IntegrationId { receiver: "team".into(), kind: "test".into(), index: 0 },
        group_key: GroupKey::new("{}", &group_labels),
        group_labels,
        route_labels: LabelSet::default(),
        reason: Reason::FirstNotification,
        now: at(NOW),
        alerts,
        remembered: Remembered::default(),
    }
}

/// Two that fire, with characters that need care, and one that is resolved.
pub(crate) fn mixed() -> Notification {
    let labels = |host| [("alertname", "Disk"), ("host", host), ("severity", "critical")];
    notification(vec![
        alert(&labels("a"), &[("summary", "<b>\"full\"</b> & ü 🐑"), ("same", "x")], false),
        alert(&labels("b"), &[("summary", "line\nline"), ("same", "x")], true),
        alert(&labels("c"), &[("same", "x")], false),
    ])
}

/// One that fires.
pub(crate) fn firing() -> Notification {
    let labels = [("alertname", "Disk"), ("host", "a"), ("severity", "critical")];
    notification(vec![alert(&labels, &[("summary", "full")], false)])
}

/// One that is resolved.
pub(crate) fn resolved() -> Notification {
    let labels = [("alertname", "Disk"), ("host", "a"), ("severity", "critical")];
    notification(vec![alert(&labels, &[("summary", "full")], true)])
}

/// As many as asked for; each fires.
pub(crate) fn many(count: usize) -> Notification {
    let hosts = (0..count).map(|index| format!("host-{index:05}"));
    let one = |host: String| {
        let labels = [("alertname", "Disk"), ("host", host.as_str()), ("severity", "warning")];
        alert(&labels, &[("summary", "The disk is full")], false)
    };
    notification(hosts.map(one).collect())
}

/// Compares a text with the file below `src/` that holds what it should be.
///
/// `UPDATE_EXPECT=1` writes the file instead.
#[track_caller]
pub(crate) fn check_snapshot(path: &str, actual: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(path);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("it can be made");
        std::fs::write(&file, actual).expect("it can be written");
        return;
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(actual, expected, "{path}; UPDATE_EXPECT=1 writes it again");
}

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bellwether_courier::{Client, EXCHANGE_REQUESTS_MAX, NetworkPolicy, perform};
use bellwether_integrations::AnyValue;
use bellwether_integrations::http::{RequestError, Response};
use bellwether_integrations::mail::Mail;
use bellwether_integrations::outcome::{check_response, delivered};
use bellwether_integrations::templates::ReadYaml;
use bellwether_integrations::webhook::Webhook;
use bellwether_integrations::webhook::config::Config;
use bellwether_integrations::{
    BeginError, Definitions, Exchange, Integration, Renderer, Step, TemplateFault, Templates,
};
use bellwether_model::{
    FailureReason, GroupKey, IntegrationId, LabelSet, Notification, Outcome, Reason, Remembered,
    Secret, Timestamp,
};
use tokio::time::Instant;

use crate::server::{Answer, Server, client, client_with, ok, plain, post, soon, with_headers};

fn notification() -> Notification {
    let group_labels = LabelSet::new([("alertname", "Disk")]);
    Notification {
        integration: IntegrationId { receiver: "team".into(), kind: "webhook".into(), index: 0 },
        group_key: GroupKey::new("{}", &group_labels),
        group_labels,
        route_labels: LabelSet::default(),
        reason: Reason::FirstNotification,
        now: Timestamp::UNIX_EPOCH,
        alerts: Vec::new(),
        remembered: Remembered::default(),
    }
}

fn templates() -> Templates {
    Templates::load("http://here.test", ReadYaml(|_| None), []).expect("no files")
}

fn definitions() -> Definitions {
    templates().finish([]).0
}

fn webhook(server: &Server) -> Webhook {
    webhook_at(server.url("/MARKER"))
}

pub fn webhook_at(url: String) -> Webhook {
    webhook_with(|config| config.url = Secret::new(url))
}

fn webhook_with(change: impl FnOnce(&mut Config)) -> Webhook {
    let mut config = Config::default();
    change(&mut config);
    Webhook::build(&config, &mut templates()).expect("a good configuration")
}

/// What comes of one mail; the last reply is judged as every answer is.
pub async fn deliver_mail(mail: Mail, until: Instant) -> Outcome {
    deliver_mail_under(&NetworkPolicy::default(), mail, until).await
}

/// The same, where an operator allows this.
pub async fn deliver_mail_under(policy: &NetworkPolicy, mail: Mail, until: Instant) -> Outcome {
    struct OneMail(Mail);
    impl Integration for OneMail {
        fn begin(&self, _: &mut Renderer<'_>) -> Result<Box<dyn Exchange>, BeginError> {
            Ok(Box::new(OneMail(self.0.clone())))
        }
    }
    impl Exchange for OneMail {
        fn begin(&mut self) -> Step {
            Step::Mail(Box::new(self.0.clone()))
        }
        fn receive(&mut self, answer: Result<Response, RequestError>) -> Step {
            Step::Done(
                check_response("email", answer).map_or_else(|outcome| outcome, |_| delivered()),
            )
        }
    }
    notify(&OneMail(mail), &client_with(policy, |_| {}), until).await
}

pub async fn notify(integration: &dyn Integration, client: &Client, until: Instant) -> Outcome {
    let mut faults = Vec::new();
    let outcome =
        perform(integration, &definitions(), &notification(), client, until, &mut faults).await;
    assert_eq!(faults, Vec::<TemplateFault>::new());
    outcome
}

async fn outcome(integration: &dyn Integration) -> Outcome {
    notify(integration, &client(|_| {}), soon()).await
}

#[tokio::test]
async fn url_file_is_read_for_each_attempt() {
    let server = Server::start(ok).await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("url");
    let webhook = webhook_with(|config| config.url_file = path.to_string_lossy().into_owned());
    for (content, line) in [
        (format!("\n {}\t\n", server.url("/first")), "POST /first HTTP/1.1"),
        (server.url("/{{ .Status }}"), "POST /resolved HTTP/1.1"),
    ] {
        std::fs::write(&path, content).expect("written");
        assert_eq!(outcome(&webhook).await, Outcome::Delivered { remember: Default::default() });
        assert_eq!(server.received().last().map(|one| one.line.clone()).as_deref(), Some(line));
    }
    for content in ["", "MARKER", "ftp://MARKER/", "http://[{{ .Status }}MARKER"] {
        std::fs::write(&path, content).expect("written");
        match outcome(&webhook).await {
            Outcome::Refused { detail, .. } => assert!(!detail.contains("MARKER"), "{detail}"),
            other => panic!("{content}: {other:?}"),
        }
    }
    std::fs::remove_file(&path).expect("removed");
    match outcome(&webhook).await {
        // It may be there again soon.
        Outcome::Retry { detail, .. } => assert!(detail.starts_with("read "), "{detail}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn failed_templates_are_reported_and_the_rest_is_sent() {
    let server = Server::start(ok).await;
    let webhook = webhook_with(|config| {
        config.url = Secret::new(server.url("/"));
        let text = |text: &str| AnyValue::Text(text.to_owned());
        config.payload = Some(AnyValue::Map(vec![
            (text("good"), text("{{ .Status }}")),
            (text("bad"), text("{{ .Nothing }}")),
        ]));
    });
    let mut faults = Vec::new();
    let client = client(|_| {});
    let delivered = Outcome::Delivered { remember: Remembered::default() };
    let (definitions, notification) = (definitions(), notification());
    let outcome =
        perform(&webhook, &definitions, &notification, &client, soon(), &mut faults).await;
    assert_eq!(outcome, delivered);
    assert_eq!(faults.len(), 1);
    assert!(faults[0].to_string().starts_with("payload: template: :1:3: executing"), "{faults:?}");
    let body = server.only().body;
    assert!(body.contains(r#""good":"resolved""#), "{body}");
    assert!(body.contains("the template of payload failed"), "{body}");
}

#[tokio::test]
async fn a_webhook_is_notified_and_its_response_is_judged() {
    let server = Server::start(ok).await;
    let delivered = Outcome::Delivered { remember: Remembered::default() };
    assert_eq!(outcome(&webhook(&server)).await, delivered);
    let received = server.only();
    assert!(received.body.starts_with(r#"{"receiver":"team","#), "{}", received.body);
    assert!(received.body.ends_with("\"truncatedAlerts\":0}\n"), "{}", received.body);
    assert_eq!(received.header("Content-Type").as_deref(), Some("application/json"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_attempts_share_a_client_on_several_threads() {
    let server = Server::start(ok).await;
    let shared = Arc::new((webhook(&server), client(|_| {})));
    let attempts = std::iter::repeat_n(shared, 20).map(|shared| {
        tokio::spawn(async move {
            let (webhook, client) = &*shared;
            notify(webhook, client, soon()).await
        })
    });
    for attempt in attempts.collect::<Vec<_>>() {
        let outcome = attempt.await.expect("it ran");
        assert_eq!(outcome, Outcome::Delivered { remember: Remembered::default() });
    }
    assert_eq!(server.received().len(), 20);
}

#[tokio::test]
async fn failed_requests_become_outcomes() {
    let server = Server::start(|_| with_headers(429, "Retry-After: 3\r\n", "slow down")).await;
    let expected = Outcome::Retry {
        after: Some(Duration::from_secs(3)),
        reason: FailureReason::RateLimited,
        detail: "unexpected status code 429: slow down".into(),
    };
    assert_eq!(outcome(&webhook(&server)).await, expected);

    let server = Server::start(|_| plain(404, "")).await;
    let expected = Outcome::Refused {
        reason: FailureReason::ClientError,
        detail: "unexpected status code 404".into(),
    };
    assert_eq!(outcome(&webhook(&server)).await, expected);

    let server = Server::start(|_| Answer::Close(String::new())).await;
    match outcome(&webhook(&server)).await {
        Outcome::Retry { after: None, reason: FailureReason::Other, detail } => {
            assert!(!detail.contains("MARKER"), "{detail}");
        }
        other => panic!("{other:?}"),
    }

    let server = Server::start(|_| Answer::Hang(String::new())).await;
    let deadline = Instant::now() + Duration::from_millis(50);
    let expected = Outcome::Retry {
        after: None,
        reason: FailureReason::ContextDeadlineExceeded,
        detail: format!(
            "Post \"http://{address}/<redacted>\": awaiting headers from {address}: \
             context deadline exceeded",
            address = server.address
        ),
    };
    let outcome = notify(&webhook(&server), &client(|_| {}), deadline).await;
    assert_eq!(outcome, expected);
}

/// An integration that takes these steps, and panics when there is none left.
struct Scripted(Mutex<VecDeque<Step>>);

struct ScriptedExchange(VecDeque<Step>);

fn scripted(steps: impl IntoIterator<Item = Step>) -> Scripted {
    Scripted(Mutex::new(steps.into_iter().collect()))
}

impl Integration for Scripted {
    fn begin(&self, _: &mut Renderer<'_>) -> Result<Box<dyn Exchange>, BeginError> {
        let steps = std::mem::take(&mut *self.0.lock().expect("nothing panics with it"));
        Ok(Box::new(ScriptedExchange(steps)))
    }
}

impl Exchange for ScriptedExchange {
    fn begin(&mut self) -> Step {
        self.0.pop_front().expect("the script goes on")
    }

    fn receive(&mut self, _answer: Result<Response, RequestError>) -> Step {
        self.0.pop_front().expect("the script goes on")
    }
}

struct PanicsAtOnce;

impl Integration for PanicsAtOnce {
    fn begin(&self, _: &mut Renderer<'_>) -> Result<Box<dyn Exchange>, BeginError> {
        panic!("MARKER")
    }
}

fn done() -> Step {
    Step::Done(Outcome::Delivered { remember: Remembered::default() })
}

#[track_caller]
fn refused(outcome: Outcome, piece: &str) {
    match outcome {
        Outcome::Refused { reason: FailureReason::Other, detail } => {
            assert!(detail.contains(piece) && !detail.contains("MARKER"), "{detail}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_exchange_may_take_several_requests_or_none() {
    let server = Server::start(ok).await;
    let paths = ["/a", "/b", "/c"];
    let sends = paths.map(|path| Step::Send(post(&server.url(path))));
    let delivered = Outcome::Delivered { remember: Remembered::default() };
    assert_eq!(outcome(&scripted(sends.into_iter().chain([done()]))).await, delivered);
    let lines: Vec<String> = server.received().into_iter().map(|one| one.line).collect();
    assert_eq!(lines, paths.map(|path| format!("POST {path} HTTP/1.1")));
    assert_eq!(outcome(&scripted([done()])).await, delivered);
    assert_eq!(server.received().len(), 3);
}

#[tokio::test]
async fn the_deadline_ends_the_last_request_of_an_exchange_too() {
    let server = Server::start(|received| {
        let is_last = received.line.starts_with("POST /last ");
        if is_last { Answer::Hang(String::new()) } else { ok(received) }
    });
    let server = server.await;
    let sends = ["/first", "/last"].map(|path| Step::Send(post(&server.url(path))));
    let exchange = scripted(sends.into_iter().chain([done()]));
    let deadline = Instant::now() + Duration::from_millis(300);
    tokio::time::timeout_at(soon(), notify(&exchange, &client(|_| {}), deadline))
        .await
        .expect("it ends");
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn a_panic_in_an_integration_is_a_failed_attempt() {
    let server = Server::start(ok).await;
    refused(outcome(&PanicsAtOnce).await, "programming error");
    refused(outcome(&scripted([])).await, "programming error");
    refused(outcome(&scripted([Step::Send(post(&server.url("/")))])).await, "programming error");
}

#[tokio::test]
async fn an_endless_exchange_is_stopped() {
    let server = Server::start(ok).await;
    let sends = |count| (0..count).map(|_| Step::Send(post(&server.url("/"))));
    let delivered = Outcome::Delivered { remember: Remembered::default() };
    let most = sends(EXCHANGE_REQUESTS_MAX).chain([done()]);
    assert_eq!(outcome(&scripted(most)).await, delivered);
    let more = sends(EXCHANGE_REQUESTS_MAX + 1).chain([done()]);
    refused(outcome(&scripted(more)).await, "more than 16 requests");
    assert_eq!(server.received().len(), 2 * EXCHANGE_REQUESTS_MAX as usize);
}

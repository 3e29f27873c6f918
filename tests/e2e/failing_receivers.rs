//! Webhooks that misbehave: each ends with a counted result, and other receivers are notified in time.

use std::sync::atomic::{AtomicUsize, Ordering};

use bellwether_e2e::{Answer, Running, Setup, Sink, wait};
use serde_json::json;

use bellwether_e2e::fixtures::{alert, group_name};
use bellwether_e2e::log::field;

#[test]
fn a_webhook_that_hangs_times_out_and_others_are_notified() {
    let case = Case::start(|_| Answer::Hang, "timeout: 500ms");
    case.good_is_notified();
    // A timeout is worth another try, within the time of the flush.
    case.bad.wait_for("second attempt", |asked| (asked.len() >= 2).then_some(()));
    case.wait_for_failures("alertmanager_notification_requests_failed_total", "webhook");
}

#[test]
fn a_webhook_that_fails_for_a_while_is_notified_in_the_end() {
    let asked = AtomicUsize::new(0);
    let case = Case::start(
        move |_| Answer::Status(if asked.fetch_add(1, Ordering::SeqCst) < 3 { 500 } else { 200 }),
        "",
    );
    case.good_is_notified();
    case.bad.wait_for("attempt that succeeds", |asked| (asked.len() >= 4).then_some(()));
    let mut case = case;
    assert_eq!(case.server.metric(FAILED_REQUESTS, "webhook"), Some(3.0));
    assert_eq!(case.server.metric(FAILED, "webhook"), Some(0.0));
    // What fails again in the same way is not said again.
    let lines = case.server.process.lines();
    let failed: Vec<_> =
        lines.iter().filter(|line| line.contains("Notify attempt failed")).collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    let field = |key| field(failed[0], key).unwrap_or_default();
    assert_eq!((field("attempts").as_str(), field("reason").as_str()), ("1", "serverError"));
}

#[test]
fn a_webhook_that_refuses_is_not_asked_again_and_counted() {
    let mut case = Case::start(|_| Answer::Status(404), "");
    case.good_is_notified();
    let failed = wait::until("the failure is counted", || {
        case.server.metric(FAILED, "reason=\"clientError\"").filter(|&count| count > 0.0)
    });
    // Once a flush, and no repetition within one.
    assert_eq!(case.server.metric(FAILED_REQUESTS, "webhook"), Some(failed));
}

#[test]
fn redirects_are_followed_with_the_body_where_the_status_says_so() {
    let place = Sink::start();
    let location = place.url("/moved");
    let case =
        Case::start(move |_| Answer::Redirect { status: 307, location: location.clone() }, "");
    case.good_is_notified();
    let sent = place.wait_for_one("redirected notification");
    assert_eq!((sent.method.as_str(), sent.path.as_str()), ("POST", "/moved"));
    assert_eq!(group_name(&sent), "Misbehaving");
}

#[test]
fn a_circle_of_redirects_ends() {
    let case = Case::start(|_| Answer::Redirect { status: 307, location: "/".to_owned() }, "");
    case.good_is_notified();
    case.wait_for_failures(FAILED_REQUESTS, "webhook");
}

#[test]
fn an_answer_of_a_gibibyte_is_not_read_to_the_end() {
    let mut case = Case::start(|_| Answer::Flood { bytes: 1 << 30 }, "");
    let before = case.server.process.resident_bytes();
    case.good_is_notified();
    wait::until("the notification is counted", || {
        case.server.metric("alertmanager_notifications_total", "webhook").filter(|&n| n >= 2.0)
    });
    case.server.wait_for_another_flush("Misbehaving");
    let grown = case.server.process.resident_bytes().saturating_sub(before);
    assert!(grown < 64 << 20, "{grown} bytes are kept of an answer");
}

#[test]
fn a_webhook_that_closes_instead_of_answering_is_tried_again() {
    let asked = AtomicUsize::new(0);
    let case = Case::start(
        move |_| match asked.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => Answer::Close,
            _ => Answer::Status(200),
        },
        "",
    );
    case.good_is_notified();
    case.bad.wait_for("attempt that succeeds", |asked| (asked.len() >= 3).then_some(()));
}

#[test]
fn a_refused_connection_is_counted() {
    let gone = Sink::start();
    let url = gone.url("/");
    drop(gone);
    let good = Sink::start();
    let setup = Setup::ours(&config(&good.url("/"), &url, "")).expect_log("Notify");
    let mut server = setup.start();
    server.post_alerts(&json!([alert("Misbehaving")]));
    good.wait_for_one("notification of the other receiver");
    wait::until("the failure is counted", || {
        server.metric(FAILED_REQUESTS, "webhook").filter(|&count| count > 0.0)
    });
}

/// One alert that goes to two receivers, of which one misbehaves.
struct Case {
    server: Running,
    good: Sink,
    bad: Sink,
    _setup: Setup,
}

impl Case {
    fn start(
        answer: impl Fn(&bellwether_e2e::Request) -> Answer + Send + Sync + 'static,
        bad_settings: &str,
    ) -> Self {
        let (good, bad) = (Sink::start(), Sink::start());
        bad.answer(answer);
        let setup = Setup::ours(&config(&good.url("/"), &bad.url("/"), bad_settings))
            .expect_log("Notify attempt failed")
            .expect_log("Notify failed")
            .expect_log("Notify for alerts failed");
        let mut server = setup.start();
        server.post_alerts(&json!([alert("Misbehaving")]));
        Self { server, good, bad, _setup: setup }
    }

    /// The other receiver is notified although this one misbehaves.
    fn good_is_notified(&self) {
        self.bad.wait_for_one("request to the bad receiver");
        let sent = self.good.wait_for_one("notification");
        assert_eq!(group_name(&sent), "Misbehaving");
    }

    fn wait_for_failures(mut self, name: &str, labels: &str) {
        wait::until("failures are counted", || {
            self.server.metric(name, labels).filter(|&count| count > 0.0)
        });
        let sent = self.good.requests();
        assert_eq!(sent.len(), 1, "the other receiver is notified once");
    }
}

fn config(good: &str, bad: &str, bad_settings: &str) -> String {
    format!(
        "route:\n  receiver: bad\n  group_by: [alertname]\n  group_wait: 100ms\n  \
         group_interval: 500ms\n  repeat_interval: 4h\n  routes:\n  - receiver: bad\n    \
         continue: true\n  - receiver: good\nreceivers:\n- name: good\n  webhook_configs:\n  \
         - url: {good}\n- name: bad\n  webhook_configs:\n  - url: {bad}\n    {bad_settings}\n"
    )
}

const FAILED: &str = "alertmanager_notifications_failed_total";
const FAILED_REQUESTS: &str = "alertmanager_notification_requests_failed_total";

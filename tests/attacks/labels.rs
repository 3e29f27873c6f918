//! What the author of a label or annotation can make the server do to others.

use bellwether_e2e::{Answer, Setup, Sink};
use serde_json::json;

#[test]
fn a_label_mentions_nobody_in_general_unless_a_flag_allows_it() {
    for (flag, expected) in [
        ("--log.level=debug", "&lt;!channel> <@U1>"),
        ("--receivers.allow-mentions", "<!channel> <@U1>"),
    ] {
        let chat = Sink::start();
        chat.answer(|_| Answer::Text("ok".to_owned()));
        let config = format!(
            "route:\n  receiver: chat\n  group_wait: 10ms\nreceivers:\n- name: chat\n  \
             slack_configs:\n  - api_url: {}\n    channel: '#a'\n    \
             text: '<!here> {{{{ .CommonAnnotations.summary }}}}'\n",
            chat.url("/chat"),
        );
        let setup = Setup::new(bellwether_e2e::Program::Bellwether, &config).flag(flag);
        let mut server = setup.start();
        server.post_alerts(&json!([
            {"labels": {"alertname": "A"}, "annotations": {"summary": "<!channel> <@U1>"}}
        ]));
        let message = chat.wait_for_one("message").json();
        assert_eq!(message["attachments"][0]["text"], format!("<!here> {expected}"), "{flag}");
    }
}

#[test]
fn a_label_does_not_send_a_notification_inside() {
    let inside = Sink::start();
    let config = "route:\n  receiver: hook\n  group_wait: 10ms\nreceivers:\n- name: hook\n  \
                  webhook_configs:\n  - url: 'http://{{ .CommonLabels.host }}/'\n";
    let setup = Setup::new(bellwether_e2e::Program::Bellwether, config)
        .flag("--receivers.deny-private")
        .expect_log("is denied by --receivers.deny-private");
    let mut server = setup.start();
    let port = inside.address().port();
    server.post_alerts(&json!([
        {"labels": {"alertname": "A", "host": format!("localhost:{port}")}}
    ]));
    let labels = "reason=\"addressDenied\"";
    server.wait_for_metric("alertmanager_notifications_failed_total", labels, 1.0);
    assert_eq!(inside.count(), 0);
}

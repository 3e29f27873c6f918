use std::collections::BTreeMap;

use bellwether_model::{FailureReason, Outcome, Secret};

use super::config::{Config, HostPort, Threading};
use super::{BODY_BYTES_MAX, Email};
use crate::exchange::Step;
use crate::http::RequestError;
use crate::mail::{Mail, Security};
use crate::outcome::{BeginError, delivered};
use crate::secret::SecretSource;
use crate::tests::{
    Harness, answer, at, check_snapshot, firing, many, mixed, notification, resolved,
};

fn config() -> Config {
    Config {
        to: "Ann <ann@x.example>, bob@x.example".into(),
        from: "alerts@am.example".into(),
        hello: "am.example".into(),
        smarthost: HostPort { host: "mail.example".into(), port: "587".into() },
        html: String::new(),
        text: r#"{{ template "__text_alert_list" .Alerts }}"#.into(),
        require_tls: Some(true),
        ..Config::default()
    }
}

fn harness(change: impl FnOnce(&mut Config)) -> Harness {
    let mut config = config();
    change(&mut config);
    Harness::new(|templates| Email::build(&config, "host.example", templates))
}

fn headers(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

#[track_caller]
fn mail(harness: &Harness, notification: &bellwether_model::Notification) -> Mail {
    let mut exchange = harness.begin(notification).0.expect("it begins");
    match exchange.begin() {
        Step::Mail(mail) => *mail,
        step => panic!("no mail: {step:?}"),
    }
}

fn text(mail: &Mail) -> String {
    String::from_utf8(mail.message.to_vec()).expect("mails are ASCII")
}

/// The lines of the header called `name`.
fn header<'a>(message: &'a str, name: &str) -> &'a str {
    let head = message.split("\r\n\r\n").next().expect("a head");
    let lead = format!("{name}: ");
    head.split("\r\n").find_map(|line| line.strip_prefix(&lead)).expect("the header is there")
}

#[track_caller]
fn refused(harness: &Harness, reason: &str) {
    let expected = Outcome::Refused { reason: FailureReason::Other, detail: reason.into() };
    match harness.begin(&firing()).0 {
        Err(error) => assert_eq!(error, BeginError::Ended(expected)),
        Ok(_) => panic!("it was not refused"),
    }
}

#[test]
fn a_mail_with_text_and_html_matches_its_snapshot() {
    let harness = harness(|config| {
        config.headers = headers(&[
            ("Reply-To", "Jürgen <j@x.example>"),
            ("X-Group", "{{ .GroupLabels.alertname }}"),
        ]);
        config.html = "<p>{{ .CommonLabels.severity }}: {{ (index .Alerts 0).Annotations.summary \
                       }} = {{ len .Alerts }}</p>\n"
            .into();
        config.threading = Threading { enabled: true, thread_by_date: "daily".into() };
    });
    let transcript = harness.transcript(&mixed(), [answer(250, "OK")]);
    check_snapshot("email/tests/mixed.txt", &transcript);
}

#[test]
fn every_line_ends_and_none_is_longer_than_servers_take() {
    let harness = harness(|config| {
        config.to = "Somebody <somebody@x.example>, ".repeat(200);
        config.html = Config::default().html;
        config.headers = headers(&[("X-Long", "{{ .CommonLabels }}")]);
    });
    let mail = mail(&harness, &many(50));
    assert_eq!(mail.to.len(), 200);
    let message = text(&mail);
    assert!(message.ends_with("--\r\n") && message.is_ascii());
    for line in message.split("\r\n") {
        assert!(line.len() <= 998 && !line.contains(['\r', '\n']), "{line:?}");
    }
}

#[test]
fn a_value_cannot_inject_a_header() {
    let harness = harness(|config| {
        config.headers = headers(&[("Subject", "{{ (index .Alerts 0).Annotations.evil }}")]);
    });
    let labels = [("alertname", "Disk")];
    let evil = [("evil", "x\r\nBcc: victim@x.example\r\n\r\nbody")];
    let message =
        text(&mail(&harness, &notification(vec![crate::tests::alert(&labels, &evil, false)])));
    assert_eq!(
        header(&message, "Subject"),
        "=?utf-8?q?x=0D=0ABcc:_victim@x.example=0D=0A=0D=0Abody?="
    );
    let (head, _) = message.split_once("\r\n\r\n").expect("a body");
    assert!(!head.contains("\r\nBcc"), "{message}");
}

#[test]
fn a_thread_is_per_group_or_per_group_and_day() {
    let thread = |thread_by_date: &str| {
        let threading = Threading { enabled: true, thread_by_date: thread_by_date.into() };
        let message = text(&mail(&harness(|config| config.threading = threading), &firing()));
        assert_eq!(header(&message, "References"), header(&message, "In-Reply-To"));
        header(&message, "References").to_owned()
    };
    let hash = &firing().group_key.hash()[..16];
    assert_eq!(thread("none"), format!("<alert-{hash}-@alertmanager>"));
    assert_eq!(thread("daily"), format!("<alert-{hash}-2026-03-01@alertmanager>"));
    let message = text(&mail(&harness(|_| {}), &firing()));
    assert!(!message.contains("References"), "{message}");
}

#[test]
fn each_mail_has_its_own_id() {
    let harness = harness(|_| {});
    let id = |notification| header(&text(&mail(&harness, &notification)), "Message-Id").to_owned();
    let first = id(firing());
    assert!(first.starts_with("<1772366400000000000."), "{first}");
    assert!(first.ends_with("@host.example>"), "{first}");
    let mut other = firing();
    other.integration.index = 1;
    assert_ne!(id(other), first);
    let mut later = firing();
    later.now = at("2026-03-01T12:00:00.000000001Z");
    assert_ne!(id(later), first);
    assert_eq!(id(firing()), first);
}

#[test]
fn a_configured_message_id_is_kept() {
    let harness = harness(|config| config.headers = headers(&[("Message-Id", "<own@x>")]));
    let message = text(&mail(&harness, &firing()));
    assert_eq!(message.matches("Message-Id: ").count(), 1);
    assert_eq!(header(&message, "Message-Id"), "<own@x>");
}

#[test]
fn a_host_invalid_in_a_message_id_is_replaced() {
    for host in ["", "a b", "hôte"] {
        let harness = Harness::new(|templates| Email::build(&config(), host, templates));
        let message = text(&mail(&harness, &firing()));
        assert!(header(&message, "Message-Id").ends_with("@localhost.localdomain>"), "{message}");
    }
}

#[test]
fn a_failing_template_does_not_stop_a_mail() {
    const BAD: &str = "{{ .Nothing.At.All }}";
    let harness = harness(|config| {
        config.from = BAD.into();
        config.text = "{{ end }}".into();
        config.html = format!("<b>{BAD}</b>");
        config.headers = headers(&[("Subject", BAD), ("From", BAD), ("To", BAD), ("X-Other", BAD)]);
    });
    let (begun, faults) = harness.begin(&firing());
    let Step::Mail(mail) = begun.expect("it begins").begin() else { panic!("no mail") };
    assert_eq!(mail.from, "alertmanager@host.example");
    assert_eq!(mail.to, ["ann@x.example", "bob@x.example"]);
    let message = text(&mail);
    let subject = header(&message, "Subject");
    assert!(subject.starts_with("[FIRING:1] alertname=\"Disk\" [the template of "), "{subject}");
    assert_eq!(header(&message, "From"), "alertmanager@host.example");
    assert_eq!(header(&message, "To"), "ann@x.example, bob@x.example");
    assert_eq!(header(&message, "X-Other"), "");
    for part in ["text/plain", "text/html"] {
        let body = message.split_once(part).expect("both renditions are there").1;
        assert!(body.contains("[FIRING:1]") && body.contains("the template of"), "{message}");
    }
    let mut fields: Vec<&str> = faults.iter().map(|fault| &*fault.field).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["from", "headers", "headers", "headers", "headers", "html", "text"]);
}

#[test]
fn mail_without_recipients_is_refused() {
    let with_to = |to: &str| harness(|config| config.to = to.into());
    refused(&with_to("{{ .CommonLabels.owner }}"), "parse 'to' addresses: no address");
    refused(&with_to("ann"), "parse 'to' addresses: no @ in an address");
    let with_from = |from: &str| harness(|config| config.from = from.into());
    refused(&with_from("a@x, b@x"), "must be exactly one 'from' address (got: 2)");
    refused(&with_from("ann"), "parse 'from' addresses: no @ in an address");
    let (begun, _) = with_to("{{ .Nothing.At.All }}").begin(&firing());
    let Err(BeginError::Template(detail)) = begun else { panic!("no refusal") };
    assert!(detail.starts_with("to: "), "{detail}");
}

#[test]
fn a_body_too_large_says_how_many_alerts_are_missing() {
    let harness =
        harness(|config| config.text = "{{ range .Alerts }}{{ .Labels.pad }}{{ end }}".into());
    let pad = "x".repeat(300_000);
    let one = |host: usize| {
        let host = host.to_string();
        crate::tests::alert(&[("host", host.as_str()), ("pad", pad.as_str())], &[], false)
    };
    let message = text(&mail(&harness, &notification((0..10).map(one).collect())));
    let body = message.replace("=\r\n", "");
    assert!(body.contains("=E2=80=A6 4 more alerts did not fit"), "{}", &body[body.len() - 300..]);
    assert!(body.len() < BODY_BYTES_MAX + 4096);
}

#[test]
fn a_large_group_makes_a_mail_of_bounded_size() {
    let harness = harness(|config| config.html = Config::default().html);
    let bytes = mail(&harness, &many(1_000)).message.len();
    assert!(bytes < 3 * BODY_BYTES_MAX, "{bytes} bytes");
}

#[test]
fn empty_texts_are_left_out() {
    let message = text(&mail(&harness(|config| config.text.clear()), &resolved()));
    assert!(!message.contains("text/plain") && !message.contains("text/html"), "{message}");
    let (_, body) = message.split_once("\r\n\r\n").expect("a body");
    assert!(body.starts_with("\r\n--") && body.ends_with("--\r\n"), "{body:?}");
}

#[test]
fn connection_settings_are_passed_on() {
    let server = |change: &dyn Fn(&mut Config)| (*mail(&harness(change), &firing()).server).clone();
    let security = |port: &str, require: bool, force: Option<bool>| {
        server(&|config| {
            config.smarthost.port = port.into();
            config.require_tls = Some(require);
            config.force_implicit_tls = force;
        })
        .security
    };
    assert_eq!(security("587", true, None), Security::StartTls);
    assert_eq!(security("587", false, None), Security::Never);
    assert_eq!(security("465", true, None), Security::Implicit);
    assert_eq!(security("465", false, None), Security::Implicit);
    assert_eq!(security("465", true, Some(false)), Security::StartTls);
    assert_eq!(security("465", false, Some(false)), Security::Never);
    assert_eq!(security("587", false, Some(true)), Security::Implicit);
    // By name it is a port like any other, as it always was.
    assert_eq!(security("submissions", true, None), Security::StartTls);

    let plain = server(&|config| config.hello.clear());
    assert_eq!((plain.hello.as_str(), plain.port, plain.account), ("localhost", 587, None));
    let account = server(&|config| {
        config.smarthost.port = "smtp".into();
        config.auth_username = "me".into();
        config.auth_password = Secret::new("MARKER");
        config.auth_password_file = "pw".into();
        config.auth_secret = Secret::new("MARKER");
    });
    assert_eq!(account.port, 25);
    let shown = format!("{account:?}");
    assert!(!shown.contains("MARKER"), "{shown}");
    let account = account.account.expect("there is a user");
    assert_eq!(account.password, SecretSource::File("pw".into()));
    assert_eq!(account.secret, SecretSource::Given(Secret::new("MARKER")));
}

#[test]
fn invalid_port_is_refused() {
    let mut config = config();
    config.smarthost.port = "99999".into();
    let built = Email::build(&config, "h", &mut crate::tests::templates());
    let error = built.expect_err("no such port").to_string();
    assert_eq!(error, r#"smarthost: "99999" is not a valid SMTP port"#);
}

#[test]
fn the_answer_decides_between_success_retry_and_refusal() {
    let harness = harness(|_| {});
    assert_eq!(harness.outcome(answer(250, "queued")), delivered());
    let failed = harness.outcome(Err(RequestError::Transport("send RCPT command: 550 no".into())));
    let reason = FailureReason::Other;
    let detail = "send RCPT command: 550 no".into();
    assert_eq!(failed, Outcome::Retry { after: None, reason, detail });
    let reason = FailureReason::ContextDeadlineExceeded;
    let detail = "context deadline exceeded".into();
    let late = harness.outcome(Err(RequestError::DeadlinePassed));
    assert_eq!(late, Outcome::Retry { after: None, reason, detail });
}

//! Mails, against a server made by hand: what is said in which order, what each refusal becomes, and
//! servers that misbehave.

use std::sync::Arc;

use bellwether_courier::{Firewall, NetworkPolicy, PlaintextAuth};
use bellwether_integrations::SecretSource;
use bellwether_integrations::http::TlsConfig;
use bellwether_integrations::mail::{Mail, MailAccount, MailServer, Security};
use bellwether_model::{FailureReason, Outcome, Secret};
use bytes::Bytes;
use rustls::version::{TLS12, TLS13};
use tokio::time::Instant;

use crate::certificates::{Authority, self_signed_version_1, server_config};
use crate::exchange::{deliver_mail, deliver_mail_under};
use crate::mail_server::{MailServerStub, Say};
use crate::server::{FullPort, soon};

fn to(sink: &MailServerStub, security: Security) -> MailServer {
    MailServer {
        host: "127.0.0.1".into(),
        port: sink.address.port(),
        hello: "here.test".into(),
        security,
        tls: TlsConfig::default(),
        account: None,
    }
}

fn with_account(server: MailServer, change: impl FnOnce(&mut MailAccount)) -> MailServer {
    let mut account = MailAccount {
        username: "me".into(),
        identity: String::new(),
        password: SecretSource::Given(Secret::new("pass")),
        secret: SecretSource::Given(Secret::new("key")),
    };
    change(&mut account);
    MailServer { account: Some(account), ..server }
}

fn mail(server: MailServer) -> Mail {
    Mail {
        server: Arc::new(server),
        from: "from@x".into(),
        to: vec!["a@x".into(), "b@x".into()],
        message: Bytes::from_static(b"Subject: s\r\n\r\n.dot\r\n..two\r\nend\r\n"),
    }
}

async fn outcome_until(server: MailServer, until: Instant) -> Outcome {
    deliver_mail(mail(server), until).await
}

async fn outcome(server: MailServer) -> Outcome {
    outcome_until(server, soon()).await
}

#[track_caller]
fn delivered(outcome: &Outcome) {
    assert!(matches!(outcome, Outcome::Delivered { .. }), "{outcome:?}");
}

#[track_caller]
fn retried(outcome: Outcome, expected: &str) {
    let reason = FailureReason::Other;
    assert_eq!(outcome, Outcome::Retry { after: None, reason, detail: expected.into() });
}

/// A server that says yes to everything, with these extensions.
fn accepting(extensions: &'static [&'static str]) -> impl Fn(&str) -> Say + Send + Sync + 'static {
    move |line| match line.split(' ').next().unwrap_or_default() {
        "EHLO" => {
            let last = extensions.len();
            let mut text = format!("250{}mail.test\r\n", if last == 0 { ' ' } else { '-' });
            for (at, extension) in extensions.iter().enumerate() {
                let more = if at + 1 < last { '-' } else { ' ' };
                text.push_str(&format!("250{more}{extension}\r\n"));
            }
            Say::Text(text)
        }
        "STARTTLS" => Say::Secure,
        "AUTH" => Say::line("235 welcome"),
        "DATA" => Say::line("354 go on"),
        "QUIT" => Say::line("221 bye"),
        _ => Say::line("250 OK"),
    }
}

/// As [`accepting`], but for one command.
fn answering(
    extensions: &'static [&'static str],
    command: &'static str,
    answer: &'static str,
) -> impl Fn(&str) -> Say + Send + Sync + 'static {
    let accepting = accepting(extensions);
    move |line| if line.starts_with(command) { Say::line(answer) } else { accepting(line) }
}

const BODY: [&str; 5] = ["Subject: s", "", "..dot", "...two", "end"];

#[tokio::test]
async fn a_mail_is_sent_command_by_command() {
    let sink = MailServerStub::start(accepting(&["SIZE 1000", "8BITMIME", "smtputf8"])).await;
    delivered(&outcome(to(&sink, Security::Never)).await);
    let head = [
        "EHLO here.test",
        "MAIL FROM:<from@x> BODY=8BITMIME SMTPUTF8",
        "RCPT TO:<a@x>",
        "RCPT TO:<b@x>",
        "DATA",
    ];
    assert_eq!(sink.transcript().await, [&head[..], &BODY, &[".", "QUIT"]].concat());
}

#[tokio::test]
async fn a_server_without_ehlo_is_sent_helo() {
    let sink = MailServerStub::start(answering(&[], "EHLO", "502 what?")).await;
    delivered(&outcome(to(&sink, Security::Never)).await);
    let transcript = sink.transcript().await;
    assert_eq!(transcript[..3], ["EHLO here.test", "HELO here.test", "MAIL FROM:<from@x>"]);
}

#[tokio::test]
async fn starttls_precedes_authentication_and_mail() {
    let authority = Authority::new();
    let tls = server_config(&authority.sign(&["127.0.0.1"]), None, &[&TLS12, &TLS13]);
    let sink = MailServerStub::start_tls(accepting(&["STARTTLS", "AUTH PLAIN"]), tls, false).await;
    let mut server = with_account(to(&sink, Security::StartTls), |_| {});
    server.tls.ca = authority.pem.clone();
    delivered(&outcome(server).await);
    let transcript = sink.transcript().await;
    let expected =
        ["EHLO here.test", "STARTTLS", "(secured)", "EHLO here.test", "AUTH PLAIN AG1lAHBhc3M="];
    assert_eq!(transcript[..5], expected);
}

#[tokio::test]
async fn implicit_tls_precedes_the_greeting() {
    let authority = Authority::new();
    let tls = server_config(&authority.sign(&["127.0.0.1"]), None, &[&TLS12, &TLS13]);
    let sink = MailServerStub::start_tls(accepting(&["STARTTLS"]), tls, true).await;
    let mut server = to(&sink, Security::Implicit);
    server.tls.ca = authority.pem.clone();
    delivered(&outcome(server).await);
    assert_eq!(sink.transcript().await[..3], ["(secured)", "EHLO here.test", "MAIL FROM:<from@x>"]);
}

#[tokio::test]
async fn an_untrusted_certificate_fails_the_delivery() {
    let authority = Authority::new();
    for implicit in [true, false] {
        let tls = server_config(&authority.sign(&["127.0.0.1"]), None, &[&TLS12, &TLS13]);
        let sink = MailServerStub::start_tls(accepting(&["STARTTLS"]), tls, implicit).await;
        let security = if implicit { Security::Implicit } else { Security::StartTls };
        let mut server = to(&sink, security);
        server.tls.ca = Authority::new().pem;
        let expected = match implicit {
            true => {
                "establish TLS connection to server: tls: failed to verify certificate: x509: certificate signed by unknown authority"
            }
            false => {
                "send STARTTLS command: tls: failed to verify certificate: x509: certificate signed by unknown authority"
            }
        };
        match outcome(server).await {
            Outcome::Retry { detail, .. } => assert!(detail.starts_with(expected), "{detail}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_certificate_of_version_1_is_accepted_without_verification() {
    let identity = self_signed_version_1("mail.test");
    for implicit in [true, false] {
        let tls = server_config(&identity, None, &[&TLS12, &TLS13]);
        let sink = MailServerStub::start_tls(accepting(&["STARTTLS"]), tls, implicit).await;
        let security = if implicit { Security::Implicit } else { Security::StartTls };
        let mut server = to(&sink, security);
        server.tls.insecure_skip_verify = true;
        delivered(&outcome(server).await);
    }
}

#[tokio::test]
async fn no_mail_is_sent_without_required_tls() {
    let sink = MailServerStub::start(accepting(&["AUTH PLAIN"])).await;
    let server = with_account(to(&sink, Security::StartTls), |_| {});
    let text = format!(
        "'require_tls' is true (default) but \"{}\" does not advertise the STARTTLS extension",
        sink.address
    );
    retried(outcome(server).await, &text);
    assert_eq!(sink.transcript().await, ["EHLO here.test", "QUIT"]);
}

#[tokio::test]
async fn replies_sent_before_the_handshake_are_rejected() {
    let accepting = accepting(&["STARTTLS"]);
    let sink = MailServerStub::start(move |line| match line {
        "STARTTLS" => Say::Text("220 go on\r\n250 injected\r\n".into()),
        line => accepting(line),
    })
    .await;
    let text = "send STARTTLS command: the server sent more than its reply before the handshake";
    retried(outcome(to(&sink, Security::StartTls)).await, text);
}

#[tokio::test]
async fn the_first_usable_auth_mechanism_is_used() {
    let used = async |offered: &'static [&'static str], change: fn(&mut MailAccount)| {
        let accepting = accepting(offered);
        let sink = MailServerStub::start(move |line| match line {
            // "Username:", "Password:", and the challenge of RFC 2195.
            "AUTH LOGIN" => Say::line("334 VXNlcm5hbWU6"),
            "bWU=" => Say::line("334 UGFzc3dvcmQ6"),
            "cGFzcw==" => Say::line("235 welcome"),
            "AUTH CRAM-MD5" => {
                Say::line("334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+")
            }
            line if line.starts_with("bWUg") => Say::line("235 welcome"),
            line => accepting(line),
        })
        .await;
        delivered(&outcome(with_account(to(&sink, Security::Never), change)).await);
        let transcript = sink.transcript().await;
        let end = transcript.iter().position(|line| line.starts_with("MAIL")).expect("it went on");
        transcript[1..end].to_vec()
    };
    let login = ["AUTH LOGIN", "bWU=", "cGFzcw=="];
    let plain = ["AUTH PLAIN AG1lAHBhc3M="];
    assert_eq!(used(&["AUTH LOGIN PLAIN CRAM-MD5"], |_| {}).await, login);
    assert_eq!(used(&["AUTH PLAIN LOGIN CRAM-MD5"], |_| {}).await, plain);
    assert_eq!(used(&["AUTH GSSAPI XOAUTH2 PLAIN"], |_| {}).await, plain);
    assert_eq!(
        used(&["AUTH CRAM-MD5 PLAIN"], |account| {
            account.secret = SecretSource::Given(Secret::default());
        })
        .await,
        plain
    );
    assert_eq!(
        used(&["AUTH PLAIN"], |account| account.identity = "boss".into()).await,
        ["AUTH PLAIN Ym9zcwBtZQBwYXNz"]
    );
    let secret = |account: &mut MailAccount| {
        account.secret = SecretSource::Given(Secret::new("tanstaaftanstaaf"));
    };
    // `me` and the proof of RFC 2195.
    let proof = "bWUgYjkxM2E2MDJjN2VkYTdhNDk1YjRlNmU3MzM0ZDM4OTA=";
    assert_eq!(used(&["AUTH CRAM-MD5 PLAIN"], secret).await, ["AUTH CRAM-MD5", proof]);
    assert_eq!(used(&[], |_| {}).await, Vec::<String>::new());
}

#[tokio::test]
async fn password_files_are_read_only_when_needed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("a plain name").to_owned();
    std::fs::write(path("password"), " pass \n").expect("it can be written");
    let from_files = |sink: &MailServerStub| {
        with_account(to(sink, Security::Never), |account| {
            account.password = SecretSource::File(path("password"));
            account.secret = SecretSource::File(path("gone"));
        })
    };
    let sink = MailServerStub::start(accepting(&["AUTH CRAM-MD5 PLAIN"])).await;
    delivered(&outcome(from_files(&sink)).await);
    assert_eq!(sink.transcript().await[1], "AUTH PLAIN AG1lAHBhc3M=");

    let sink = MailServerStub::start(accepting(&["AUTH CRAM-MD5 NTLM"])).await;
    let text = format!(
        "find auth mechanism: could not read {}: No such file or directory (os error 2)\n\
         unknown auth mechanism: NTLM",
        path("gone")
    );
    retried(outcome(from_files(&sink)).await, &text);
    let empty = |account: &mut MailAccount| {
        account.password = SecretSource::Given(Secret::default());
    };
    let sink = MailServerStub::start(accepting(&["AUTH LOGIN"])).await;
    let text = "find auth mechanism: missing password for LOGIN auth mechanism";
    retried(outcome(with_account(to(&sink, Security::Never), empty)).await, text);
}

#[tokio::test]
async fn a_denied_address_gets_no_mail() {
    let network = |text: &str| text.parse().expect("a fixed network");
    let home = vec![network("127.0.0.1/32")];
    for (firewall, flag) in [
        (
            Firewall { deny_private: true, allowed: home.clone(), ..Firewall::default() },
            "--receivers.deny-private",
        ),
        (
            Firewall { denied: vec![network("127.0.0.0/8")], allowed: home, ..Firewall::default() },
            "--receivers.deny-cidr",
        ),
    ] {
        let policy = NetworkPolicy { firewall: Arc::new(firewall), ..NetworkPolicy::default() };
        let sink = MailServerStub::start(accepting(&[])).await;
        let away = MailServer { host: "127.0.0.2".into(), ..to(&sink, Security::Never) };
        let outcome = deliver_mail_under(&policy, mail(away), soon()).await;
        let Outcome::Refused { reason: FailureReason::AddressDenied, detail } = outcome else {
            panic!("{outcome:?}")
        };
        assert!(detail.contains(&format!("127.0.0.2 is denied by {flag}")), "{detail}");
        // The server takes one connection: it has had none yet.
        let home = to(&sink, Security::Never);
        delivered(&deliver_mail_under(&policy, mail(home), soon()).await);
    }
}

#[tokio::test]
async fn where_it_is_denied_no_password_travels_in_clear() {
    let speaks_login = |line: &str| match line {
        "AUTH LOGIN" => Say::line("334 VXNlcm5hbWU6"),
        "bWU=" => Say::line("334 UGFzc3dvcmQ6"),
        "cGFzcw==" => Say::line("235 welcome"),
        line => accepting(&["AUTH LOGIN"])(line),
    };
    let under = |plaintext_auth| NetworkPolicy { plaintext_auth, ..NetworkPolicy::default() };
    for (host, plaintext_auth, is_sent) in [
        ("127.0.0.2", PlaintextAuth::Local, false),
        ("127.0.0.2", PlaintextAuth::AsConfigured, true),
        ("127.0.0.1", PlaintextAuth::Local, true),
    ] {
        let sink = MailServerStub::start(speaks_login).await;
        let server = with_account(to(&sink, Security::Never), |_| {});
        let server = MailServer { host: host.into(), ..server };
        let outcome = deliver_mail_under(&under(plaintext_auth), mail(server), soon()).await;
        let transcript = sink.transcript().await;
        assert_eq!(transcript.contains(&"AUTH LOGIN".to_owned()), is_sent, "{transcript:?}");
        if is_sent {
            delivered(&outcome);
        } else {
            let Outcome::Retry { detail, .. } = outcome else { panic!("{outcome:?}") };
            let text = "LOGIN auth: unencrypted connection: --receivers.deny-plaintext-auth is set";
            assert!(detail.starts_with(text), "{detail}");
        }
    }
}

#[tokio::test]
async fn a_password_is_not_sent_over_an_unencrypted_connection() {
    let sink = MailServerStub::start(accepting(&["AUTH PLAIN"])).await;
    // An address of this machine that does not say so.
    let server = MailServer { host: "127.0.0.2".into(), ..to(&sink, Security::Never) };
    let sink_there = with_account(server, |_| {});
    match outcome(sink_there).await {
        Outcome::Retry { detail, .. } => {
            assert_eq!(detail, "PLAIN auth: unencrypted connection");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(sink.transcript().await, ["EHLO here.test", "QUIT"]);
}

#[tokio::test]
async fn a_password_in_a_reply_is_redacted() {
    for (offered, text) in [
        ("AUTH PLAIN", "PLAIN auth: 535 AUTH PLAIN <secret>, which is <secret>"),
        ("AUTH CRAM-MD5", "CRAM-MD5 auth: 535 <secret>, which is <secret>"),
    ] {
        let accepting = accepting(&[]);
        let sink = MailServerStub::start(move |line| match line {
            line if line.starts_with("EHLO") => Say::Text(format!("250-x\r\n250 {offered}\r\n")),
            "AUTH CRAM-MD5" => Say::line("334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2U+"),
            line if line.starts_with("AUTH") || line.starts_with("bWUg") => {
                Say::Text(format!("535 {line}, which is hunter2\r\n"))
            }
            line => accepting(line),
        })
        .await;
        let server = with_account(to(&sink, Security::Never), |account| {
            account.password = SecretSource::Given(Secret::new("hunter2"));
            account.secret = SecretSource::Given(Secret::new("hunter2"));
        });
        retried(outcome(server).await, text);
    }
}

#[tokio::test]
async fn each_refused_command_is_retried_and_named() {
    let check = async |command, answer, text| {
        let sink = MailServerStub::start(answering(&["AUTH LOGIN"], command, answer)).await;
        retried(outcome(with_account(to(&sink, Security::Never), |_| {})).await, text);
        assert_eq!(sink.transcript().await.last().map(String::as_str), Some("QUIT"));
    };
    check("AUTH", "535 5.7.8 no", "LOGIN auth: 535 5.7.8 no").await;
    check("AUTH", "334 !!", "LOGIN auth: a server challenge that is not in base64").await;
    check("AUTH", "334 aGk=", "LOGIN auth: unexpected server challenge").await;
    check("MAIL", "451 later", "send MAIL command: 451 later").await;
    check("RCPT TO:<b@x>", "550 nobody", "send RCPT command: 550 nobody").await;
    check("DATA", "421 busy", "send DATA command: 421 busy").await;
    check(".", "552 too large", "delivery failure: 552 too large").await;
    let sink = MailServerStub::start(|line: &str| match line {
        "" => Say::line("554 go away"),
        _ => Say::Close,
    })
    .await;
    retried(outcome(to(&sink, Security::Never)).await, "create SMTP client: 554 go away");
    let sink = MailServerStub::start(|line: &str| {
        Say::line(if line.is_empty() { "220 x" } else { "500 no" })
    })
    .await;
    retried(outcome(to(&sink, Security::Never)).await, "send EHLO command: 500 no");
}

#[tokio::test]
async fn misbehaving_servers_fail_the_delivery() {
    let check = async |greeting: &'static str, text: &str| {
        let sink = MailServerStub::start(move |_: &str| Say::Text(greeting.into())).await;
        retried(outcome(to(&sink, Security::Never)).await, text);
    };
    check("hello\r\n", "create SMTP client: not a reply: \"hello\"").await;
    check("2200 x\r\n", "create SMTP client: not a reply: \"2200 x\"").await;
    check("099 x\r\n", "create SMTP client: not a reply: \"099 x\"").await;
    check(
        "220-a\r\n250 b\r\n",
        "create SMTP client: a reply that begins as 220 and goes on as 250",
    )
    .await;
    for flood in ["220-and so on\r\n", "220 no end "] {
        let sink = MailServerStub::start(move |_: &str| Say::Flood(flood)).await;
        match outcome(to(&sink, Security::Never)).await {
            Outcome::Retry { detail, .. } => {
                assert!(detail.starts_with("create SMTP client: a reply"), "{detail}");
            }
            other => panic!("{other:?}"),
        }
    }
    let accepting = accepting(&[]);
    let sink = MailServerStub::start(move |line: &str| match line {
        "." => Say::Close,
        line => accepting(line),
    })
    .await;
    retried(outcome(to(&sink, Security::Never)).await, "delivery failure: EOF");
}

#[tokio::test]
async fn a_stalled_server_fails_the_delivery_at_the_deadline() {
    for stalls_at in ["", "EHLO", "DATA", "."] {
        let accepting = accepting(&[]);
        let sink = MailServerStub::start(move |line: &str| match line {
            "" if !stalls_at.is_empty() => Say::line("220 ready"),
            line if line.starts_with(stalls_at) => Say::Hang,
            line => accepting(line),
        })
        .await;
        let step = match stalls_at {
            "" => "create SMTP client",
            "." => "delivery failure",
            command => &*format!("send {command} command"),
        };
        let until = Instant::now() + std::time::Duration::from_millis(200);
        let expected = Outcome::Retry {
            after: None,
            reason: FailureReason::ContextDeadlineExceeded,
            detail: format!("{step}: context deadline exceeded"),
        };
        assert_eq!(outcome_until(to(&sink, Security::Never), until).await, expected);
    }
}

#[tokio::test]
async fn an_accepted_mail_is_delivered_whatever_follows() {
    for last in [true, false] {
        let accepting = accepting(&[]);
        let sink = MailServerStub::start(move |line: &str| match line {
            "QUIT" if last => Say::Hang,
            "QUIT" => Say::Close,
            line => accepting(line),
        })
        .await;
        delivered(&outcome(to(&sink, Security::Never)).await);
    }
}

#[tokio::test]
async fn an_unreachable_server_is_retried() {
    let sink = MailServerStub::start(accepting(&[])).await;
    let mut server = to(&sink, Security::Never);
    server.port = sink.stop().await;
    let refused = format!("dial tcp 127.0.0.1:{}: connect: connection refused", server.port);
    for (security, step) in [
        (Security::Never, "establish connection to server"),
        (Security::Implicit, "establish TLS connection to server"),
    ] {
        server.security = security;
        retried(outcome(server.clone()).await, &format!("{step}: {refused}"));
    }
}

#[tokio::test]
async fn an_unknown_server_name_is_named() {
    let sink = MailServerStub::start(accepting(&[])).await;
    let server = MailServer { host: "no such host.invalid".into(), ..to(&sink, Security::Never) };
    let text =
        "establish connection to server: dial tcp: lookup no such host.invalid: no such host";
    retried(outcome(server).await, text);
}

/// A port of loopback that accepts no more connections: the queue for them is full.
#[tokio::test(start_paused = true)]
async fn a_connection_that_is_not_accepted_times_out_with_its_address() {
    let full = FullPort::new().await;
    let sink = MailServerStub::start(accepting(&[])).await;
    let server = MailServer { port: full.address.port(), ..to(&sink, Security::Never) };
    let until = Instant::now() + std::time::Duration::from_secs(60);
    let text = format!("establish connection to server: dial tcp {}: i/o timeout", full.address);
    retried(outcome_until(server.clone(), until).await, &text);
    let until = Instant::now() + std::time::Duration::from_secs(5);
    let expected = Outcome::Retry {
        after: None,
        reason: FailureReason::ContextDeadlineExceeded,
        detail: format!(
            "establish connection to server: dial tcp {}: context deadline exceeded",
            full.address
        ),
    };
    assert_eq!(outcome_until(server, until).await, expected);
}

#[tokio::test]
async fn certificates_are_read_for_each_mail() {
    let sink = MailServerStub::start(accepting(&["STARTTLS"])).await;
    let mut server = to(&sink, Security::StartTls);
    server.tls.ca_file = "/nowhere/ca.pem".into();
    let text = "parse TLS configuration: unable to read CA cert /nowhere/ca.pem: No such file or \
                directory (os error 2)";
    retried(outcome(server.clone()).await, text);
    server.tls = TlsConfig { ca: "no certificate".into(), ..TlsConfig::default() };
    assert!(matches!(outcome(server).await, Outcome::Refused { .. }));
}

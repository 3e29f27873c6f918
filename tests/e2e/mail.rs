//! Mail through a real server, with every way to secure a connection and to authenticate.
//!
//! The server is Debian's aiosmtpd. Debian's Alertmanager sends it the same notifications with the
//! same configuration, and each mail must be the same but for its date, ids and boundary.

use std::fs;
use std::process::Command;

use bellwether_e2e::programs::debian;
use bellwether_e2e::{Process, Program, Setup};
use serde_json::{Value, json};

use bellwether_e2e::fixtures::at;

#[test]
fn both_programs_send_the_same_mail_by_starttls_and_plain() {
    compare("PLAIN");
}

#[test]
fn both_programs_send_the_same_mail_by_starttls_and_login() {
    compare("LOGIN");
}

#[test]
fn both_programs_send_the_same_mail_by_starttls_and_cram_md5() {
    compare("CRAM-MD5");
}

#[test]
fn mail_is_sent_by_implicit_tls() {
    for mechanism in ["PLAIN", "LOGIN", "CRAM-MD5"] {
        let mail = mail_of(Program::Bellwether, "implicit", mechanism, "force_implicit_tls: true");
        assert_eq!(mail["to"], json!(["ann@x.example", "bob@x.example"]));
    }
}

#[track_caller]
fn compare(mechanism: &str) {
    let [ours, theirs] = [Program::Bellwether, Program::Go]
        .map(|program| mail_of(program, "starttls", mechanism, ""));
    for part in ["from", "to", "hello"] {
        assert_eq!(ours[part], theirs[part], "{part}");
    }
    let [ours, theirs] = [ours, theirs].map(|mail| normalised(text(&mail["message"])));
    assert_eq!(ours, theirs);
    // The template's text came through the encodings.
    assert!(ours.1.contains("=C3=BC =3D 2") && ours.1.contains("&lt;b&gt;"), "{}", ours.1);
}

/// What a program sends about two alerts.
fn mail_of(program: Program, when: &str, mechanism: &str, setting: &str) -> Value {
    let setup = Setup::detailed(program, "");
    let path = |name: &str| setup.folder().join(name).to_str().expect("a plain path").to_owned();
    let identity = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a key");
    fs::write(path("cert.pem"), identity.cert.pem()).expect("the folder is writable");
    fs::write(path("key.pem"), identity.signing_key.serialize_pem()).expect("it is writable");
    let mut command = Command::new("/usr/bin/python3");
    // Names the package that is missing.
    debian("aiosmtpd");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/e2e/mail/server.py");
    command.args([script, &path("cert.pem"), &path("key.pem"), when, mechanism]);
    let server = Process::start("mail server", &mut command);
    let port = server
        .wait_for_line("the port", |line| line.strip_prefix("listening on ")?.parse::<u16>().ok());
    setup.write_config(&config(port, &path("cert.pem"), setting));
    let mut running = setup.start();
    running.post_alerts(&alerts());
    server.wait_for_line("a mail", |line| {
        let mail: Value = serde_json::from_str(line).ok()?;
        assert_eq!((&mail["tls"], &mail["authenticated"]), (&json!(true), &json!(true)));
        Some(mail)
    })
}

fn config(port: u16, ca: &str, setting: &str) -> String {
    format!(
        r#"
global: {{smtp_hello: am.example, smtp_smarthost: '127.0.0.1:{port}'}}
route: {{receiver: team, group_by: [alertname], group_wait: 100ms}}
receivers:
- name: team
  email_configs:
  - to: 'Ann <ann@x.example>, bob@x.example'
    from: 'alerts@am.example'
    auth_username: me
    auth_password: pass word
    auth_secret: ' key '
    tls_config: {{ca_file: {ca}}}
    headers:
      Subject: '{{{{ template "email.default.subject" . }}}} für die lange Nacht, und nun noch etwas'
      X-Status: '{{{{ .Status }}}}'
    text: "{{{{ template \"__text_alert_list\" .Alerts }}}}.\n.dots\nü = {{{{ len .Alerts }}}} \n"
    html: '<p title="{{{{ .Status }}}}">{{{{ range .Alerts }}}}{{{{ .Annotations.summary }}}}{{{{ end }}}}</p>'
    {setting}
"#
    )
}

fn alerts() -> Value {
    let alert = |host: &str, summary: &str| {
        json!({
            "labels": {"alertname": "Disk", "host": host, "severity": "critical"},
            "annotations": {"summary": summary},
            "startsAt": at(0),
            "endsAt": "2040-03-01T10:00:00Z",
            "generatorURL": "http://prometheus.example/graph?g0.expr=up%3E1",
        })
    };
    json!([alert("a", "<b>full</b> & \"quoted\" 🐑"), alert("b", "line\nline \r\nline")])
}

/// The lines of the header in an order of their own, and the body; without what is unique.
fn normalised(message: &str) -> (Vec<String>, String) {
    let (head, body) = message.split_once("\r\n\r\n").expect("a header and a body");
    let boundary = head.rsplit_once("boundary=").expect("it has parts").1;
    let boundary = boundary.split("\r\n").next().expect("there is a first");
    let mut lines: Vec<String> = head
        .split("\r\n")
        .map(|line| match line.split_once(": ") {
            Some((name @ ("Message-Id" | "Date"), value)) => {
                format!("{name}: {} characters or so", value.len() / 20 * 20)
            }
            _ => line.replace(boundary, "BOUNDARY"),
        })
        .collect();
    lines.sort();
    (lines, body.replace(boundary, "BOUNDARY"))
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

//! A marker in every secret field of every kind of receiver must not appear in any log or answer.
//!
//! Notifications succeed, are refused, find no server, meet servers that repeat what they get, and
//! fail by the very template that is secret.
//! Then everything that a person or program can see of the server is searched for the marker: its log
//! in full detail, its metrics, what its API shows of configuration, alerts and receivers.
//!
//! Receivers whose address cannot be set are reached through a proxy of the test's, which refuses.

use std::collections::BTreeSet;

use bellwether_e2e::{Answer, Program, Request, Running, Setup, Sink, wait};
use serde_json::json;

use bellwether_e2e::fixtures::alert;

/// Must never be seen.
const MARKER: &str = "m4rk3r";

/// What Base64 makes of it at each offset: `Authorization: Basic` has it so.
const ENCODED: [&str; 3] = ["bTRyazNy", "00cmszc", "tNHJrM3"];

/// Where keys are templates, one that fails with the word in its error.
const BROKEN: &str = "'{{ .m4rk3r.nothing }}{{ template \"m4rk3r\" }}'";

/// `KEY` stands for a secret text, `HOST` for `host:port` of the sink, `WORD` for the marker, `CERT` and
/// `PRIVATE` for a certificate and its key, `FOLDER` for where files with secrets are.
const CONFIG: &str = include_str!("secrets/config.yml");

#[test]
fn no_secret_is_seen_when_receivers_accept() {
    let sink = Sink::start();
    sink.answer(|_| Answer::Text(r#"{"access_token":"t","errcode":0,"status":1}"#.to_owned()));
    watch(MARKER, &sink.address().to_string());
    let sent = sink.requests();
    let carries = |request: &Request| {
        let headers: String = request.headers.iter().map(|(_, value)| value.as_str()).collect();
        format!("{}{headers}{}", request.path, request.text()).contains(MARKER)
    };
    let carried = sent.iter().filter(|request| carries(request)).count();
    assert!(carried >= 30, "only {carried} of {} requests carry their secret", sent.len());
    let from_files = sent.iter().filter(|request| request.path.ends_with("/file")).count();
    assert!(from_files >= 7, "only {from_files} requests go to a URL from a file");
}

#[test]
fn no_secret_is_seen_when_receivers_refuse() {
    for status in [401, 503] {
        let sink = Sink::start();
        sink.answer(move |_| Answer::Status(status));
        watch(MARKER, &sink.address().to_string());
    }
}

#[test]
fn no_secret_is_seen_when_receivers_repeat_what_they_got() {
    for status in [200, 400] {
        let sink = Sink::start();
        sink.answer(move |request| Answer::Reason(status, repeated(request)));
        watch(MARKER, &sink.address().to_string());
    }
}

#[test]
fn no_secret_is_seen_when_no_receiver_listens() {
    let sink = Sink::start();
    let address = sink.address().to_string();
    drop(sink);
    watch(MARKER, &address);
}

#[test]
fn no_secret_is_seen_when_it_is_a_template_that_fails() {
    let sink = Sink::start();
    watch(BROKEN, &sink.address().to_string());
}

#[test]
fn no_secret_is_seen_when_a_configuration_is_refused() {
    let wrong = [
        "tls_config: {cert: CERT, key: WORD}",
        "authorization: {credentials: WORD, credentials_file: f}",
        "proxy_url: 'http://u:WORD@%/'",
        "basic_auth: {username: u, password: WORD, password_file: f}",
    ];
    for setting in wrong {
        let text = format!(
            "route: {{receiver: r}}\nreceivers:\n- name: r\n  webhook_configs:\n  - url: \
             http://a/WORD\n    http_config: {{{setting}}}\n"
        );
        let setup = Setup::detailed(Program::Bellwether, &text.replace("WORD", MARKER));
        let (status, lines) = setup.run_to_end();
        let lines = lines.join("\n");
        assert!(!status.success(), "{setting} is accepted:\n{lines}");
        assert!(!lines.contains(MARKER), "{setting}:\n{lines}");
    }
}

/// A request as a server would show it to its developer; all of it at the beginning of the body,
/// of which little is kept.
fn repeated(request: &Request) -> String {
    let shown = |header: &(String, String)| format!("{}: {}\n", header.0, header.1);
    let headers: String = request.headers.iter().map(shown).collect();
    format!("{} {}\n{headers}\n{}", request.method, request.path, request.text())
}

/// Starts a server with all receivers, waits until each was tried, and looks for the marker.
#[track_caller]
fn watch(key: &str, host: &str) {
    let (certificate, private) = identity();
    let config = CONFIG.replace("KEY", key).replace("WORD", MARKER).replace("HOST", host);
    let config = config.replace("CERT", &json!(certificate).to_string());
    let config = config.replace("PRIVATE", &json!(private).to_string());
    let setup = Setup::ours("").expect_log("otif").expect_log("emplate");
    let folder = setup.folder().to_str().expect("a plain path");
    setup.write_config(&config.replace("FOLDER", folder));
    let url = format!("http://{host}/{MARKER}/file");
    let key = key.trim_matches('\'');
    for (name, content) in [("word", MARKER), ("key", key), ("url", &url), ("private", &private)] {
        let written = std::fs::write(setup.folder().join(name), format!("{content}\n"));
        written.expect("our temporary folder is writable");
    }
    let mut server = setup.start();
    server.post_alerts(&json!([alert("Secrets")]));
    let blocks = CONFIG.lines().filter(|line| line.starts_with("  - ")).count();
    wait::until("every receiver was tried", || {
        let lines = server.process.lines();
        let tried: BTreeSet<&str> = lines.iter().filter_map(|line| tried(line)).collect();
        (tried.len() == blocks).then_some(())
    });
    look(&mut server);
}

/// A certificate and its key in PEM form, where text before the first line is no part of the key.
fn identity() -> (String, String) {
    let identity = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a key");
    (identity.cert.pem(), format!("{MARKER}\n{}", identity.signing_key.serialize_pem()))
}

#[track_caller]
fn look(server: &mut Running) {
    let paths = [
        "/metrics",
        "/api/v2/status",
        "/api/v2/receivers",
        "/api/v2/alerts",
        "/api/v2/alerts/groups",
        "/-/ready",
    ];
    for path in paths {
        let seen = server.get(path).text();
        check(path, &seen);
    }
    check("the log", &server.process.lines().join("\n"));
}

#[track_caller]
fn check(place: &str, text: &str) {
    for spelling in ENCODED.into_iter().chain([MARKER]) {
        assert!(!text.contains(spelling), "{place}:\n{}", around(text, spelling));
    }
}

/// What is before the marker, wherever it is.
fn around(text: &str, marker: &str) -> String {
    let places = text.match_indices(marker);
    let before = |at: usize| &text[text.floor_char_boundary(at.saturating_sub(80))..at];
    places.map(|(at, _)| before(at)).collect::<Vec<_>>().join("\n")
}

/// The integration of an attempt of which the line shows the end.
fn tried(line: &str) -> Option<&str> {
    let ends = ["Notify success", "Notify attempt failed", "Notify failed"];
    ends.iter().find(|end| line.contains(&format!("msg=\"{end}")))?;
    line.split(' ').find_map(|word| word.strip_prefix("integration="))
}

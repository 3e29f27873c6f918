//! A canary: one word in every secret field of every kind of receiver, and nobody may read it.
//!
//! Notifications succeed, are refused, meet nobody, meet servers that repeat what they are told, and
//! fail by the very template that is secret.
//! Then everything that a person or program can see of the server is searched for the word: its log
//! in full detail, its metrics, what its API says of configuration, alerts and receivers.
//!
//! Receivers whose address cannot be set are reached through a proxy of the test's, which refuses.

use std::collections::BTreeSet;

use bellwether_e2e::{Answer, Program, Request, Running, Setup, Sink, wait};
use serde_json::json;

use crate::given::alert;

/// Must never be seen.
const CANARY: &str = "c4n4ry";

/// What Base64 makes of it, wherever in a text it stands: `Authorization: Basic` says it so.
const ENCODED: [&str; 3] = ["YzRuNHJ5", "M0bjRyeQ", "jNG40cnk"];

/// Where keys are templates, one that fails with the word in its error.
const BROKEN: &str = "'{{ .c4n4ry.nothing }}{{ template \"c4n4ry\" }}'";

/// `KEY` stands for a secret text, `HOST` for `host:port` of the sink, `WORD` for the canary.
const CONFIG: &str = include_str!("secrets/config.yml");

#[test]
fn no_secret_is_seen_when_receivers_are_content() {
    let sink = Sink::start();
    sink.answer(|_| Answer::Text(r#"{"access_token":"t","errcode":0,"status":1}"#.to_owned()));
    watch(CANARY, &sink.address().to_string());
    let told = sink.requests();
    let carries = |request: &Request| {
        let headers: String = request.headers.iter().map(|(_, value)| value.as_str()).collect();
        format!("{}{headers}{}", request.path, request.text()).contains(CANARY)
    };
    let carried = told.iter().filter(|request| carries(request)).count();
    assert!(carried >= 15, "only {carried} of {} requests carry their secret", told.len());
}

#[test]
fn no_secret_is_seen_when_receivers_refuse() {
    for status in [401, 503] {
        let sink = Sink::start();
        sink.answer(move |_| Answer::Status(status));
        watch(CANARY, &sink.address().to_string());
    }
}

#[test]
fn no_secret_is_seen_when_receivers_repeat_what_they_were_told() {
    for status in [200, 400] {
        let sink = Sink::start();
        sink.answer(move |request| Answer::Reason(status, repeated(request)));
        watch(CANARY, &sink.address().to_string());
    }
}

#[test]
fn no_secret_is_seen_when_nobody_listens() {
    let sink = Sink::start();
    let address = sink.address().to_string();
    drop(sink);
    watch(CANARY, &address);
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
        let setup = Setup::detailed(Program::Bellwether, &text.replace("WORD", CANARY));
        let (status, lines) = setup.run_to_end();
        let lines = lines.join("\n");
        assert!(!status.success(), "{setting} is accepted:\n{lines}");
        assert!(!lines.contains(CANARY), "{setting}:\n{lines}");
    }
}

/// A request as a server would show it to its developer; all of it at the beginning of the body,
/// of which little is kept.
fn repeated(request: &Request) -> String {
    let shown = |header: &(String, String)| format!("{}: {}\n", header.0, header.1);
    let headers: String = request.headers.iter().map(shown).collect();
    format!("{} {}\n{headers}\n{}", request.method, request.path, request.text())
}

/// Starts a server with all receivers, waits until each was tried, and looks for the canary.
#[track_caller]
fn watch(key: &str, host: &str) {
    let config = CONFIG.replace("KEY", key).replace("WORD", CANARY).replace("HOST", host);
    let setup = Setup::ours(&config).expect_log("otif").expect_log("emplate");
    let mut server = setup.start();
    server.post_alerts(&json!([alert("Canary")]));
    let blocks = CONFIG.lines().filter(|line| line.starts_with("  - ")).count();
    wait::until("every receiver was tried", || {
        let lines = server.process.lines();
        let tried: BTreeSet<&str> = lines.iter().filter_map(|line| tried(line)).collect();
        (tried.len() == blocks).then_some(())
    });
    look(&mut server);
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
    for spelling in ENCODED.into_iter().chain([CANARY]) {
        assert!(!text.contains(spelling), "{place}:\n{}", around(text, spelling));
    }
}

/// What stands before the canary, wherever it is.
fn around(text: &str, canary: &str) -> String {
    let places = text.match_indices(canary);
    let before = |at: usize| &text[text.floor_char_boundary(at.saturating_sub(80))..at];
    places.map(|(at, _)| before(at)).collect::<Vec<_>>().join("\n")
}

/// The integration of which the line tells how an attempt has ended.
fn tried(line: &str) -> Option<&str> {
    let ends = ["Notify success", "Notify attempt failed", "Notify for alerts failed"];
    ends.iter().find(|end| line.contains(&format!("msg=\"{end}")))?;
    line.split(' ').find_map(|word| word.strip_prefix("integration="))
}

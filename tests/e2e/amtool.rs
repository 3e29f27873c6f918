//! Debian's `amtool`, the Go client of an older version, against our server.

use std::fs;
use std::process::{Command, Output};

use bellwether_e2e::{Running, Setup, Sink, programs};
use serde_json::{Value, json};

use bellwether_e2e::fixtures::{TWO_RECEIVERS, alert, at, one_webhook, silence, text};

#[test]
fn silences_are_added_queried_updated_expired_and_imported() {
    let setup = Setup::ours(TWO_RECEIVERS);
    let mut server = setup.start();
    let tool = Amtool::of(&server);

    let id =
        tool.output(&["silence", "add", "-a", "me", "-c", "why", "-d", "2h", "alertname=Disk"]);
    let id = id.trim();
    let one = server.get(&format!("/api/v2/silence/{id}")).expect_status(200).json();
    assert_eq!((one["createdBy"].as_str(), one["comment"].as_str()), (Some("me"), Some("why")));
    assert!(tool.output(&["silence", "query"]).contains(id));
    assert_eq!(tool.json(&["silence", "query", "alertname=Disk"])[0]["id"], id);
    assert_eq!(tool.json(&["silence", "query", "alertname=Other"]), json!([]));

    let updated = tool.json(&["silence", "update", "-c", "because", "-d", "3h", id]);
    assert_eq!(updated[0]["comment"], "because");
    let now = tool.json(&["silence", "query", "alertname=Disk"]);
    assert_eq!(now[0]["comment"], "because", "the update is kept: {now}");

    let exported = tool.output(&["-o", "json", "silence", "query"]);
    tool.output(&["silence", "expire", &text(&now[0]["id"])]);
    assert_eq!(tool.json(&["silence", "query"]), json!([]));
    let expired = tool.json(&["silence", "query", "--expired"]);
    assert!(expired.as_array().is_some_and(|list| !list.is_empty()), "expired ones are listed");

    let file = setup.folder().join("silences.json");
    fs::write(&file, exported).expect("the test's folder is writable");
    tool.output(&["silence", "import", "--force", &file.display().to_string()]);
    assert_eq!(tool.json(&["silence", "query"])[0]["comment"], "because");
}

#[test]
fn a_wrong_silence_is_refused_with_the_servers_words() {
    let setup = Setup::ours(TWO_RECEIVERS).expect_log("Failed to expire silence");
    let server = setup.start();
    let tool = Amtool::of(&server);
    let start = at(7200);
    let end = at(3600);
    let refused = tool
        .run(&["silence", "add", "-a", "me", "-c", "why", "--start", &start, "--end", &end, "a=b"]);
    assert!(!refused.status.success());
    let unknown = tool.run(&["silence", "expire", "00000000-0000-4000-8000-000000000000"]);
    let error = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(!unknown.status.success());
    assert!(error.contains("404"), "{error}");
}

#[test]
fn alerts_are_added_and_queried_with_filters() {
    let setup = Setup::ours(TWO_RECEIVERS);
    let mut server = setup.start();
    let tool = Amtool::of(&server);

    tool.output(&["alert", "add", "Full", "team=disk", "--annotation=summary=no space"]);
    tool.output(&["alert", "add", "Slow", "team=web"]);
    let names = |arguments: &[&str]| {
        let list = tool.json(arguments);
        let mut names: Vec<String> = list
            .as_array()
            .expect("amtool prints a list")
            .iter()
            .map(|alert| text(&alert["labels"]["alertname"]))
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(&["alert", "query"]), ["Full", "Slow"]);
    assert_eq!(names(&["alert", "query", "alertname=~F.*"]), ["Full"]);
    assert_eq!(names(&["alert", "query", "Slow"]), ["Slow"]);
    assert_eq!(names(&["alert", "query", "team!=disk"]), ["Slow"]);
    assert_eq!(names(&["alert", "query", "--receiver=disk"]), ["Full"]);

    server.post_silence(&silence("Full", "e2e"));
    assert_eq!(names(&["alert", "query"]), ["Slow"]);
    assert_eq!(names(&["alert", "query", "--silenced"]), ["Full"]);
    let table = tool.output(&["-o", "extended", "alert", "query", "--silenced"]);
    assert!(table.contains("summary=\"no space\""), "{table}");
}

#[test]
fn the_configuration_is_shown_checked_and_routed() {
    let setup = Setup::ours(TWO_RECEIVERS);
    let server = setup.start();
    let tool = Amtool::of(&server);
    let shown = tool.output(&["config", "show"]);

    let file = setup.folder().join("shown.yml").display().to_string();
    fs::write(&file, without_news(&shown)).expect("the test's folder is writable");
    let checked = tool.run(&["check-config", &file]);
    let words = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.status.success(), "{words}\n{shown}");
    assert!(words.contains("2 receivers"), "{words}");
    let routes = |labels: &str| {
        let file = format!("--config.file={file}");
        tool.output(&["config", "routes", "test", &file, labels]).trim().to_owned()
    };
    assert_eq!((routes("team=disk"), routes("team=web")), ("disk".into(), "default".into()));

    // What is shown is a whole configuration: a server started from it shows the same.
    drop(server);
    setup.write_config(&shown);
    let server = setup.start();
    assert_eq!(Amtool::of(&server).output(&["config", "show"]), shown);
}

/// The configuration without what was added since amtool 0.25, which refuses fields that it does
/// not know. It does so with the output of any newer Alertmanager.
fn without_news(config: &str) -> String {
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let mut kept = String::new();
    let mut dropped_below = None;
    for line in config.lines() {
        if dropped_below.is_some_and(|above| indentation(line) > above) {
            continue;
        }
        let is_added = ADDED.iter().any(|name| line.trim_start().starts_with(name));
        dropped_below = is_added.then(|| indentation(line));
        if !is_added {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

const ADDED: &[&str] = &["smtp_tls_config:", "slack_app_url:", "rocketchat_api_url:", "labels:"];

#[test]
fn the_cluster_is_shown_as_disabled() {
    let setup = Setup::ours(TWO_RECEIVERS);
    let server = setup.start();
    let shown = Amtool::of(&server).output(&["cluster", "show"]);
    assert!(shown.contains("disabled"), "{shown}");
}

#[test]
fn a_silence_made_with_amtool_mutes_only_its_alert() {
    let hook = Sink::start();
    let setup = Setup::ours(&one_webhook(&hook.url("/")));
    let mut server = setup.start();
    Amtool::of(&server).output(&["silence", "add", "-a", "me", "-c", "why", "alertname=Quiet"]);
    server.post_alerts(&json!([alert("Quiet"), alert("Loud")]));
    hook.wait_for_one("notification");
    server.wait_for_another_flush("Quiet");
    let names: Vec<String> =
        hook.requests().iter().map(bellwether_e2e::fixtures::group_name).collect();
    assert_eq!(names, ["Loud"]);
}

struct Amtool {
    url: String,
}

impl Amtool {
    fn of(server: &Running) -> Self {
        Self { url: format!("http://{}", server.address()) }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(programs::debian("amtool"))
            .arg(format!("--alertmanager.url={}", self.url))
            .args(arguments)
            .output()
            .unwrap_or_else(|error| panic!("run amtool: {error}"))
    }

    /// What it prints; it must succeed. Its warning about our version goes to stderr.
    #[track_caller]
    fn output(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "amtool {arguments:?}: {error}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        let words: Vec<&str> = ["-o", "json"].iter().chain(arguments).copied().collect();
        let text = self.output(&words);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

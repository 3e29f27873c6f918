//! The same notifications from both programs, receiver by receiver.
//!
//! Debian's Go server (0.25) and ours have the same configuration, in which every block of the table
//! sends to a sink of the test's, each to a path of its own. Both get the same alerts, and
//! later of their end; then the requests that came in are compared: method, path, the headers that
//! receivers look at, and the body byte by byte. The table has what 0.25 does not know yet.
//!
//! Receivers whose address cannot be set are compared with captured requests, in the tests of the
//! integrations.

mod table;

use std::collections::BTreeMap;

use bellwether_e2e::{Answer, Program, Request, Running, Setup, Sink};
use serde_json::{Value, json};

use bellwether_e2e::fixtures::at;
use table::{Block, Compared, TABLE};

#[test]
fn both_servers_send_the_same_to_every_receiver() {
    let (ours_sink, go_sink) = (Sink::start(), Sink::start());
    for sink in [&ours_sink, &go_sink] {
        sink.answer(|request| {
            let is_slack = request.path.starts_with("/slack");
            Answer::Text(if is_slack { "ok" } else { CONTENT }.to_owned())
        });
    }
    let ours_setup = setup(Program::Bellwether, &ours_sink);
    let go_setup = setup(Program::Go, &go_sink);
    let (mut ours, mut go) = (ours_setup.start(), go_setup.start());

    let (starts, ends, later) = (at(0), at(-1), at(3600));
    let begun = alerts(&starts, &later);
    post(&mut ours, &mut go, &begun);
    compare("firing", &ours_sink, &go_sink, |block| block.firing);

    ours_sink.forget();
    go_sink.forget();
    post(&mut ours, &mut go, &alerts(&at(-60), &ends));
    compare("resolved", &ours_sink, &go_sink, |block| block.resolved);
}

/// What receivers other than Slack take for success: Telegram looks at the first two (without the
/// chat, 0.25 crashes), WeChat at the rest.
const CONTENT: &str = r#"{
    "ok": true, "result": {"message_id": 1, "date": 1, "chat": {"id": -42, "type": "group"}},
    "errcode": 0, "access_token": "t", "expires_in": 7200
}"#;

fn setup(program: Program, sink: &Sink) -> Setup {
    Setup::new(program, &config(sink)).flag("--web.external-url=http://am.example")
}

/// One receiver with all blocks of the table.
fn config(sink: &Sink) -> String {
    let mut lists: BTreeMap<&str, String> = BTreeMap::new();
    for block in TABLE {
        let settings = block.settings.replace("SINK", &sink.url(&path(block)));
        let list = lists.entry(block.kind).or_default();
        list.push_str(&format!("  - {}\n", settings.trim().replace('\n', "\n    ")));
    }
    let lists = lists.iter().map(|(kind, list)| format!("  {kind}_configs:\n{list}"));
    format!(
        "route:\n  receiver: team\n  group_by: [alertname]\n  group_wait: 1s\n  \
         group_interval: 1s\n  repeat_interval: 4h\nreceivers:\n- name: team\n{}",
        lists.collect::<String>()
    )
}

/// Two alerts of a group, with characters that need care.
fn alerts(starts: &str, ends: &str) -> Value {
    let alert = |host: &str, summary: &str| {
        json!({
            "labels": {"alertname": "Disk", "host": host, "severity": "critical"},
            "annotations": {"summary": summary, "same": "x"},
            "generatorURL": "http://prometheus.example/graph?g0.expr=up%3E1&g0.tab=1",
            "startsAt": starts, "endsAt": ends,
        })
    };
    json!([alert("a", "<b>\"full\"</b> & ü 🐑"), alert("b", "line\nline")])
}

fn post(ours: &mut Running, go: &mut Running, alerts: &Value) {
    ours.post_alerts(alerts);
    go.post_alerts(alerts);
}

fn path(block: &Block) -> String {
    format!("/{}/", block.name)
}

/// What of a request a receiver may depend on.
#[derive(Debug, PartialEq)]
struct Seen {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Body,
}

#[derive(Debug, PartialEq)]
enum Body {
    Text(String),
    Json(Value),
}

/// Waits until both have made the requests that the table expects, and compares them.
fn compare(phase: &str, ours: &Sink, go: &Sink, expected: impl Fn(&Block) -> usize) {
    let mut differences = Vec::new();
    for block in TABLE {
        let count = expected(block);
        let ours = seen(ours, block, count);
        let go = seen(go, block, count);
        if ours != go {
            let name = block.name;
            differences.push(format!("{name}, {phase}:\n ours {ours:#?}\n go   {go:#?}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
}

fn seen(sink: &Sink, block: &Block, count: usize) -> Vec<Seen> {
    let what = format!("{count} requests of {}", block.name);
    let requests = sink.wait_for(&what, |requests| {
        let path = path(block);
        let of_block: Vec<Request> =
            requests.iter().filter(|request| request.path.starts_with(&path)).cloned().collect();
        (of_block.len() >= count).then_some(of_block)
    });
    requests.iter().map(|request| judged(request, block)).collect()
}

fn judged(request: &Request, block: &Block) -> Seen {
    let headers = ["content-type", "authorization"]
        .into_iter()
        .filter_map(|name| request.header(name).map(|value| (name.to_owned(), value.to_owned())));
    Seen {
        method: request.method.clone(),
        path: request.path.clone(),
        headers: headers.collect(),
        body: match block.compared {
            Compared::Bytes => Body::Text(request.text()),
            Compared::Json { newer } => Body::Json(older(request, newer)),
        },
    }
}

/// The body without members that 0.25 does not know.
fn older(request: &Request, newer: &[&str]) -> Value {
    let mut body = request.json();
    if let Some(members) = body.as_object_mut() {
        members.retain(|name, _| !newer.contains(&name.as_str()));
    }
    body
}

//! The same requests to both servers, answer by answer.
//!
//! Debian's Go server (0.25) and ours are started with the same command line and file and asked the
//! same things in the same order. Status, the headers that clients look at, and the body have to be
//! equal after times and ids are taken out. Where ours differs on purpose, because 0.34 does or
//! because docs/compat.md says so, the table has what ours answers and why.

mod table;

use std::collections::BTreeMap;

use bellwether_e2e::{Program, Response, Running, Setup};
use serde_json::Value;

use bellwether_e2e::fixtures::text;
use table::{Expect, Step, TABLE};

const CONFIG: &str = "
route:
  receiver: default
  group_by: [alertname]
  group_wait: 1h
  group_interval: 1h
  routes:
  - matchers: [team=\"disk\"]
    receiver: disk
    continue: true
  - matchers: [team=~\"d.*\"]
    receiver: storage
inhibit_rules:
- source_matchers: [severity=\"critical\"]
  target_matchers: [severity=\"warning\"]
  equal: [alertname]
receivers:
- name: default
- name: disk
- name: storage
- name: unused
";

#[test]
fn both_servers_answer_alike() {
    let ours_setup = Setup::new(Program::Bellwether, CONFIG)
        .expect_log("component=api version=v1")
        .expect_log("component=api version=v2");
    let go_setup = Setup::new(Program::Go, CONFIG);
    let (mut ours, mut go) = (ours_setup.start(), go_setup.start());
    let mut ids = (BTreeMap::new(), BTreeMap::new());
    let mut differences = Vec::new();
    for step in TABLE {
        let our_answer = ask(&mut ours, step, &mut ids.0);
        let go_answer = ask(&mut go, step, &mut ids.1);
        let problem = match step.expect {
            Expect::Same => (our_answer != go_answer).then(|| "ours differs".to_owned()),
            Expect::Differs { status, body, because } => {
                judge(&our_answer, &go_answer, status, body)
                    .map(|problem| format!("{problem} ({because})"))
            }
        };
        if let Some(problem) = problem {
            let name = format!("{} {}", step.method, step.path);
            differences
                .push(format!("{name}: {problem}\n ours {our_answer:?}\n go   {go_answer:?}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
}

/// What of an answer a client may depend on.
#[derive(Debug, PartialEq)]
struct Seen {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// A difference is only accepted as it is described, and only as long as it is one.
fn judge(ours: &Seen, go: &Seen, status: u16, body: &str) -> Option<String> {
    if ours.status != status {
        return Some(format!("status is not {status}"));
    }
    if !ours.body.contains(body) {
        return Some(format!("body has no {body:?}"));
    }
    (ours == go).then(|| "they no longer differ: take it out of the table".to_owned())
}

/// Asks, remembers the id of a silence for later paths, and takes out what differs by nature.
fn ask(server: &mut Running, step: &Step, ids: &mut BTreeMap<usize, String>) -> Seen {
    let path = with_ids(step.path, ids);
    let mut body = with_times(&with_ids(step.body, ids));
    let mut client = server.new_client();
    if body.contains("{start0}") {
        let silence = client.get(&with_ids("/api/v2/silence/{id0}", ids)).json();
        body = body.replace("{start0}", &text(&silence["startsAt"]));
    }
    let answer = client
        .request(step.method, &path, step.headers, body.as_bytes())
        .unwrap_or_else(|error| panic!("{} {path}: {error}", step.method));
    if answer.status == 200 && step.path == "/api/v2/silences" && step.method == "POST" {
        let id = text(&answer.json()["silenceID"]);
        let number = ids.len();
        ids.insert(number, id);
    }
    seen(&answer, ids)
}

fn seen(answer: &Response, ids: &BTreeMap<usize, String>) -> Seen {
    let mut body = answer.text();
    for (number, id) in ids {
        body = body.replace(id, &format!("{{id{number}}}"));
    }
    if let Ok(mut value) = serde_json::from_str::<Value>(&body) {
        let newline = if body.ends_with('\n') { "\n" } else { "" };
        take_out(&mut value);
        // Key order is not compared: the API's own tests hold it byte by byte.
        body = format!("{value}{newline}");
    }
    let headers = COMPARED_HEADERS
        .iter()
        .filter_map(|&name| Some((name.to_owned(), answer.header(name)?.to_owned())))
        .collect();
    Seen { status: answer.status, headers, body }
}

/// Replaces every text that is a time by a word, and drops the fields that 0.34 has added.
fn take_out(value: &mut Value) {
    match value {
        Value::String(text) if is_time(text) => *text = "{time}".to_owned(),
        Value::Array(items) => items.iter_mut().for_each(take_out),
        Value::Object(fields) => {
            fields.retain(|name, _| {
                !["mutedBy", "routeLabels", "bellwether"].contains(&name.as_str())
            });
            let is_receiver = fields.len() == 2 && fields.contains_key("name");
            if is_receiver {
                fields.remove("labels");
            }
            fields.values_mut().for_each(take_out);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 20 && bytes[4] == b'-' && bytes[10] == b'T' && bytes[13] == b':'
}

fn with_ids(text: &str, ids: &BTreeMap<usize, String>) -> String {
    ids.iter()
        .fold(text.to_owned(), |text, (number, id)| text.replace(&format!("{{id{number}}}"), id))
}

fn with_times(text: &str) -> String {
    [
        ("{-2h}", -7200),
        ("{-1h}", -3600),
        ("{-10m}", -600),
        ("{now}", 0),
        ("{+1h}", 3600),
        ("{+2h}", 7200),
    ]
    .iter()
    .fold(text.to_owned(), |text, (word, seconds)| {
        text.replace(word, &bellwether_e2e::fixtures::at(*seconds))
    })
}

/// Without those for pages of other origins, which 0.35 sends only if asked to.
const COMPARED_HEADERS: &[&str] = &["content-type", "allow", "location"];

//! `kill -9` at many moments under load.
//!
//! What was answered 200 is there after every restart. A notification that was recorded is not
//! repeated; only one that was under way when the crash came may be, which is the one anomaly
//! that a crash is allowed.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_e2e::{Client, Request, Running, Setup, Sink};
use serde_json::{Value, json};

use bellwether_e2e::fixtures::{alert, group_name, one_webhook, resolved, silence, text};

#[test]
fn what_was_acknowledged_survives_every_crash_without_a_duplicate() {
    let hook = Sink::start();
    let setup = Setup::ours(&one_webhook(&hook.url("/")));
    let mut acknowledged = Acknowledged::default();
    let mut sent_in_earlier_runs = BTreeSet::new();

    for (round, requests) in [1, 2, 5, 11, 23, 40].into_iter().enumerate() {
        let mut server = setup.start();
        acknowledged.assert_in(&mut server);
        load_until_killed(server, round, requests, &mut acknowledged);

        let sent: Vec<String> = firing(&hook.requests());
        for name in &sent_in_earlier_runs {
            let times = sent.iter().filter(|sent| *sent == name).count();
            assert!(times <= 2, "{name} is sent {times} times over {round} crashes");
        }
        sent_in_earlier_runs.extend(sent);
    }

    let mut server = setup.start();
    acknowledged.assert_in(&mut server);
    all_are_notified(&hook, &acknowledged);
    // From here on nothing is under way, so the next crash may repeat nothing at all.
    server.wait_for_another_flush("Round5Sender");
    let before = counts(&hook.requests());
    server.kill();

    let mut server = setup.start();
    acknowledged.assert_in(&mut server);
    let ends: Vec<Value> = acknowledged.alerts.iter().map(|name| resolved(name)).collect();
    server.post_alerts(&Value::Array(ends));
    hook.wait_for("resolved notification of each group", |requests| {
        let ended: BTreeSet<String> = requests
            .iter()
            .filter(|request| request.json()["status"] == "resolved")
            .map(group_name)
            .collect();
        (ended.len() == acknowledged.alerts.len()).then_some(())
    });
    assert_eq!(counts(&hook.requests()), before, "no group is notified again");
}

/// What the server has answered with 200.
#[derive(Default)]
struct Acknowledged {
    alerts: BTreeSet<String>,
    silences: BTreeSet<String>,
}

impl Acknowledged {
    #[track_caller]
    fn assert_in(&self, server: &mut Running) {
        let list = |server: &mut Running, path: &str, find: fn(&Value) -> String| {
            let list = server.get(path).expect_status(200).json();
            let entries = list.as_array().expect("a list").iter().map(find);
            entries.collect::<BTreeSet<String>>()
        };
        let alerts = list(server, "/api/v2/alerts", |a| text(&a["labels"]["alertname"]));
        let silences = list(server, "/api/v2/silences", |s| text(&s["id"]));
        assert_eq!(self.alerts.difference(&alerts).next(), None, "an alert is lost");
        assert_eq!(self.silences.difference(&silences).next(), None, "a silence is lost");
    }
}

/// Posts from two connections until so many requests are answered, and kills the server while
/// others are still on their way.
fn load_until_killed(
    server: Running,
    round: usize,
    requests: usize,
    acknowledged: &mut Acknowledged,
) {
    let (answered, answers) = std::sync::mpsc::channel();
    let senders: Vec<_> = (0..2)
        .map(|sender| {
            let mut client = server.new_client();
            let answered = answered.clone();
            std::thread::spawn(move || {
                for number in 0.. {
                    let name = format!("Round{round}Sender{sender}Number{number}");
                    let answer = if number % 5 == 4 {
                        post_silence(&mut client, &name).map(Answered::Silence)
                    } else {
                        post_alert(&mut client, &name).map(Answered::Alert)
                    };
                    // No answer: the server is gone.
                    let Some(answer) = answer else { return };
                    if answered.send(answer).is_err() {
                        return;
                    }
                }
            })
        })
        .collect();
    drop(answered);
    let mut note = |answer| match answer {
        Answered::Alert(name) => acknowledged.alerts.insert(name),
        Answered::Silence(id) => acknowledged.silences.insert(id),
    };
    for _ in 0..requests {
        note(answers.recv().expect("the server answers until it is killed"));
    }
    server.kill();
    for sender in senders {
        sender.join().expect("senders do not panic");
    }
    answers.iter().for_each(|answer| {
        note(answer);
    });
}

enum Answered {
    Alert(String),
    Silence(String),
}

fn post_alert(client: &mut Client, name: &str) -> Option<String> {
    let body = json!([alert(name)]).to_string();
    let answer = client.request("POST", "/api/v2/alerts", JSON, body.as_bytes()).ok()?;
    answer.expect_status(200);
    Some(name.to_owned())
}

fn post_silence(client: &mut Client, name: &str) -> Option<String> {
    let body = silence("None", name).to_string();
    let answer = client.request("POST", "/api/v2/silences", JSON, body.as_bytes()).ok()?;
    Some(text(&answer.expect_status(200).json()["silenceID"]))
}

fn all_are_notified(hook: &Sink, acknowledged: &Acknowledged) {
    hook.wait_for("notification of each group", |requests| {
        let sent: BTreeSet<String> = firing(requests).into_iter().collect();
        acknowledged.alerts.is_subset(&sent).then_some(())
    });
}

/// The groups of the firing notifications, in order.
fn firing(requests: &[Request]) -> Vec<String> {
    let is_firing = |request: &&Request| request.json()["status"] == "firing";
    requests.iter().filter(is_firing).map(group_name).collect()
}

fn counts(requests: &[Request]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for name in firing(requests) {
        *counts.entry(name).or_default() += 1;
    }
    counts
}

const JSON: &[(&str, &str)] = &[("Content-Type", "application/json")];

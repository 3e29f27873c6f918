//! Regular expressions that are short and take long.

use std::thread;
use std::time::Duration;

use bellwether_e2e::fixtures::at;
use bellwether_e2e::{Client, Response, Running};
use serde_json::{Value, json};

use crate::bystander::{Bystander, Victim};

#[test]
fn filters_that_take_long_to_compile() {
    let mut bystander = Bystander::start(&Victim::default(), |setup| setup);
    let attackers: Vec<_> = (0..8).map(|number| ask(&bystander.server, number)).collect();
    bystander.is_served("while filters are compiled");
    bystander.uses_less_than(512 << 20);
    for attacker in attackers {
        for answer in attacker.join().expect("no panic") {
            assert!([400, 503].contains(&answer.status), "{}: {}", answer.status, answer.text());
        }
    }
    bystander.is_served("afterwards");
    // Patterns that people use are fine.
    let usual: Vec<String> = (0..100)
        .map(|number| format!("filter=instance=~%22node{number}.example.com:%5B0-9%5D%2B%22"))
        .collect();
    let path = format!("/api/v2/alerts?{}", usual.join("&"));
    bystander.server.get(&path).expect_status(200);
}

#[test]
fn silences_that_take_long_to_compile() {
    let mut bystander =
        Bystander::start(&Victim::default(), |setup| setup.expect_log("Failed to create silence"));
    let matchers: Vec<Value> = (0..256)
        .map(
            |number| json!({"name": "a", "value": format!(r"\pL{{150}}{number}"), "isRegex": true}),
        )
        .collect();
    let silence = json!({
        "matchers": matchers, "startsAt": at(0), "endsAt": at(3600),
        "createdBy": "attacker", "comment": "slow",
    });
    let body = silence.to_string();
    let attackers: Vec<_> = (0..8)
        .map(|_| {
            let mut client = patient(&bystander.server);
            let body = body.clone();
            thread::spawn(move || client.post_json("/api/v2/silences", body.as_bytes()))
        })
        .collect();
    bystander.is_served("while silences are compiled");
    bystander.uses_less_than(512 << 20);
    for attacker in attackers {
        let answer = attacker.join().expect("no panic");
        assert!([400, 503].contains(&answer.status), "{}: {}", answer.status, answer.text());
    }
    bystander.is_served("afterwards");
}

/// Asks four times, each time for other patterns.
fn ask(server: &Running, attacker: usize) -> thread::JoinHandle<Vec<Response>> {
    let mut client = patient(server);
    thread::spawn(move || {
        let asked = (0..4).map(|round| {
            let filters: Vec<String> = (0..125)
                .map(|number| {
                    format!("filter=a{number}=~%22%5C%5CpL%7B150%7D{attacker}x{round}x{number}%22")
                })
                .collect();
            client.get(&format!("/api/v2/alerts?{}", filters.join("&")))
        });
        asked.collect()
    })
}

fn patient(server: &Running) -> Client {
    server.new_client().with_timeout(Duration::from_secs(60))
}

//! Receivers that do not answer, or not what was asked for.

use bellwether_e2e::{Answer, Sink};
use serde_json::{Value, json};

use crate::bystander::{Bystander, Victim};

#[test]
fn a_receiver_that_never_answers_a_thousand_groups() {
    let hanging = Sink::start();
    hanging.answer(|_| Answer::Hang);
    let victim = Victim {
        routes: "  - receiver: hanging\n    matchers: [job=storm]\n",
        receivers: &format!(
            "- name: hanging\n  webhook_configs:\n  - url: {}\n",
            hanging.url("/hanging")
        ),
        ..Victim::default()
    };
    let mut bystander = Bystander::start(&victim, |setup| setup);
    let storm: Vec<Value> = (0..1_000)
        .map(|number| json!({"labels": {"alertname": format!("Storm{number}"), "job": "storm"}}))
        .collect();
    bystander.server.post_alerts(&json!(storm));
    hanging.wait_for("a few of the hanging requests", |asked| (asked.len() >= 32).then_some(()));
    bystander.is_served("while a receiver hangs");
    bystander.uses_less_than(512 << 20);
}

#[test]
fn many_receivers_that_never_answer() {
    let hanging = Sink::start();
    hanging.answer(|_| Answer::Hang);
    let (mut routes, mut receivers) = (String::new(), String::new());
    for number in 0..12 {
        routes.push_str(&format!("  - receiver: h{number}\n    matchers: [job=h{number}]\n"));
        let url = hanging.url("/hanging");
        receivers.push_str(&format!("- name: h{number}\n  webhook_configs:\n  - url: {url}\n"));
    }
    let victim = Victim { routes: &routes, receivers: &receivers, ..Victim::default() };
    let mut bystander = Bystander::start(&victim, |setup| setup);
    let storm: Vec<Value> = (0..1_200)
        .map(|number| {
            let job = format!("h{}", number % 12);
            json!({"labels": {"alertname": format!("Storm{number}"), "job": job}})
        })
        .collect();
    bystander.server.post_alerts(&json!(storm));
    hanging
        .wait_for("as many requests as there may be", |asked| (asked.len() >= 512).then_some(()));
    bystander.is_served("while many receivers hang");
    bystander.uses_less_than(512 << 20);
}

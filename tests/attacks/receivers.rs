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

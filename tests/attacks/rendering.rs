//! Templates that take long: a loop inside a loop over all alerts of a large group.

use bellwether_e2e::{Answer, Sink};
use serde_json::{Value, json};

use crate::bystander::{Bystander, Victim};

#[test]
fn a_quadratic_template_over_large_groups() {
    attack(
        60,
        800,
        "{{ range .Alerts }}{{ $a := .Labels.n }}{{ range $.Alerts }}{{ if match \"none\" (join \",\" (stringSlice .Labels.n $a)) }}x{{ end }}{{ end }}{{ end }}",
    );
}

#[test]
fn a_cubic_template_over_groups_of_usual_size() {
    attack(
        60,
        100,
        "{{ range .Alerts }}{{ range $.Alerts }}{{ range $.Alerts }}{{ if eq .Labels.n \"none\" }}x{{ end }}{{ end }}{{ end }}{{ end }}",
    );
}

/// Three receivers with this template are notified of so many groups.
fn attack(groups: usize, alerts: usize, template: &str) {
    let slow = Sink::start();
    slow.answer(|_| Answer::Text("ok".to_owned()));
    let (mut routes, mut receivers) = (String::new(), String::new());
    for number in 0..RECEIVERS {
        routes.push_str(&format!("  - receiver: slow{number}\n    matchers: [job=slow{number}]\n"));
        receivers.push_str(&format!(
            "- name: slow{number}\n  slack_configs:\n  - api_url: {}\n    channel: '#a'\n    \
             text: '{template}'\n",
            slow.url("/slow"),
        ));
    }
    let victim = Victim { routes: &routes, receivers: &receivers, ..Victim::default() };
    let mut bystander = Bystander::start(&victim, |setup| {
        // With a second between flushes not all of the slow pages can be sent.
        setup.expect_log("Template failed").expect_log("Notify")
    });
    for group in 0..groups {
        let storm: Vec<Value> = (0..alerts)
            .map(|number| {
                json!({"labels": {
                    "alertname": format!("Storm{group}"),
                    "job": format!("slow{}", group % RECEIVERS),
                    "n": number.to_string(),
                }})
            })
            .collect();
        bystander.server.post_alerts(&json!(storm));
    }
    bystander.is_served("while slow templates are rendered");
    bystander.is_served_with(300, "while slow templates are rendered");
    bystander.uses_less_than(512 << 20);
    // With fewer alerts than it could have listed, or as plain text.
    slow.wait_for_one("page of the slow receiver");
    bystander.is_served("after the first slow page");
}

const RECEIVERS: usize = 3;

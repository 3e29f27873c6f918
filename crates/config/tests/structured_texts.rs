//! What rendered texts become in the webhook's `payload`, PagerDuty's `details` and Jira's `fields`.
//!
//! `structured_texts.json` has rendered texts, and what the Go Alertmanager 0.35 made of each.

use bellwether_integrations::templates::ReadYaml;
use bellwether_integrations::{AnyValue, Files, Renderer, Templates};
use bellwether_model::{
    Alert, GroupKey, IntegrationId, LabelSet, Notification, Reason, Remembered, Timestamp,
};
use serde_json::Value;

#[test]
fn rendered_texts_become_what_the_go_alertmanager_makes_of_them() {
    let cases: Value =
        serde_json::from_str(include_str!("structured_texts.json")).expect("it is JSON");
    let cases = cases.as_object().expect("it is a map");
    assert!(cases.len() > 60, "{}", cases.len());
    let mut templates =
        Templates::load("http://am.example", ReadYaml(bellwether_config::read_value), [])
            .expect("there are no files");
    let ready: Vec<_> = cases
        .iter()
        .map(|(rendered, wanted)| {
            // As a template, so that it is rendered.
            let template = format!("{{{{ print {} }}}}", Value::from(rendered.as_str()));
            (rendered, wanted, templates.structure("payload", &AnyValue::Text(template)))
        })
        .collect();
    let (definitions, faults) = templates.finish([]);
    assert!(faults.is_empty(), "{faults:?}");
    let (notification, files) = (notification(), Files::default());
    let mut renderer = Renderer::new(&definitions, &notification, &files);
    let mut differences = Vec::new();
    for (rendered, wanted, structure) in ready {
        let mut ours = String::new();
        renderer.structure(&structure).push_json(&mut ours);
        let ours: Value = serde_json::from_str(&ours).expect("it is JSON");
        if &ours != wanted {
            differences.push(format!("{rendered:?}: {ours} instead of {wanted}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(renderer.faults().is_empty());
}

fn notification() -> Notification {
    let labels = LabelSet::new([("alertname", "Disk")]);
    let now = Timestamp::from_unix(1_700_000_000, 0);
    let alert = Alert {
        fingerprint: labels.fingerprint(),
        labels: labels.clone(),
        annotations: LabelSet::default(),
        generator_url: "".into(),
        starts_at: now,
        ends_at: now.plus(std::time::Duration::from_secs(300)),
        updated_at: now,
        timed_out: false,
        late_by_s: 0,
    };
    Notification {
        integration: IntegrationId { receiver: "team".into(), kind: "webhook".into(), index: 0 },
        group_key: GroupKey::new("{}", &labels),
        group_labels: labels,
        route_labels: LabelSet::default(),
        reason: Reason::FirstNotification,
        now,
        alerts: vec![alert.into()],
        remembered: Remembered::default(),
    }
}

use bellwether_api::{DryRunRequest, IntegrationTest, ReceiverTest, TestResult};
use bellwether_model::{MatcherMode, Outcome, Timestamp};

use super::command::{parse, table};
use super::receiver;
use crate::features::Features;
use crate::metrics::Metrics;
use crate::receivers::ReceiverSettings;

const CONFIG: &str = r#"
route: {receiver: idle}
receivers:
- name: idle
- name: team
  webhook_configs:
  - url: 'http://127.0.0.1:1/marker-url'
  - {url: 'http://127.0.0.1:1/marker-url', send_resolved: false}
  pagerduty_configs:
  - {routing_key: 'marker <"key">', description: '{{ .Nothing.Here }}'}
  pushover_configs:
  - {user_key: 'marker user&+', token: marker/token}
  opsgenie_configs:
  - {api_key: marker-api}
"#;

async fn tested(test: ReceiverTest) -> Result<Vec<IntegrationTest>, String> {
    let parsed = bellwether_config::parse(CONFIG, MatcherMode::Fallback).unwrap();
    let now = Timestamp::parse_rfc3339("2026-03-01T12:00:00Z").unwrap();
    let settings = ReceiverSettings::usual(Metrics::new(Features::default()).into());
    receiver(parsed.config.into(), "http://am.example", settings, &test, now).await
}

fn dry() -> ReceiverTest {
    ReceiverTest { receiver: "team".into(), dry_run: true, ..ReceiverTest::default() }
}

fn request<'a>(tested: &'a [IntegrationTest], integration: &str) -> &'a DryRunRequest {
    let found = tested.iter().find(|tested| tested.integration == integration);
    match &found.unwrap().result {
        TestResult::DryRun(request) => request,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_dry_run_shows_requests_without_secrets() {
    let tested = tested(dry()).await.unwrap();
    let text = table(&tested);
    assert!(!text.contains("marker") && !format!("{tested:?}").contains("marker"), "{text}");
    let event = &request(&tested, "pagerduty[0]").body;
    assert!(event.contains(r#""routing_key":"<secret>""#), "{event}");
    // Everything that it receives is in the URL.
    assert_eq!(request(&tested, "pushover[0]").body, "");
    let opsgenie = request(&tested, "opsgenie[0]");
    assert!(opsgenie.headers.contains(&("Authorization".into(), "<secret>".into())));
    let webhook = request(&tested, "webhook[0]");
    assert_eq!(webhook.method, "POST");
    assert!(webhook.body.contains("This is a test of the receiver"), "{}", webhook.body);
}

#[tokio::test]
async fn template_faults_are_listed() {
    let tested =
        tested(ReceiverTest { integration: "pagerduty[0]".into(), ..dry() }).await.unwrap();
    assert_eq!(tested.len(), 1);
    let faults = &tested[0].template_faults;
    assert!(faults.iter().any(|(field, _)| field == "description"), "{faults:?}");
    assert!(table(&tested).contains("template of description failed: "));
}

#[tokio::test]
async fn the_sample_is_as_asked_for() {
    let test = ReceiverTest {
        resolved: true,
        alerts: 3,
        labels: vec![("severity".into(), "page".into()), ("team".into(), "db".into())],
        annotations: vec![("summary".into(), "mine".into())],
        ..dry()
    };
    let tested = tested(test).await.unwrap();
    let body: serde_json::Value =
        serde_json::from_str(&request(&tested, "webhook[0]").body).unwrap();
    assert_eq!(body["status"], "resolved");
    assert_eq!(body["alerts"].as_array().unwrap().len(), 3);
    assert_eq!(body["alerts"][2]["labels"]["instance"], "sample-3");
    assert_eq!(body["commonLabels"]["severity"], "page");
    assert_eq!(body["commonLabels"]["team"], "db");
    assert_eq!(body["commonAnnotations"]["summary"], "mine");
    assert_eq!(tested[1].integration, "webhook[1]");
    assert_eq!(tested[1].result, TestResult::Skipped);
}

#[tokio::test]
async fn a_receiver_that_cannot_be_reached_has_failed() {
    let test = ReceiverTest { dry_run: false, integration: "webhook[0]".into(), ..dry() };
    let tested = tested(test).await.unwrap();
    match &tested[0].result {
        TestResult::Attempted(Outcome::Retry { detail, .. }) => assert!(!detail.contains("marker")),
        other => panic!("{other:?}"),
    }
    assert!(!tested[0].is_ok());
    assert!(table(&tested).contains("webhook[0]   failed     other: "), "{}", table(&tested));
}

#[tokio::test]
async fn an_invalid_test_is_rejected_with_the_reason() {
    let cases = [
        (
            ReceiverTest { receiver: "missing".into(), ..dry() },
            "unknown receiver \"missing\"; known receivers: idle, team",
        ),
        (ReceiverTest { receiver: "idle".into(), ..dry() }, "receiver \"idle\" has no integration"),
        (
            ReceiverTest { integration: "slack[0]".into(), ..dry() },
            "receiver \"team\" has no integration slack[0]",
        ),
        (ReceiverTest { alerts: 0, ..dry() }, "a sample has 1 to 1000 alerts, not 0"),
        (
            ReceiverTest { labels: vec![(String::new(), "x".into())], ..dry() },
            "a label or annotation has no name",
        ),
        (
            ReceiverTest { timeout: std::time::Duration::from_secs(61), ..dry() },
            "the timeout must be above 0 and at most 60s",
        ),
    ];
    for (test, expected) in cases {
        assert_eq!(tested(test).await, Err(expected.into()));
    }
}

#[test]
fn arguments_are_read() {
    let words = "--config.file a.yml --receiver=team --integration slack[0] --dry-run \
                 --status resolved --label a=b=c --annotation x= --alerts 7 --timeout=1m";
    let arguments: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    let options = parse(&arguments).unwrap();
    assert_eq!(options.config_file.to_str(), Some("a.yml"));
    assert_eq!(
        options.test,
        ReceiverTest {
            receiver: "team".into(),
            integration: "slack[0]".into(),
            resolved: true,
            labels: vec![("a".into(), "b=c".into())],
            annotations: vec![("x".into(), String::new())],
            alerts: 7,
            dry_run: true,
            timeout: std::time::Duration::from_secs(60),
        }
    );
    for (words, expected) in [
        (vec![], "required flag --receiver not provided"),
        (vec!["--receiver"], "missing argument for option '--receiver'"),
        (vec!["--label=x"], "--label: \"x\" is not name=value"),
        (vec!["--status=bad"], "--status: \"bad\" is neither firing nor resolved"),
        (vec!["--alerts=x"], "--alerts: \"x\" is not a number"),
        (vec!["team"], "unexpected team"),
    ] {
        let arguments: Vec<String> = words.into_iter().map(str::to_owned).collect();
        assert_eq!(parse(&arguments), Err(expected.into()));
    }
}

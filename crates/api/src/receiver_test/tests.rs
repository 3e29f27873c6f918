use std::time::Duration;

use bellwether_model::{FailureReason, Outcome, Remembered};
use serde_json::{Value, json};

use super::wire;
use crate::backend::{DryRunRequest, IntegrationTest, ReceiverTest, TestResult};

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn a_test_may_give_every_member_or_only_the_receiver() {
    let body = br#"{"receiver": "team", "integration": "slack[0]", "status": "resolved",
        "labels": {"team": "db"}, "annotations": {"summary": "<mine>"}, "alerts": 3,
        "dryRun": true, "timeout": "1m30s"}"#;
    let expected = ReceiverTest {
        receiver: "team".into(),
        integration: "slack[0]".into(),
        resolved: true,
        labels: vec![pair("team", "db")],
        annotations: vec![pair("summary", "<mine>")],
        alerts: 3,
        dry_run: true,
        timeout: Duration::from_secs(90),
    };
    assert_eq!(wire::parse(body), Ok(expected));
    let least = ReceiverTest { receiver: "team".into(), ..ReceiverTest::default() };
    assert_eq!(wire::parse(br#"{"receiver":"team","status":"firing"}"#), Ok(least));
}

#[test]
fn what_is_wrong_is_named() {
    let members = "receiver, integration, status, labels, annotations, alerts, dryRun, timeout";
    for (body, expected) in [
        ("", "no JSON: EOF while parsing a value at line 1 column 0"),
        ("{} x", "no JSON: trailing characters at line 1 column 4"),
        ("[]", "a test is a JSON object"),
        ("{}", "receiver: missing"),
        (r#"{"receiver":7}"#, "receiver: no string"),
        (r#"{"status":"bad"}"#, "status: neither firing nor resolved"),
        (r#"{"labels":["a"]}"#, "labels: no object of strings"),
        (r#"{"annotations":{"a":1}}"#, "annotations: a: no string"),
        (r#"{"alerts":-1}"#, "alerts: no whole number"),
        (r#"{"alerts":1.5}"#, "alerts: no whole number"),
        (r#"{"dryRun":"true"}"#, "dryRun: neither true nor false"),
        (r#"{"timeout":"soon"}"#, "timeout: not a valid duration string: \"soon\""),
        (r#"{"dry_run":true}"#, &format!("dry_run: unknown; there are: {members}")),
    ] {
        assert_eq!(wire::parse(body.as_bytes()), Err(expected.into()), "{body}");
    }
}

#[test]
fn each_result_has_a_shape_of_its_own() {
    let tested = |result, faults: &[(String, String)]| IntegrationTest {
        integration: "slack[0]".into(),
        result,
        template_faults: faults.to_vec(),
    };
    let (reason, detail) = (FailureReason::RateLimited, "slow \"down\"".to_owned());
    let after = Some(Duration::from_secs(90));
    let request = DryRunRequest {
        method: "POST",
        headers: vec![pair("Accept", "*/*")],
        body: "{\"a\":1}".into(),
    };
    let all = [
        tested(TestResult::Attempted(Outcome::Delivered { remember: Remembered::default() }), &[]),
        tested(TestResult::Attempted(Outcome::Refused { reason, detail: detail.clone() }), &[]),
        tested(TestResult::Attempted(Outcome::Retry { after, reason, detail }), &[]),
        tested(TestResult::DryRun(request), &[pair("title", "no such field")]),
        tested(TestResult::Skipped, &[]),
    ];
    let answer: Value = serde_json::from_str(&wire::answer(&all)).expect("it is JSON");
    let expected = json!({
        "ok": false,
        "integrations": [
            {"integration": "slack[0]", "result": "delivered", "templateFaults": []},
            {"integration": "slack[0]", "result": "refused", "reason": "rateLimited",
             "detail": "slow \"down\"", "templateFaults": []},
            {"integration": "slack[0]", "result": "failed", "reason": "rateLimited",
             "detail": "slow \"down\"", "retryAfter": "1m30s", "templateFaults": []},
            {"integration": "slack[0]", "result": "shown", "request": {
                "method": "POST", "headers": [{"name": "Accept", "value": "*/*"}],
                "body": "{\"a\":1}"},
             "templateFaults": [{"field": "title", "reason": "no such field"}]},
            {"integration": "slack[0]", "result": "skipped", "templateFaults": []},
        ],
    });
    assert_eq!(answer, expected);
    let fine = wire::answer(&[all[0].clone(), all[4].clone()]);
    assert!(fine.ends_with("\"ok\":true}\n"), "{fine}");
}

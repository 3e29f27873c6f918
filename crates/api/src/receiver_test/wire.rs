//! Tests of receivers as JSON.
//!
//! An unknown member is rejected rather than ignored: a request with a misspelled `dryRun` must not
//! send anything.

use std::time::Duration;

use bellwether_model::Outcome;
use bellwether_model::duration::{format_go, parse_prometheus};
use serde_json::{Map, Value, json};

use crate::backend::{DryRunRequest, IntegrationTest, ReceiverTest, TestResult};

/// Reads the request.
///
/// # Errors
/// With a text that names the member that is wrong.
pub fn parse(body: &[u8]) -> Result<ReceiverTest, String> {
    let body = serde_json::from_slice(body).map_err(|error| format!("no JSON: {error}"))?;
    let Value::Object(members) = body else { return Err("a test is a JSON object".into()) };
    let mut test = ReceiverTest::default();
    for (name, value) in members {
        set(&mut test, &name, value).map_err(|reason| format!("{name}: {reason}"))?;
    }
    if test.receiver.is_empty() {
        return Err("receiver: missing".into());
    }
    Ok(test)
}

fn set(test: &mut ReceiverTest, name: &str, value: Value) -> Result<(), String> {
    match name {
        "receiver" => test.receiver = text(value)?,
        "integration" => test.integration = text(value)?,
        "status" => match text(value)?.as_str() {
            "firing" => test.resolved = false,
            "resolved" => test.resolved = true,
            _ => return Err("neither firing nor resolved".into()),
        },
        "labels" => test.labels = pairs(value)?,
        "annotations" => test.annotations = pairs(value)?,
        "alerts" => {
            let count = value.as_u64().and_then(|count| usize::try_from(count).ok());
            test.alerts = count.ok_or("no whole number")?;
        }
        "dryRun" => test.dry_run = value.as_bool().ok_or("neither true nor false")?,
        "timeout" => {
            test.timeout = parse_prometheus(&text(value)?).map_err(|error| error.to_string())?;
        }
        _ => return Err(format!("unknown; there are: {}", MEMBERS.join(", "))),
    }
    Ok(())
}

fn text(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err("no string".into()),
    }
}

fn pairs(value: Value) -> Result<Vec<(String, String)>, String> {
    let Value::Object(members) = value else { return Err("no object of strings".into()) };
    let pair = |(name, value)| match value {
        Value::String(value) => Ok((name, value)),
        _ => Err(format!("{name}: no string")),
    };
    members.into_iter().map(pair).collect()
}

/// Writes the results, with a line end.
pub fn answer(tested: &[IntegrationTest]) -> String {
    let integrations: Vec<Value> = tested.iter().map(one).collect();
    let answer = json!({
        "integrations": integrations,
        "ok": tested.iter().all(IntegrationTest::is_ok),
    });
    format!("{answer}\n")
}

fn one(tested: &IntegrationTest) -> Value {
    let IntegrationTest { integration, result, template_faults } = tested;
    let mut members = Map::from_iter([("integration".to_owned(), integration.as_str().into())]);
    let mut add = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
    match result {
        TestResult::Attempted(Outcome::Delivered { .. }) => add("result", "delivered".into()),
        TestResult::Attempted(Outcome::Refused { reason, detail }) => {
            add("result", "refused".into());
            add("reason", reason.label().into());
            add("detail", detail.as_str().into());
        }
        TestResult::Attempted(Outcome::Retry { after, reason, detail }) => {
            add("result", "failed".into());
            add("reason", reason.label().into());
            add("detail", detail.as_str().into());
            if let Some(after) = after {
                add("retryAfter", shown_duration(*after).into());
            }
        }
        TestResult::DryRun(request) => {
            add("result", "shown".into());
            add("request", shown_request(request));
        }
        TestResult::Skipped => add("result", "skipped".into()),
    }
    let faults = template_faults.iter();
    let faults = faults.map(|(field, reason)| json!({"field": field, "reason": reason}));
    add("templateFaults", faults.collect::<Vec<Value>>().into());
    Value::Object(members)
}

fn shown_request(request: &DryRunRequest) -> Value {
    let DryRunRequest { method, headers, body } = request;
    let headers = headers.iter().map(|(name, value)| json!({"name": name, "value": value}));
    json!({"method": method, "headers": headers.collect::<Vec<Value>>(), "body": body})
}

fn shown_duration(duration: Duration) -> String {
    format_go(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
}

const MEMBERS: [&str; 8] =
    ["receiver", "integration", "status", "labels", "annotations", "alerts", "dryRun", "timeout"];

//! What PagerDuty's answers mean.
//!
//! Only an answer with 400 explains itself; of others the status is all that is shown.

use bellwether_model::{FailureReason, Outcome};
use serde_json::Value;

use crate::http::{RequestError, Response};
use crate::outcome::{ResponseRules, body_excerpt, check_response_with, delivered};

/// Version 1 says 403 when events come too fast.
///
/// Compat: its failures are not classified; see docs/compat.md#pagerduty-v1.
pub fn judge_v1(answer: Result<Response, RequestError>) -> Outcome {
    let rules = ResponseRules { retry: &[403], detail: explanation };
    match check_response_with("pagerduty", answer, &rules) {
        Ok(_) => delivered(),
        Err(outcome) => unclassified(outcome),
    }
}

pub fn judge_v2(answer: Result<Response, RequestError>) -> Outcome {
    let rules = ResponseRules { detail: explanation, ..ResponseRules::default() };
    match check_response_with("pagerduty", answer, &rules) {
        Ok(_) => delivered(),
        Err(outcome) => outcome,
    }
}

fn unclassified(mut outcome: Outcome) -> Outcome {
    if let Outcome::Retry { reason, .. } | Outcome::Refused { reason, .. } = &mut outcome {
        *reason = FailureReason::Other;
    }
    outcome
}

/// `Event object is invalid: Length of 'routing_key' is incorrect,Missing 'summary'`
fn explanation(response: &Response) -> String {
    if response.status != 400 {
        return String::new();
    }
    let Ok(Value::Object(body)) = serde_json::from_slice(&response.body) else {
        return String::new();
    };
    let message = body.get("message").and_then(Value::as_str).unwrap_or_default();
    let errors = body.get("errors").and_then(Value::as_array).map(Vec::as_slice);
    let errors: Vec<&str> = errors.unwrap_or_default().iter().filter_map(Value::as_str).collect();
    body_excerpt(format!("{message}: {}", errors.join(",")).as_bytes())
}

//! What PagerDuty's answers mean.
//!
//! Only an answer with 400 explains itself; of others the status is all that is shown.

use bellwether_model::{FailureReason, Outcome};
use serde_json::Value;

use crate::http::{RequestError, Response};
use crate::outcome::{ResponseRules, body_excerpt, check_response_with, delivered};

/// Version 1 says 403 when events come too fast.
pub fn judge_v1(answer: Result<Response, RequestError>) -> Outcome {
    let is_too_fast = answer.as_ref().is_ok_and(|response| response.status == 403);
    let rules = ResponseRules { retry: &[403], detail: explanation };
    let mut outcome = judge(answer, &rules, "failed to post message to PagerDuty v1");
    if let Outcome::Retry { reason, .. } = &mut outcome
        && is_too_fast
    {
        *reason = FailureReason::RateLimited;
    }
    outcome
}

pub fn judge_v2(answer: Result<Response, RequestError>) -> Outcome {
    let rules = ResponseRules { detail: explanation, ..ResponseRules::default() };
    judge(answer, &rules, "failed to post message to PagerDuty")
}

/// `failed` is said of requests that could not be made.
fn judge(answer: Result<Response, RequestError>, rules: &ResponseRules, failed: &str) -> Outcome {
    let (why, failed) = match &answer {
        Ok(_) | Err(RequestError::Denied(_)) => (None, None),
        Err(RequestError::Transport(_) | RequestError::Unusable(_)) => {
            (Some(FailureReason::RequestError), Some(failed))
        }
        Err(RequestError::TimedOut(_) | RequestError::DeadlinePassed) => {
            (Some(FailureReason::ContextDeadlineExceeded), None)
        }
    };
    let mut outcome = match check_response_with("pagerduty", answer, rules) {
        Ok(_) => delivered(),
        Err(outcome) => outcome,
    };
    if let Outcome::Retry { reason, detail, .. } | Outcome::Refused { reason, detail } =
        &mut outcome
    {
        *reason = why.unwrap_or(*reason);
        if let Some(failed) = failed {
            *detail = format!("{failed}: {detail}");
        }
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

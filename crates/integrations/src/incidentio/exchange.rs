//! What incident.io's answers mean.
//!
//! A refusal explains itself in up to three members of a JSON object.

use bellwether_model::Outcome;
use serde_json::Value;

use crate::http::{RequestError, Response};
use crate::outcome::{ResponseRules, body_excerpt, check_response_with, delivered};

pub fn judge(answer: Result<Response, RequestError>) -> Outcome {
    let rules = ResponseRules { detail: explanation, ..ResponseRules::default() };
    match check_response_with("incident.io", answer, &rules) {
        Ok(_) => delivered(),
        Err(outcome) => outcome,
    }
}

/// `<message>: <error>: <errors>`, of which any may be missing.
fn explanation(response: &Response) -> String {
    let Ok(Value::Object(body)) = serde_json::from_slice(&response.body) else {
        return String::new();
    };
    let text = |name| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let errors = body.get("errors").and_then(Value::as_array).map(Vec::as_slice);
    let errors: Vec<&str> = errors.unwrap_or_default().iter().filter_map(Value::as_str).collect();
    let mut parts = vec![text("message"), text("error"), errors.join(", ")];
    parts.retain(|part| !part.is_empty());
    body_excerpt(parts.join(": ").as_bytes())
}

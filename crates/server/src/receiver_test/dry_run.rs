//! Redacts a request, so that it can be shown.
//!
//! A receiver's URL is never shown, nor a header that may hold a credential. In the rest, each secret
//! that the integration uses is hidden. What `http_config` adds to the request is not shown.

use bellwether_api::{DryRunRequest, TestResult};
use bellwether_courier::{Draft, Redactor};
use bellwether_integrations::Step;
use bellwether_integrations::aws::AwsCall;
use bellwether_integrations::http::{Method, Request};
use bellwether_integrations::mail::Mail;

/// The first request of the draft.
pub fn result(draft: Draft) -> TestResult {
    let Draft { step, redactor } = draft;
    match step {
        Step::Send(request) => TestResult::DryRun(request_shown(&request, &redactor)),
        Step::Mail(mail) => TestResult::DryRun(mail_shown(&mail, &redactor)),
        Step::Aws(call) => TestResult::DryRun(call_shown(&call, &redactor)),
        Step::Done(outcome) => TestResult::Attempted(outcome),
    }
}

/// The credentials that sign the call are only looked up when it is sent.
fn call_shown(call: &AwsCall, redactor: &Redactor) -> DryRunRequest {
    let body = redactor.redact(&String::from_utf8_lossy(&call.form));
    DryRunRequest { method: "POST", headers: Vec::new(), body }
}

fn request_shown(request: &Request, redactor: &Redactor) -> DryRunRequest {
    let method = match request.method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
    };
    let headers = request.headers.iter().map(|(name, value)| {
        let is_harmless = HARMLESS.iter().any(|harmless| name.eq_ignore_ascii_case(harmless));
        let value = if is_harmless { redactor.redact(value) } else { HIDDEN.to_owned() };
        (name.clone(), value)
    });
    let body = redactor.redact(&String::from_utf8_lossy(&request.body));
    DryRunRequest { method, headers: headers.collect(), body }
}

fn mail_shown(mail: &Mail, redactor: &Redactor) -> DryRunRequest {
    let server = &mail.server;
    let headers = vec![
        ("Server".to_owned(), server.address()),
        ("From".to_owned(), mail.from.clone()),
        ("To".to_owned(), mail.to.join(", ")),
    ];
    let body = redactor.redact(&String::from_utf8_lossy(&mail.message));
    DryRunRequest { method: "MAIL", headers, body }
}

const HIDDEN: &str = "<secret>";

const HARMLESS: [&str; 4] = ["Content-Type", "Accept", "User-Agent", "Idempotency-Key"];

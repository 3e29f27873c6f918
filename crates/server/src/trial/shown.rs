//! A request, fit to be seen.
//!
//! A receiver's URL is never shown. Of the headers only those are that hold no credential with any
//! receiver. In the rest each secret that the integration has asked for is replaced, as it is and as
//! it stands in JSON; what `http_config` adds to the request is not part of it.

use bellwether_api::{ShownRequest, TestResult};
use bellwether_courier::Draft;
use bellwether_integrations::Step;
use bellwether_integrations::http::{Method, Request};
use bellwether_integrations::json::Object;
use bellwether_integrations::mail::Mail;
use bellwether_model::{FailureReason, Outcome, Secret};

/// What the draft's first step would send.
pub fn result(draft: Draft) -> TestResult {
    let Draft { step, secrets } = draft;
    match step {
        Step::Send(request) => TestResult::Shown(request_shown(&request, &secrets)),
        Step::Mail(mail) => TestResult::Shown(mail_shown(&mail, &secrets)),
        other => TestResult::Told(not_shown(other)),
    }
}

/// What becomes of an attempt without a request, or with one that only its sender can spell out.
fn not_shown(step: Step) -> Outcome {
    if let Step::Done(outcome) = step {
        return outcome;
    }
    let detail = "requests of this kind can be sent, but not shown".to_owned();
    Outcome::Refused { reason: FailureReason::Other, detail }
}

fn request_shown(request: &Request, secrets: &[Secret]) -> ShownRequest {
    let method = match request.method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
    };
    let headers = request.headers.iter().map(|(name, value)| {
        let is_harmless = HARMLESS.iter().any(|harmless| name.eq_ignore_ascii_case(harmless));
        let value = if is_harmless { without(value, secrets) } else { HIDDEN.to_owned() };
        (name.clone(), value)
    });
    let body = without(&String::from_utf8_lossy(&request.body), secrets);
    ShownRequest { method, headers: headers.collect(), body }
}

fn mail_shown(mail: &Mail, secrets: &[Secret]) -> ShownRequest {
    let server = &mail.server;
    let headers = vec![
        ("Server".to_owned(), server.address()),
        ("From".to_owned(), mail.from.clone()),
        ("To".to_owned(), mail.to.join(", ")),
    ];
    let body = without(&String::from_utf8_lossy(&mail.message), secrets);
    ShownRequest { method: "MAIL", headers, body }
}

/// The text with `<secret>` for each secret in it.
fn without(text: &str, secrets: &[Secret]) -> String {
    let spelled = secrets.iter().filter(|secret| !secret.is_empty()).flat_map(|secret| {
        let plain = secret.reveal();
        [in_json(plain), plain.to_owned()]
    });
    let mut spelled: Vec<String> = spelled.collect();
    // A secret may be part of another one.
    spelled.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    spelled.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), HIDDEN))
}

fn in_json(text: &str) -> String {
    let mut out = String::new();
    let mut object = Object::begin(&mut out);
    object.string("", text);
    object.end();
    let quoted = out.strip_prefix("{\"\":\"").and_then(|rest| rest.strip_suffix("\"}"));
    quoted.unwrap_or_default().to_owned()
}

const HIDDEN: &str = "<secret>";

const HARMLESS: [&str; 4] = ["Content-Type", "Accept", "User-Agent", "Idempotency-Key"];

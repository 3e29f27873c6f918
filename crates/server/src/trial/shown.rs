//! A request, fit to be seen.
//!
//! A receiver's URL is never shown. Of the headers only those are that hold no credential with any
//! receiver. In the rest each secret that the integration has asked for is replaced, as it is and as
//! it stands in JSON; what `http_config` adds to the request is not part of it.

use bellwether_api::{ShownRequest, TestResult};
use bellwether_courier::Draft;
use bellwether_integrations::Step;
use bellwether_integrations::aws::AwsCall;
use bellwether_integrations::http::{Method, Request};
use bellwether_integrations::json::Object;
use bellwether_integrations::mail::Mail;
use bellwether_model::Secret;

/// What the draft's first step would send.
pub fn result(draft: Draft) -> TestResult {
    let Draft { step, secrets } = draft;
    match step {
        Step::Send(request) => TestResult::Shown(request_shown(&request, &secrets)),
        Step::Mail(mail) => TestResult::Shown(mail_shown(&mail, &secrets)),
        Step::Aws(call) => TestResult::Shown(call_shown(&call, &secrets)),
        Step::Done(outcome) => TestResult::Told(outcome),
    }
}

/// Who signs the call, and with what, is found out when it is sent.
fn call_shown(call: &AwsCall, secrets: &[Secret]) -> ShownRequest {
    let body = without(&String::from_utf8_lossy(&call.form), secrets);
    ShownRequest { method: "POST", headers: Vec::new(), body }
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

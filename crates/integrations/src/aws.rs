//! Amazon's services as the integrations see them: what is asked, and in whose name.
//!
//! An [`AwsCall`] is answered like the HTTP requests of [`http`](crate::http), but is not a request
//! yet: who signs it, where the credentials come from and which region is meant depend on the
//! machine (its environment, its files, its instance's role), and a signature on the time. The
//! courier finds all that out, signs, and sends a POST.
//!
//! Errors come as XML; [`element`] is all that is needed of that language.

use std::sync::Arc;

use bellwether_model::Secret;
use bytes::Bytes;

use crate::http::Response;
use crate::sns::config::SigV4;

/// One call of a service that takes forms.
#[derive(Clone)]
pub struct AwsCall {
    /// As in the names of hosts and in signatures: `sns`.
    pub service: &'static str,
    pub signer: Arc<SigV4>,
    /// Where the service is, if not where Amazon has it in the region.
    pub endpoint: Option<Secret>,
    /// The form, encoded.
    pub form: Bytes,
}

/// Shows neither endpoint nor form.
impl std::fmt::Debug for AwsCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AwsCall")
            .field("service", &self.service)
            .field("signer", &self.signer)
            .field("form_bytes", &self.form.len())
            .finish_non_exhaustive()
    }
}

/// `Code: message` of a failure's answer; the beginning of its body if it is in another shape.
pub fn failure(response: &Response) -> String {
    let body = String::from_utf8_lossy(&response.body);
    match (element(&body, "Code"), element(&body, "Message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code,
        (None, _) => crate::outcome::body_excerpt(&response.body),
    }
}

/// Whether a failure only means that too much was asked at once, whatever its status.
pub fn is_throttled(response: &Response) -> bool {
    let body = String::from_utf8_lossy(&response.body);
    let code = element(&body, "Code").unwrap_or_default();
    code.contains("Throttl") || ["RequestLimitExceeded", "SlowDown"].contains(&code.as_str())
}

/// The text of the first element with this name that has no attributes.
pub fn element(xml: &str, name: &str) -> Option<String> {
    let (_, after) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = after.split_once(&format!("</{name}>"))?;
    let text = ENTITIES
        .iter()
        .fold(text.trim().to_owned(), |text, (entity, character)| text.replace(entity, character));
    Some(text)
}

/// The ampersand comes last, so that nothing is decoded twice.
const ENTITIES: [(&str, &str); 5] =
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];

#[cfg(test)]
mod tests {
    use super::element;

    #[test]
    fn elements_are_found_and_decoded() {
        let xml = "<E><Code> A&amp;lt; </Code><Message>a &lt;b&gt;</Message><Code>B</Code></E>";
        assert_eq!(element(xml, "Code").as_deref(), Some("A&lt;"));
        assert_eq!(element(xml, "Message").as_deref(), Some("a <b>"));
        assert_eq!(element(xml, "Type"), None);
        assert_eq!(element("<Code>cut off", "Code"), None);
    }
}

//! Signature Version 4: proves who sends a request, and that it was not changed on the way.
//!
//! In: a request's parts, credentials, and the time. Out: the headers that are added to it. The signature
//! covers method, path, query, body and the headers listed in it; it is valid for five minutes.

use bellwether_integrations::http::{Method, Request};
use bellwether_model::hex::hex;
use bellwether_model::{Secret, Timestamp};
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::credentials::AwsCredentials;

/// What a signature is valid for.
pub struct Scope<'a> {
    pub region: &'a str,
    pub service: &'a str,
    pub now: Timestamp,
}

/// The content type of the forms that services take.
pub const FORM_CONTENT_TYPE: &str = "application/x-www-form-urlencoded";

/// A signed POST of a form.
pub fn sign_form(
    scope: &Scope<'_>,
    credentials: &AwsCredentials,
    url: Url,
    form: &[u8],
) -> Request {
    let mut headers = vec![("Content-Type".to_owned(), FORM_CONTENT_TYPE.to_owned())];
    headers.extend(self::headers(scope, credentials, &url, Some(FORM_CONTENT_TYPE), form));
    Request {
        method: Method::Post,
        url: Secret::new(String::from(url)),
        headers,
        body: form.to_vec().into(),
        timeout: None,
    }
}

/// The headers that sign a POST.
fn headers(
    scope: &Scope<'_>,
    credentials: &AwsCredentials,
    url: &Url,
    content_type: Option<&str>,
    body: &[u8],
) -> Vec<(String, String)> {
    let time = compact(scope.now);
    let host = host(url);
    // Sorted by name.
    let mut signed = Vec::new();
    signed.extend(content_type.map(|value| ("content-type", value)));
    signed.extend([("host", host.as_str()), ("x-amz-date", time.as_str())]);
    if !credentials.session_token.is_empty() {
        signed.push(("x-amz-security-token", credentials.session_token.reveal()));
    }
    let names: Vec<&str> = signed.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let lines: String =
        signed.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
    let canonical_request = format!(
        "POST\n{}\n{}\n{lines}\n{names}\n{}",
        canonical_path(url),
        canonical_query(url),
        hex(&Sha256::digest(body)),
    );
    let Scope { region, service, .. } = scope;
    let day = &time[..8];
    let credential_scope = format!("{day}/{region}/{service}/aws4_request");
    let string_to_sign = format!(
        "{ALGORITHM}\n{time}\n{credential_scope}\n{}",
        hex(&Sha256::digest(canonical_request.as_bytes()))
    );
    let start = format!("AWS4{}", credentials.secret_access_key.reveal()).into_bytes();
    let key = [day, region, service, "aws4_request"]
        .iter()
        .fold(start, |key, part| hmac(&key, part.as_bytes()).to_vec());
    let signature = hex(&hmac(&key, string_to_sign.as_bytes()));

    let authorization = format!(
        "{ALGORITHM} Credential={}/{credential_scope}, SignedHeaders={names}, Signature={signature}",
        credentials.access_key_id
    );
    let mut headers =
        vec![("Authorization".to_owned(), authorization), ("X-Amz-Date".to_owned(), time)];
    if !credentials.session_token.is_empty() {
        headers.push((
            "X-Amz-Security-Token".to_owned(),
            credentials.session_token.reveal().to_owned(),
        ));
    }
    headers
}

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// `20150830T123600Z`.
fn compact(time: Timestamp) -> String {
    let mut text = time.in_utc().rfc3339_millis();
    text.truncate("2015-08-30T12:36:00".len());
    text.retain(|one| one != '-' && one != ':');
    text + "Z"
}

/// As in the `Host` header.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The path as it is sent, escaped once more.
fn canonical_path(url: &Url) -> String {
    let mut out = String::new();
    for byte in url.path().bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// The parameters as they are sent, sorted; one without a value has an empty one.
fn canonical_query(url: &Url) -> String {
    let query = url.query().unwrap_or_default();
    let parameters = query.split('&').filter(|one| !one.is_empty());
    let mut parameters: Vec<String> = parameters
        .map(|one| if one.contains('=') { one.to_owned() } else { format!("{one}=") })
        .collect();
    parameters.sort();
    parameters.join("&")
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use bellwether_model::Timestamp;
    use url::Url;

    use super::super::credentials::AwsCredentials;
    use super::{Scope, headers, hex, hmac};

    /// The time and keys of Amazon's published test suite.
    fn signature(url: &str, content_type: Option<&str>, body: &str, token: &str) -> String {
        let now = Timestamp::parse_rfc3339("2015-08-30T12:36:00Z").expect("a time");
        let scope = Scope { region: "us-east-1", service: "service", now };
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let credentials = AwsCredentials::configured("AKIDEXAMPLE", secret, token);
        let url = Url::parse(url).expect("a URL");
        let headers = headers(&scope, &credentials, &url, content_type, body.as_bytes());
        assert_eq!(headers[1], ("X-Amz-Date".to_owned(), "20150830T123600Z".to_owned()));
        headers[0].1.rsplit_once("Signature=").expect("a signature").1.to_owned()
    }

    #[test]
    fn signatures_match_amazons_test_suite() {
        let url = "https://example.amazonaws.com/";
        assert_eq!(
            signature(url, None, "", ""),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
        );
        let form = "application/x-www-form-urlencoded";
        assert_eq!(
            signature(url, Some(form), "Param1=value1", ""),
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
        );
    }

    /// Expected: botocore's.
    #[test]
    fn paths_queries_ports_and_tokens_are_signed() {
        let form = Some("application/x-www-form-urlencoded");
        let url = "http://127.0.0.1:8080/a%20b/c?z=1&a=2";
        assert_eq!(signature(url, form, "A=1", "to/ken=="), BOTOCORE);
    }

    const BOTOCORE: &str = "52b100b6cee9171d278a9206948c82091f2d046dfe642c5125a2b6795122cb3e";

    #[test]
    fn hmac_matches_rfc_4231() {
        // RFC 4231, test cases 2 and 6.
        assert_eq!(
            hex(&hmac(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        let message = b"Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(
            hex(&hmac(&[0xaa; 131], message)),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }
}

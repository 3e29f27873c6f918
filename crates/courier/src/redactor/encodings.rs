//! How may a text be spelled where it is repeated?
//!
//! In: a text. Out: the text, and what becomes of it in JSON, URLs, forms and HTML. Programs differ
//! in what they escape; the usual ways are here.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All encodings that differ, the text itself first.
pub fn all(text: &str) -> Vec<String> {
    let in_url = utf8_percent_encode(text, RESERVED).to_string();
    let in_form = in_url.replace("%20", "+");
    let in_json = in_json(text);
    let in_careful_json = escaped(&in_json, &HTML_IN_JSON);
    let in_html = escaped(text, &HTML);
    let mut all = vec![text.to_owned()];
    for encoding in [in_url, in_form, in_json, in_careful_json, in_html] {
        if !all.contains(&encoding) {
            all.push(encoding);
        }
    }
    all
}

fn in_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.unwrap_or(text).to_owned()
}

/// Each character of the table replaced.
fn escaped(text: &str, table: &[(char, &str)]) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match table.iter().find(|(plain, _)| *plain == character) {
            Some((_, escape)) => out.push_str(escape),
            None => out.push(character),
        }
    }
    out
}

/// What has a meaning of its own in a URL.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// As Go's `encoding/json` spells them.
const HTML_IN_JSON: [(char, &str); 3] = [('<', "\\u003c"), ('>', "\\u003e"), ('&', "\\u0026")];

const HTML: [(char, &str); 5] =
    [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&#34;"), ('\'', "&#39;")];

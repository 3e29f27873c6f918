//! The header `Content-Type`, as Go reads it.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Version};

/// Whether a request is native gRPC: HTTP/2, and a media type of gRPC.
pub fn is_grpc(version: Version, headers: &HeaderMap) -> bool {
    if version != Version::HTTP_2 {
        return false;
    }
    parse(sent(headers)).is_some_and(|(base, _)| {
        base == "application/grpc" || base.starts_with("application/grpc+")
    })
}

/// The media type in its usual form: lower case, parameters in order; what cannot be read stays.
pub(crate) fn canonical(headers: &HeaderMap) -> String {
    let text = sent(headers);
    let Some((base, mut parameters)) = parse(text) else { return text.to_owned() };
    parameters.sort();
    let mut canonical = base;
    for (name, mut value) in parameters {
        if name == "charset" {
            value.make_ascii_lowercase();
        }
        let is_token = !value.is_empty() && value.bytes().all(is_token_byte);
        if is_token {
            canonical.push_str(&format!("; {name}={value}"));
        } else {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
            canonical.push_str(&format!("; {name}=\"{escaped}\""));
        }
    }
    canonical
}

fn sent(headers: &HeaderMap) -> &str {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

type Parameters = Vec<(String, String)>;

/// `None` if it is not a media type.
fn parse(text: &str) -> Option<(String, Parameters)> {
    let (base, mut rest) = text.split_at(text.find(';').unwrap_or(text.len()));
    let base = base.trim().to_ascii_lowercase();
    let (kind, subtype) = base.split_once('/').unwrap_or((&base, "x"));
    if ![kind, subtype].iter().all(|part| !part.is_empty() && part.bytes().all(is_token_byte)) {
        return None;
    }
    let mut parameters = Parameters::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() || rest == ";" {
            return Some((base, parameters));
        }
        rest = rest.strip_prefix(';')?.trim_start();
        let (name, behind) = rest.split_once('=')?;
        if name.is_empty() || !name.bytes().all(is_token_byte) {
            return None;
        }
        let name = name.to_ascii_lowercase();
        let (value, behind) = match behind.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let end = behind.bytes().position(|byte| !is_token_byte(byte));
                let (value, behind) = behind.split_at(end.unwrap_or(behind.len()));
                (value.to_owned(), behind)
            }
        };
        if value.is_empty() || parameters.iter().any(|(known, _)| *known == name) {
            return None;
        }
        parameters.push((name, value));
        rest = behind;
    }
}

/// The text before the closing quote, and what is behind it.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use http::header::CONTENT_TYPE;
    use http::{HeaderMap, HeaderValue, Version};

    use super::{canonical, is_grpc};

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn the_usual_form_is_lower_case_with_sorted_parameters() {
        for (sent, expected) in [
            ("application/json", "application/json"),
            ("Application/JSON;Charset=UTF-8", "application/json; charset=utf-8"),
            ("a/b; y=2; x=\"a b\"", "a/b; x=\"a b\"; y=2"),
            ("a/b; =", "a/b; ="),
            ("a/b; x=1; x=2", "a/b; x=1; x=2"),
            ("a/b; x=\"1", "a/b; x=\"1"),
            ("", ""),
        ] {
            assert_eq!(canonical(&headers(sent)), expected, "{sent}");
        }
    }

    #[test]
    fn native_grpc_is_http2_with_a_media_type_of_grpc() {
        for (version, sent, expected) in [
            (Version::HTTP_2, "application/grpc", true),
            (Version::HTTP_2, "application/grpc+json; x=y", true),
            (Version::HTTP_2, "application/grpc-web", false),
            (Version::HTTP_2, "application/grpc; =", false),
            (Version::HTTP_2, "application/json", false),
            (Version::HTTP_11, "application/grpc", false),
        ] {
            assert_eq!(is_grpc(version, &headers(sent)), expected, "{sent}");
        }
    }
}

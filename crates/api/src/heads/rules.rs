//! What Go's server accepts in the head of a request, and how it is passed on.

use std::borrow::Cow;

use bellwether_encoding::http1::{
    Field, Next, Rewritten, Rules, fields, first_line, is_token, version,
};
use http::{HeaderMap, Uri};

use super::refusal::{self, Refusal};
use crate::uri::is_request_uri;

/// Limit: bytes of one head, as in Go.
const HEAD_BYTES_MAX: usize = (1 << 20) + 4096;
/// The HTTP library takes 100 fields; in a head with more, those that are never read are left out.
const FIELDS_MAX: usize = 90;
/// The HTTP library takes 65,534 bytes of URL.
const TARGET_BYTES_MAX: usize = 60_000;

/// The fields that are read.
const NEEDED_FIELDS: [&str; 13] = [
    "accept",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "origin",
    "transfer-encoding",
    "upgrade",
];

/// A query that is too long for the library's URL; a client cannot send it.
const QUERY_FIELD: &str = "x-bellwether-query";

#[derive(Debug)]
pub struct RequestRules;

impl Rules for RequestRules {
    fn first_line(&mut self, line: &[u8]) -> Result<Option<Rewritten>, String> {
        Ok(RequestLine::parse(line).err().map(refused))
    }

    fn head(&mut self, head: &[u8]) -> Result<Rewritten, String> {
        Ok(rewritten(head).unwrap_or_else(refused))
    }

    fn too_long(&mut self) -> Result<Rewritten, String> {
        Ok(refused(Refusal::TooLarge))
    }

    fn head_bytes_max(&self) -> usize {
        HEAD_BYTES_MAX
    }
}

/// The query of a request, however long it is.
pub fn query<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    match headers.get(QUERY_FIELD) {
        Some(query) => query.to_str().ok(),
        None => uri.query(),
    }
}

fn refused(refusal: Refusal) -> Rewritten {
    Rewritten { head: refusal::request(refusal), next: Next::Ended }
}

struct RequestLine<'a> {
    method: &'a [u8],
    target: &'a [u8],
    version: (u8, u8),
}

impl<'a> RequestLine<'a> {
    fn parse(line: &'a [u8]) -> Result<Self, Refusal> {
        let mut parts = line.splitn(3, |byte| *byte == b' ');
        let (Some(method), Some(target), Some(proto)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(Refusal::Malformed);
        };
        let is_method = !method.is_empty() && method.iter().all(|byte| is_token(*byte));
        let version = version(proto).filter(|_| is_method).ok_or(Refusal::Malformed)?;
        let is_valid = method == b"CONNECT" || is_request_uri(&String::from_utf8_lossy(target));
        if is_valid { Ok(RequestLine { method, target, version }) } else { Err(Refusal::Malformed) }
    }
}

fn rewritten(head: &[u8]) -> Result<Rewritten, Refusal> {
    let (line, block) = first_line(head);
    let line = RequestLine::parse(line)?;
    let fields = fields(block).map_err(|_| Refusal::Malformed)?;
    if line.version == (2, 0) && line.method == b"PRI" && line.target == b"*" {
        return Ok(Rewritten { head: head.to_vec(), next: Next::Beyond });
    }
    let hosts = fields.iter().filter(|field| field.is("host")).count();
    if hosts > 1 {
        return Err(Refusal::Malformed);
    }
    let next = body(&line, &fields)?;
    if line.version.0 != 1 {
        return Err(Refusal::UnknownVersion);
    }
    if hosts == 0 && line.version.1 > 0 && line.method != b"CONNECT" {
        return Err(Refusal::MissingHost);
    }
    if fields.iter().any(|field| field.is("host") && !field.value.iter().all(is_in_host)) {
        return Err(Refusal::MalformedHost);
    }
    if fields.iter().any(|field| field.name.contains(&b' ')) {
        return Err(Refusal::InvalidFieldName);
    }
    let expected = fields.iter().find(|field| field.is("expect") && !field.value.is_empty());
    if expected.is_some_and(|field| !expects_continue(&field.value)) {
        return Err(Refusal::UnknownExpectation);
    }
    Ok(Rewritten { head: written(&line, &fields, next), next })
}

/// Where the body ends, by Go's rules.
fn body(line: &RequestLine<'_>, fields: &[Field<'_>]) -> Result<Next, Refusal> {
    if line.version >= (1, 1) {
        let mut encodings = fields.iter().filter(|field| field.is("transfer-encoding"));
        match (encodings.next(), encodings.next()) {
            (None, _) => {}
            (Some(one), None) if one.value.eq_ignore_ascii_case(b"chunked") => {
                return Ok(Next::Chunks);
            }
            (Some(_), _) => return Err(Refusal::UnknownEncoding),
        }
    }
    let mut length = None;
    for field in fields.iter().filter(|field| field.is("content-length")) {
        let digits = field.value.iter().all(u8::is_ascii_digit);
        let text = std::str::from_utf8(&field.value).unwrap_or_default();
        let parsed = text.parse::<i64>().ok().filter(|_| digits).ok_or(Refusal::Malformed)?;
        if length.is_some_and(|before| before != parsed) {
            return Err(Refusal::Malformed);
        }
        length = Some(parsed);
    }
    if fields.iter().any(|field| field.is("upgrade")) {
        return Ok(Next::Beyond);
    }
    Ok(length.map_or(Next::Head, |length| Next::Body(length.unsigned_abs())))
}

fn written(line: &RequestLine<'_>, fields: &[Field<'_>], next: Next) -> Vec<u8> {
    let mut target = escaped(line.target);
    let mut query = None;
    if target.len() > TARGET_BYTES_MAX
        && let Some(mark) = target.iter().position(|byte| *byte == b'?')
    {
        query = target.get(mark + 1..).map(<[u8]>::to_vec);
        target = Cow::Owned(target.get(..mark).unwrap_or_default().to_vec());
    }
    let minor = if line.version == (1, 0) { b"0" } else { b"1" };
    let mut out = [line.method, b" ", &*target, b" HTTP/1.", minor, b"\r\n"].concat();
    let mut write = |name: &[u8], value: &[u8]| {
        out.extend_from_slice(name);
        out.extend_from_slice(b": ");
        out.extend_from_slice(value);
        out.extend_from_slice(b"\r\n");
    };
    let has_many = fields.len() > FIELDS_MAX;
    let mut has_length = false;
    for field in fields {
        let is_length = field.is("content-length");
        // The chunks decide; and the library takes no second length, be it the same.
        let is_superfluous = is_length && (has_length || next == Next::Chunks);
        let is_encoding = field.is("transfer-encoding") && next != Next::Chunks;
        let is_ours = field.is(QUERY_FIELD) || field.is(refusal::FIELD);
        let is_unread = has_many && !NEEDED_FIELDS.iter().any(|name| field.is(name));
        if is_superfluous || is_encoding || is_ours || is_unread {
            continue;
        }
        has_length |= is_length;
        write(field.name, &field.value);
    }
    if let Some(query) = query {
        write(QUERY_FIELD.as_bytes(), &query);
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// The target with escapes for what the library refuses.
fn escaped(target: &[u8]) -> Cow<'_, [u8]> {
    if !target.iter().any(needs_escape) {
        return Cow::Borrowed(target);
    }
    let mut out = Vec::with_capacity(target.len() + 64);
    for byte in target {
        if needs_escape(byte) {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        } else {
            out.push(*byte);
        }
    }
    Cow::Owned(out)
}

/// Printable, but no part of a URL.
fn needs_escape(byte: &u8) -> bool {
    *byte >= 0x80 || b"\"<>`{}\\^|#".contains(byte)
}

/// Whether it may be in a `Host`, which may be wrong otherwise.
fn is_in_host(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!$%&()*+,-.:;='[]_~".contains(byte)
}

/// Whether the value has the word `100-continue`.
fn expects_continue(value: &[u8]) -> bool {
    let is_boundary = |byte: &u8| matches!(byte, b' ' | b',' | b'\t');
    value.split(is_boundary).any(|word| word.eq_ignore_ascii_case(b"100-continue"))
}

//! Which texts the Go language takes for a URL, and what it asks the server for.
//!
//! A check, not a parser: what it accepts stays text. It is more tolerant than browsers are (blanks
//! and pipes in paths) and stricter in places (escapes in host names), and files depend on both.
//! Browsers also rewrite what they ask for: they drop line breaks, resolve `..`, and read `010.0.0.1`
//! as `8.0.0.1`. Go asks for what was written.

use std::net::Ipv6Addr;

use percent_encoding::percent_decode_str;

use crate::url;

pub struct Url {
    /// In lower case; empty if there is none.
    pub scheme: String,
    /// With its port.
    pub host: String,
}

/// `http` or `https`, with a host.
pub fn check_http_url(text: &str) -> Result<(), String> {
    let url = parse_url(text)?;
    if url.scheme != "http" && url.scheme != "https" {
        return Err(format!("unsupported scheme {:?} for URL", url.scheme));
    }
    if url.host.is_empty() {
        return Err("missing host for URL".to_owned());
    }
    Ok(())
}

/// The errors do not repeat the text, which may be secret.
pub fn parse_url(text: &str) -> Result<Url, String> {
    if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return Err("invalid control character in URL".to_owned());
    }
    let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (scheme, rest) = split_scheme(text)?;
    let rest = rest.split_once('?').map_or(rest, |(before, _)| before);
    let mut url = Url { scheme, host: String::new() };
    let mut path = rest;
    if !rest.starts_with('/') {
        if !url.scheme.is_empty() {
            // Behind a scheme, what does not start with a slash is opaque.
            path = "";
        } else if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
    } else if let Some(after) = rest.strip_prefix("//")
        && (!url.scheme.is_empty() || !after.starts_with('/'))
    {
        let end = after.find('/').unwrap_or(after.len());
        check_authority(&after[..end], &url.scheme)?;
        url.host = after[..end].rsplit('@').next().unwrap_or_default().to_owned();
        path = &after[end..];
    }
    check_escapes(path)?;
    check_escapes(fragment)?;
    Ok(url)
}

/// Path and query as a request for a URL asks for them; the URL has been checked.
///
/// What was written stays as it is, dots and escapes too, unless there is something in the path that
/// cannot stand there: then all of the path is escaped. A query is never changed.
pub fn request_target(text: &str) -> String {
    let text = text.split_once('#').map_or(text, |(before, _)| before);
    let (before, query) = text.split_once('?').map_or((text, None), |(a, b)| (a, Some(b)));
    let path = before.split_once("//").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
    let mut out = match path {
        None => "/".to_owned(),
        Some(path) if path.bytes().all(may_stand_in_path) => path.to_owned(),
        Some(path) => url::path(&percent_decode_str(path).collect::<Vec<u8>>()),
    };
    if let Some(query) = query {
        out.push('?');
        out.push_str(query);
    }
    out
}

/// The host of a URL as it was written, without its port.
pub fn host_name(text: &str) -> Option<String> {
    let host = parse_url(text).ok()?.host;
    match host.rfind(']') {
        Some(end) => Some(host[..=end].to_owned()),
        None => Some(host.split(':').next().unwrap_or_default().to_owned()),
    }
}

fn may_stand_in_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:@[]%/".contains(&byte)
}

fn split_scheme(text: &str) -> Result<(String, &str), String> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            b':' => return Ok((text[..at].to_ascii_lowercase(), &text[at + 1..])),
            _ => break,
        }
    }
    Ok((String::new(), text))
}

/// `user:password@host:port`
fn check_authority(text: &str, scheme: &str) -> Result<(), String> {
    let (user, host) = text.rsplit_once('@').unwrap_or(("", text));
    check_host(host, scheme)?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
    if !user.chars().all(allowed) {
        return Err("net/url: invalid userinfo".to_owned());
    }
    check_escapes(user)
}

fn check_host(host: &str, scheme: &str) -> Result<(), String> {
    let port = match host.rfind('[') {
        Some(0) => {
            let (address, port) = host[1..].rsplit_once(']').ok_or("missing ']' in host")?;
            check_ip_literal(address)?;
            port
        }
        Some(_) => return Err("invalid IP-literal".to_owned()),
        None => {
            check_host_name(host)?;
            // Of `http` and `https` the name of a host has no colon.
            let is_web = scheme == "http" || scheme == "https";
            let colon = if is_web { host.find(':') } else { host.rfind(':') };
            colon.map_or("", |colon| &host[colon..])
        }
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if port.is_empty() || port.strip_prefix(':').is_some_and(digits) {
        Ok(())
    } else {
        Err("invalid port after host".to_owned())
    }
}

/// Between brackets: an address of version 6, perhaps with a zone.
fn check_ip_literal(text: &str) -> Result<(), String> {
    let (address, zone) = match text.split_once("%25") {
        Some((address, zone)) => (address, Some(zone)),
        None => (text, None),
    };
    if address.parse::<Ipv6Addr>().is_err() || zone.is_some_and(str::is_empty) {
        return Err("invalid host".to_owned());
    }
    check_escapes(zone.unwrap_or_default())
}

/// Escapes may stand only for bytes beyond ASCII, and for the percent sign.
fn check_host_name(host: &str) -> Result<(), String> {
    check_escapes(host)?;
    let refused = |c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && !HOST_SIGNS.contains(c);
    if let Some(c) = host.chars().find(|c| refused(*c)) {
        return Err(format!("invalid character {c:?} in host name"));
    }
    let is_ascii =
        |escape: &str| escape.starts_with(|c: char| c < '8') && !escape.starts_with("25");
    if host.split('%').skip(1).any(is_ascii) {
        return Err("invalid URL escape".to_owned());
    }
    Ok(())
}

/// Each percent sign begins two hexadecimal digits.
fn check_escapes(text: &str) -> Result<(), String> {
    let whole = |escape: &str| {
        escape.len() >= 2 && escape.bytes().take(2).all(|byte| byte.is_ascii_hexdigit())
    };
    if text.split('%').skip(1).all(whole) { Ok(()) } else { Err("invalid URL escape".to_owned()) }
}

const HOST_SIGNS: &str = "-_.~!$&'()*+,;=:[]<>\"%";

#[cfg(test)]
mod tests;

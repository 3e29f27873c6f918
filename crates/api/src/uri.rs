//! Checks whether a text is a valid `generatorURL`.
//!
//! Compat: the result is that of Go's `url.ParseRequestURI` behind the framework's check, so that an
//! alert is accepted here exactly if it is accepted there. A fragment is cut off first. Only the
//! validity is computed; the text is kept unchanged.

/// Whether the text is absolute, or a path from the root.
pub fn is_request_uri(text: &str) -> bool {
    is_usual(text) || is_request_uri_at_all(text)
}

/// `http://prometheus:9090/graph?…`: what nearly all senders write, recognised in two short scans.
fn is_usual(text: &str) -> bool {
    let secure = text.strip_prefix("https://");
    let Some(rest) = secure.or_else(|| text.strip_prefix("http://")) else { return false };
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    let rest = rest.trim_start_matches(is_name);
    let rest =
        rest.strip_prefix(':').unwrap_or(rest).trim_start_matches(|c: char| c.is_ascii_digit());
    let before_query = rest.bytes().take_while(|byte| *byte != b'?');
    rest.starts_with('/')
        && before_query.into_iter().all(|byte| byte != b'%')
        && rest.bytes().all(|byte| byte >= 0x20 && byte != 0x7f)
}

fn is_request_uri_at_all(text: &str) -> bool {
    let text = text.split_once('#').map_or(text, |(before, _)| before);
    if text.is_empty() || text.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
        return false;
    }
    if text == "*" {
        return true;
    }
    let (scheme, rest) = match scheme(text) {
        Scheme::Given(rest) => (text.get(..text.len() - rest.len() - 1), rest),
        Scheme::None => (None, text),
        Scheme::Broken => return false,
    };
    let rest = rest.split_once('?').map_or(rest, |(before, _)| before);
    if !rest.starts_with('/') {
        return scheme.is_some();
    }
    match (rest.strip_prefix("//"), scheme) {
        (Some(behind), Some(scheme)) => {
            let (authority, path) = behind.split_at(behind.find('/').unwrap_or(behind.len()));
            is_authority(authority, scheme) && escapes_are_whole(path)
        }
        (None, _) | (_, None) => escapes_are_whole(rest),
    }
}

enum Scheme<'a> {
    /// What follows its colon.
    Given(&'a str),
    None,
    Broken,
}

fn scheme(text: &str) -> Scheme<'_> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at > 0 => return text.get(at + 1..).map_or(Scheme::Broken, Scheme::Given),
            b':' => return Scheme::Broken,
            _ => return Scheme::None,
        }
    }
    Scheme::None
}

fn is_authority(text: &str, scheme: &str) -> bool {
    match text.rsplit_once('@') {
        None => is_host(text, scheme),
        Some((user, host)) => {
            let allowed =
                |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
            user.bytes().all(allowed) && escapes_are_whole(user) && is_host(host, scheme)
        }
    }
}

fn is_host(text: &str, scheme: &str) -> bool {
    if let Some(bracketed) = text.strip_prefix('[') {
        let Some((address, port)) = bracketed.rsplit_once(']') else { return false };
        let address = address.split_once("%25").map_or(address, |(before, _)| before);
        return address.parse::<std::net::Ipv6Addr>().is_ok() && is_port(port);
    }
    let (host, port) = text.split_at(port_at(text, scheme).unwrap_or(text.len()));
    is_port(port)
        && host.bytes().all(is_host_byte)
        && escaped_bytes(host).all(|byte| byte >= Some(0x80))
}

/// Where the port begins. Of `http` and `https` the name of a host has no colon.
fn port_at(host: &str, scheme: &str) -> Option<usize> {
    let is_web = ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web));
    if is_web { host.find(':') } else { host.rfind(':') }
}

/// Empty, or a colon and digits, which may be missing.
fn is_port(text: &str) -> bool {
    text.is_empty()
        || text.strip_prefix(':').is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
}

fn is_host_byte(byte: u8) -> bool {
    byte >= 0x80 || byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"%".contains(&byte)
}

/// Whether each percent sign is followed by two hexadecimal digits.
fn escapes_are_whole(text: &str) -> bool {
    escaped_bytes(text).all(|byte| byte.is_some())
}

/// The values of all percent escapes; `None` for broken ones.
fn escaped_bytes(text: &str) -> impl Iterator<Item = Option<u8>> {
    text.split('%').skip(1).map(|behind| {
        let digits = behind.get(..2).filter(|two| two.bytes().all(|b| b.is_ascii_hexdigit()))?;
        u8::from_str_radix(digits, 16).ok()
    })
}

#[cfg(test)]
mod tests;

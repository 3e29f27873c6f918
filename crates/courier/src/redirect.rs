//! Where a redirect leads, and what may be taken along.
//!
//! The rules of Go's client: 301, 302 and 303 turn a request into a GET without a body; 307 and 308
//! repeat it. Once a chain has left the first host and its subdomains, credentials stay behind for
//! the rest of it, also if it comes back.
//!
//! Compat: secrets of `http_headers` are credentials too; see docs/compat.md#redirects.

use http::Method;
use http::header::{HeaderMap, LOCATION};
use url::{Host, Url};

/// Limit: requests in one chain, the first included.
pub const CHAIN_MAX: usize = 10;

/// What the next request of a chain looks like.
#[derive(Debug, PartialEq, Eq)]
pub struct Redirect {
    pub url: Url,
    pub method: Method,
    pub keep_body: bool,
}

/// Why a redirect cannot be followed: its `Location` is not a URL.
#[derive(Debug, PartialEq, Eq)]
pub struct BadLocation;

/// The request that the answer to a `method` request for `url` asks for, if any.
///
/// A redirect that names no place is an answer like any other.
pub fn next(
    method: &Method,
    url: &Url,
    status: u16,
    headers: &HeaderMap,
) -> Result<Option<Redirect>, BadLocation> {
    let repeats = match status {
        301..=303 => false,
        307 | 308 => true,
        _ => return Ok(None),
    };
    let Some(location) = headers.get(LOCATION).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let location = location.to_str().map_err(|_| BadLocation)?;
    let target = url.join(location).map_err(|_| BadLocation)?;
    let method = if repeats { method.clone() } else { Method::GET };
    Ok(Some(Redirect { url: target, method, keep_body: repeats }))
}

/// Whether `url` still belongs to the host that the chain began at, or to a subdomain of it.
pub fn is_same_site(first: &Url, url: &Url) -> bool {
    match (first.host(), url.host()) {
        (Some(Host::Domain(first)), Some(Host::Domain(host))) => {
            host == first || host.strip_suffix(first).is_some_and(|rest| rest.ends_with('.'))
        }
        (first, host) => first.is_some() && first == host,
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use http::header::{HeaderMap, HeaderValue, LOCATION};
    use url::Url;

    use super::{BadLocation, Redirect, is_same_site, next};

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a fixed URL")
    }

    fn after(status: u16, location: Option<&[u8]>) -> Result<Option<Redirect>, BadLocation> {
        let mut headers = HeaderMap::new();
        if let Some(location) = location {
            headers.insert(LOCATION, HeaderValue::from_bytes(location).expect("a header's bytes"));
        }
        next(&Method::PUT, &url("https://a.example/x/y?z"), status, &headers)
    }

    #[test]
    fn the_status_decides_what_is_repeated() {
        for (status, method, keep_body) in [
            (301, Method::GET, false),
            (302, Method::GET, false),
            (303, Method::GET, false),
            (307, Method::PUT, true),
            (308, Method::PUT, true),
        ] {
            let expected = Redirect { url: url("https://a.example/x/n"), method, keep_body };
            assert_eq!(after(status, Some(b"n")), Ok(Some(expected)), "{status}");
        }
        for status in [200, 300, 304, 305, 306, 400, 500] {
            assert_eq!(after(status, Some(b"n")), Ok(None), "{status}");
        }
    }

    #[test]
    fn a_redirect_to_nowhere_is_an_answer_and_one_to_nonsense_an_error() {
        assert_eq!(after(302, None), Ok(None));
        assert_eq!(after(302, Some(b"")), Ok(None));
        assert_eq!(after(302, Some(b"http://[")), Err(BadLocation));
        assert_eq!(after(302, Some(b"/\xff")), Err(BadLocation));
    }

    #[test]
    fn only_the_same_host_and_its_subdomains_are_home() {
        let check = |first: &str, other: &str, expected: bool| {
            assert_eq!(is_same_site(&url(first), &url(other)), expected, "{first} {other}");
        };
        check("http://a.example/x", "https://A.example:99/y", true);
        check("http://a.example", "http://b.a.example", true);
        check("http://a.example", "http://example", false);
        check("http://a.example", "http://ba.example", false);
        check("http://127.0.0.1", "http://127.0.0.1:1", true);
        check("http://127.0.0.1", "http://127.0.0.2", false);
        check("http://[::1]", "http://[::1]/", true);
        check("http://127.0.0.1", "http://localhost", false);
    }
}

//! `--alertmanager.url`: which server is meant.

use bellwether_encoding::go_url::parse_url;
use bellwether_encoding::url as encode;
use percent_encoding::percent_decode_str;

/// The parts of the URL that requests are made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUrl {
    /// `http` unless it was given.
    pub scheme: String,
    /// With the port; `localhost:9093` unless it was given.
    pub host: String,
    /// Without a slash at its end: what stands before `/api/v2`.
    pub prefix: String,
    /// User name and password, decoded.
    pub user: Option<(String, String)>,
}

impl ServerUrl {
    /// # Errors
    /// `invalid URL: parse "…": …`
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = parse_url(text).map_err(|reason| {
            let shown = bellwether_model::quote::quoted(text);
            format!("invalid URL: parse {shown}: {}", in_gos_words(&reason, text))
        })?;
        let behind_scheme = text.split_once("//").map_or(text, |(_, rest)| rest);
        let has_host = !url.host.is_empty();
        let end = behind_scheme.find(['/', '?', '#']).unwrap_or(behind_scheme.len());
        let (authority, path) = match has_host {
            true => behind_scheme.split_at(end),
            false => ("", text),
        };
        let user = authority.rsplit_once('@').map(|(user, _)| {
            let (name, password) = user.split_once(':').unwrap_or((user, ""));
            let decoded = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
            (decoded(name), decoded(password))
        });
        let scheme = if url.scheme.is_empty() { "http".to_owned() } else { url.scheme };
        let is_opaque = !has_host && !text.starts_with('/') && text.contains(':');
        let path = if is_opaque { "" } else { path };
        Ok(ServerUrl {
            scheme,
            host: if has_host { url.host } else { "localhost:9093".to_owned() },
            prefix: cleaned(path.split(['?', '#']).next().unwrap_or_default()),
            user,
        })
    }

    /// The URL of an endpoint: `path` begins with a slash, `query` is encoded.
    pub fn endpoint(&self, path: &str, query: &str) -> String {
        let ServerUrl { scheme, host, prefix, .. } = self;
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{scheme}://{host}{prefix}/api/v2{path}{mark}{query}")
    }
}

/// The path without `.`, `..`, and double slashes, encoded.
fn cleaned(path: &str) -> String {
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    let mut kept: Vec<&str> = Vec::new();
    for part in decoded.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            part => kept.push(part),
        }
    }
    let mut out = String::new();
    for part in kept {
        out.push('/');
        out.push_str(&encode::path(part.as_bytes()));
    }
    out
}

/// Go names the port that is none, and quotes differently.
fn in_gos_words(reason: &str, text: &str) -> String {
    if let Some(rest) = reason.strip_prefix("invalid character '")
        && let Some((c, rest)) = rest.rsplit_once('\'')
    {
        return format!("invalid character \"{c}\"{rest}");
    }
    if reason != "invalid port after host" {
        return reason.to_owned();
    }
    let behind_scheme = text.split_once("//").map_or(text, |(_, rest)| rest);
    let host = behind_scheme.split(['/', '?', '#']).next().unwrap_or_default();
    let port = host.rfind(':').map_or("", |at| &host[at..]);
    format!("invalid port {} after host", bellwether_model::quote::quoted(port))
}

#[cfg(test)]
mod tests {
    use super::ServerUrl;

    #[test]
    fn a_host_and_a_scheme_may_be_missing() {
        let endpoint = |text| ServerUrl::parse(text).map(|url| url.endpoint("/alerts", ""));
        let found = |text: &str| Ok(text.to_owned());
        assert_eq!(endpoint("http://a:1"), found("http://a:1/api/v2/alerts"));
        assert_eq!(endpoint("https://u:p@a/x/../y//"), found("https://a/y/api/v2/alerts"));
        assert_eq!(endpoint("foo"), found("http://localhost:9093/foo/api/v2/alerts"));
        assert_eq!(endpoint("//foo:1"), found("http://foo:1/api/v2/alerts"));
        let user = ServerUrl::parse("http://u%40x:p%3a@a").expect("a URL").user;
        assert_eq!(user, Some(("u@x".to_owned(), "p:".to_owned())));
        let refused = ServerUrl::parse("http://localhost:abc");
        let reason =
            "invalid URL: parse \"http://localhost:abc\": invalid port \":abc\" after host";
        assert_eq!(refused, Err(reason.to_owned()));
    }
}

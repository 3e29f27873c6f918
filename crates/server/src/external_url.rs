//! The URL under which this server is reached from outside, and the prefix of its own routes.

/// A URL without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalUrl {
    text: String,
    path: String,
}

impl ExternalUrl {
    /// Reads `--web.external-url`; `None` if it is not a URL for HTTP, with the reason.
    pub fn parse(given: &str) -> Result<Self, String> {
        let scheme = match given.split_once(':') {
            Some((scheme, _)) if scheme.chars().all(|c| c.is_ascii_alphanumeric()) => {
                scheme.to_ascii_lowercase()
            }
            _ => String::new(),
        };
        if scheme != "http" && scheme != "https" {
            return Err(format!(
                "{given:?}: invalid {scheme:?} scheme, only 'http' and 'https' are supported"
            ));
        }
        let refused = |why| format!("parse {given:?}: {why}");
        if given.chars().any(|c| c.is_control() || c == ' ') {
            return Err(refused("invalid character in URL"));
        }
        let rest =
            given[scheme.len() + 1..].strip_prefix("//").ok_or_else(|| refused("no host"))?;
        let (rest, tail) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = path.trim_end_matches('/').to_owned();
        Ok(ExternalUrl { text: format!("{scheme}://{host}{path}{tail}"), path })
    }

    /// The default, from the name of the host.
    pub fn derived(host_name: &str, port: u16) -> Self {
        ExternalUrl { text: format!("http://{host_name}:{port}"), path: String::new() }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The prefix of all routes: `--web.route-prefix` if given, else this URL's path; `/` or
    /// without a slash at its end.
    pub fn route_prefix(&self, given: &str) -> String {
        let prefix = if given.is_empty() { &self.path } else { given };
        format!("/{}", prefix.trim_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::ExternalUrl;

    #[test]
    fn slashes_at_the_end_are_dropped() {
        let cases = [
            ("http://am.example", "http://am.example", "/"),
            ("https://am.example:1/", "https://am.example:1", "/"),
            ("HTTP://am.example/a/b//", "http://am.example/a/b", "/a/b"),
            ("http://am.example/a/?x=y", "http://am.example/a?x=y", "/a"),
        ];
        for (given, text, prefix) in cases {
            let url = ExternalUrl::parse(given).unwrap();
            assert_eq!((url.as_str(), url.route_prefix("").as_str()), (text, prefix));
        }
    }

    #[test]
    fn other_schemes_are_refused() {
        for (given, scheme) in [("ftp://x", "ftp"), ("x", ""), ("", ""), ("/a:b", "")] {
            let expected = format!(
                "{given:?}: invalid {scheme:?} scheme, only 'http' and 'https' are supported"
            );
            assert_eq!(ExternalUrl::parse(given), Err(expected));
        }
    }

    #[test]
    fn a_given_prefix_wins() {
        let url = ExternalUrl::derived("host", 9093);
        assert_eq!(url.as_str(), "http://host:9093");
        assert_eq!(url.route_prefix("/x/y/"), "/x/y");
        assert_eq!(url.route_prefix("//"), "/");
    }
}

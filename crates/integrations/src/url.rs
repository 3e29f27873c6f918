//! URLs made from parts, escaped as Go's `net/url` escapes them.
//!
//! In: the URL that an operator wrote, and what a receiver wants behind it. Out: the URL to request. What
//! stands behind `?` stays there, and a fragment, which no request carries, is dropped.

use bellwether_encoding::url as escape;

/// `url` with `path` behind its own; the path is escaped here, but for its slashes.
pub fn with_path(url: &str, path: &str) -> String {
    let (own_path, query) = parted(url);
    let mut out = own_path.to_owned();
    out.push_str(&escape::path(path.as_bytes()));
    if let Some(query) = query {
        out.push('?');
        out.push_str(query);
    }
    out
}

/// `url` with one more parameter; all parameters are then sorted by name.
pub fn with_parameter(url: &str, name: &str, value: &str) -> String {
    let (path, parameters) = parted(url);
    let parameters = parameters.unwrap_or_default().split('&').filter(|one| !one.is_empty());
    let mut parameters: Vec<String> = parameters.map(str::to_owned).collect();
    parameters.push(query(&[(name, value)]));
    parameters.sort_by(|a, b| name_of(a).cmp(name_of(b)));
    format!("{path}?{}", parameters.join("&"))
}

/// Parameters as they stand behind `?`, in the order given.
pub fn query(parameters: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (name, value) in parameters {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(&escape::query(name));
        out.push('=');
        out.push_str(&escape::query(value));
    }
    out
}

fn parted(url: &str) -> (&str, Option<&str>) {
    let url = url.split_once('#').map_or(url, |(before, _)| before);
    url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)))
}

fn name_of(parameter: &str) -> &str {
    parameter.split_once('=').map_or(parameter, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::{query, with_parameter, with_path};

    #[test]
    fn a_path_is_appended_to_that_of_the_url() {
        assert_eq!(with_path("http://h/a/", "b/c"), "http://h/a/b/c");
        assert_eq!(with_path("http://h/?x=/1#f", "b"), "http://h/b?x=/1");
        assert_eq!(
            with_path("http://h/", "a b?c#d%41!*()'[ü]&=+$,:;@~-_."),
            "http://h/a%20b%3Fc%23d%2541%21%2A%28%29%27%5B%C3%BC%5D&=+$,:;@~-_."
        );
    }

    #[test]
    fn parameters_are_sorted_and_escaped() {
        assert_eq!(with_parameter("http://h/a", "n", "v"), "http://h/a?n=v");
        assert_eq!(
            with_parameter("http://h/a?q=1&b=x+y", "n", "é"),
            "http://h/a?b=x+y&n=%C3%A9&q=1"
        );
        let pairs = [("message", "a b\n&=+"), ("title", "~!*()' +-_."), ("url", "")];
        assert_eq!(query(&pairs), "message=a+b%0A%26%3D%2B&title=~%21%2A%28%29%27+%2B-_.&url=");
    }
}

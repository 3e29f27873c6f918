//! Escaping text for the parts of a URL, as Go's `net/url` does.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode, utf8_percent_encode};

/// A name or value of a query, as Go's `url.QueryEscape` writes it: a space becomes `+`.
pub fn query(text: &str) -> String {
    query_pieces(text.as_bytes()).collect()
}

/// As [`query`], piece by piece, for text that need not be UTF-8.
pub fn query_pieces(text: &[u8]) -> impl Iterator<Item = &str> {
    percent_encode(text, NOT_UNRESERVED).map(|piece| if piece == "%20" { "+" } else { piece })
}

/// Any one part of a URL: only characters without a meaning in URLs stay, and a space becomes `%20`.
pub fn component(text: &str) -> String {
    utf8_percent_encode(text, NOT_UNRESERVED).to_string()
}

/// A path, as Go's `url.URL` writes it: slashes and what may stand between them stay.
pub fn path(text: &[u8]) -> String {
    percent_encode(text, NOT_IN_PATH).to_string()
}

/// All but the unreserved characters of RFC 3986.
const NOT_UNRESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

const NOT_IN_PATH: &AsciiSet = &NOT_UNRESERVED
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b',')
    .remove(b'/')
    .remove(b':')
    .remove(b';')
    .remove(b'=')
    .remove(b'@');

#[cfg(test)]
mod tests {
    use super::{component, path, query, query_pieces};

    #[test]
    fn query_escapes_all_but_unreserved_and_writes_spaces_as_plus() {
        assert_eq!(query("a b\n&=+"), "a+b%0A%26%3D%2B");
        assert_eq!(query("~!*()' +-_.é"), "~%21%2A%28%29%27+%2B-_.%C3%A9");
        assert_eq!(query_pieces(b"\xff /").collect::<String>(), "%FF+%2F");
    }

    #[test]
    fn component_writes_spaces_in_hex() {
        assert_eq!(component("a b+/%"), "a%20b%2B%2F%25");
    }

    #[test]
    fn path_keeps_what_has_a_meaning_there() {
        assert_eq!(
            path("a b?c#d%41!*()'[ü]&=+$,:;@~-_./".as_bytes()),
            "a%20b%3Fc%23d%2541%21%2A%28%29%27%5B%C3%BC%5D&=+$,:;@~-_./"
        );
    }
}

//! The query of a GET, as Go reads it: what cannot be read is left out.

use percent_encoding::percent_decode_str;

pub(crate) struct Query(Vec<(Vec<u8>, Vec<u8>)>);

impl Query {
    pub fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty() && !pair.contains(';'));
        let read = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decoded(name)?, decoded(value)?))
        };
        Query(pairs.filter_map(read).collect())
    }

    /// The first value of this name.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find(|(known, _)| known == name.as_bytes()).map(|(_, value)| &**value)
    }

    /// As text; empty if there is none.
    pub fn text(&self, name: &str) -> String {
        String::from_utf8_lossy(self.get(name).unwrap_or_default()).into_owned()
    }
}

/// `None` if a percent sign is not followed by two hexadecimal digits.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let well_formed = text
        .split('%')
        .skip(1)
        .all(|behind| behind.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2);
    well_formed.then(|| percent_decode_str(&text.replace('+', " ")).collect())
}

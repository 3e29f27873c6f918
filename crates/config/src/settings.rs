//! A flat map from names to texts: the configuration file of a command line client.

use std::collections::BTreeMap;

use crate::block::{BlockReader, FieldValue};
use crate::error::{Error, Errors};
use crate::yaml::Document;
use bellwether_model::MatcherMode;

/// Reads the map; an empty text is an empty map. Numbers and booleans are taken as they are written.
pub fn parse_settings(text: &str) -> Result<BTreeMap<String, String>, Errors> {
    let document = Document::load(text)?;
    let mut settings: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut reader = BlockReader::new(&document, MatcherMode::default());
    if let Some(root) = document.root().filter(|root| !document.is_null(*root)) {
        settings.decode(&mut reader, root);
    }
    let (errors, _): (Vec<Error>, _) = reader.finish();
    Errors::refuse_any(errors)?;
    Ok(settings.into_iter().map(|(name, text)| (name, text.unwrap_or_default())).collect())
}

#[cfg(test)]
mod tests {
    use super::parse_settings;

    #[test]
    fn scalars_are_texts_and_nothing_else_is() {
        let settings = parse_settings("a: http://x:1\nb: false\nc: 5\nd:\n").expect("a flat map");
        let settings: Vec<_> = settings.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(settings, [("a", "http://x:1"), ("b", "false"), ("c", "5"), ("d", "")]);
        assert!(parse_settings("").expect("an empty file").is_empty());
        assert!(parse_settings("a: [1]").is_err());
        assert!(parse_settings("text").is_err());
    }
}

//! Template files, from their globs to templates.

use std::path::Path;

use bellwether_integrations::Templates;
use bellwether_integrations::templates::ReadYaml;

use crate::files;

/// Reads and parses the files: glob by glob, sorted by path in each.
///
/// # Errors
/// If a glob is none, or a file cannot be read or is not a template.
pub fn load(globs: &[String]) -> Result<Templates, String> {
    let mut texts = Vec::new();
    for pattern in globs {
        let paths = glob::glob_with(pattern, OPTIONS);
        for path in paths.map_err(|_| "syntax error in pattern".to_owned())? {
            let path = path.map_err(|error| error.to_string())?;
            let text = files::read(&path.to_string_lossy())?;
            let name = path.file_name().unwrap_or_else(|| Path::new("").as_os_str());
            texts.push((name.to_string_lossy().into_owned(), text));
        }
    }
    let read_yaml = ReadYaml(bellwether_config::read_value);
    let texts = texts.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    Templates::load("", read_yaml, texts).map_err(|error| error.text)
}

/// As Go's file globs: a star stops at a slash, and a leading dot is nothing special.
const OPTIONS: glob::MatchOptions = glob::MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

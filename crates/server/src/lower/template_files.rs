//! The operator's template files, from their globs to their texts.
//!
//! A glob that matches nothing is fine: the files may be put there later. An invalid
//! glob and a file that cannot be read are errors.

use std::path::Path;

/// Pairs of a file's name without its folder and its text: glob by glob, sorted by path in each.
pub fn read(globs: &[String]) -> Result<Vec<(String, String)>, String> {
    let mut files = Vec::new();
    for pattern in globs {
        let paths = glob::glob_with(pattern, OPTIONS)
            .map_err(|error| format!("failed to parse templates: {pattern:?}: {error}"))?;
        for path in paths {
            let path = path.map_err(|error| format!("failed to parse templates: {error}"))?;
            files.push(read_file(&path)?);
        }
    }
    Ok(files)
}

fn read_file(path: &Path) -> Result<(String, String), String> {
    let failed = |error: String| format!("failed to parse templates: {}: {error}", path.display());
    let bytes = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| failed("it is not valid UTF-8".into()))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok((name, text))
}

/// As Go's file globs: a star stops at a slash, and a leading dot is nothing special.
const OPTIONS: glob::MatchOptions = glob::MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

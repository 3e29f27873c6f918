//! The operator's template files, from their globs to their texts.
//!
//! A glob that matches nothing is fine: the files may be put there later. An invalid
//! glob and a file that cannot be read are errors.

use std::path::Path;

use tracing::warn;

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
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok((name, text(path, bytes)))
}

/// Compat: a file in another encoding is used as it is, and each byte that is not UTF-8 is shown as
/// U+FFFD.
fn text(path: &Path, bytes: Vec<u8>) -> String {
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return text,
        Err(error) => error.into_bytes(),
    };
    let mut text = String::with_capacity(bytes.len());
    let mut first_line = None;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            first_line.get_or_insert_with(|| text.matches('\n').count() + 1);
        }
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    warn!(
        component = "configuration", file = %path.display(), line = first_line,
        "Template file is not in UTF-8; the characters that cannot be read will be shown as U+FFFD"
    );
    text
}

/// As Go's file globs: a star stops at a slash, and a leading dot is nothing special.
const OPTIONS: glob::MatchOptions = glob::MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::text;

    #[test]
    fn files_in_other_encodings_are_used_as_they_are() {
        let check = |bytes: &[u8], expected: &str| {
            assert_eq!(text(Path::new("a.tmpl"), bytes.to_vec()), expected);
        };
        check("gr\u{fc}n {{ .Status }}".as_bytes(), "gr\u{fc}n {{ .Status }}");
        check(b"gr\xfcn {{ .Status }} \x80\n", "gr\u{fffd}n {{ .Status }} \u{fffd}\n");
    }
}

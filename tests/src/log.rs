//! What is in a log line?
//!
//! Reads lines in the form that slog's and go-kit's text handlers share (`key=value`, values quoted
//! when they need it), just far enough to find a field.

/// The value of `key` in a line, unquoted.
pub fn field(line: &str, key: &str) -> Option<String> {
    let mut rest = line;
    loop {
        rest = rest.trim_start();
        let (name, value) = rest.split_once('=')?;
        let (value, after) = split_value(value)?;
        if name == key {
            return Some(value);
        }
        rest = after;
    }
}

/// Whether an operator has to read this line: its level is WARN or ERROR.
pub fn is_alarming(line: &str) -> bool {
    field(line, "level").is_some_and(|level| {
        level.eq_ignore_ascii_case("warn") || level.eq_ignore_ascii_case("error")
    })
}

fn split_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(' ').unwrap_or(text.len());
        return Some((text[..end].to_owned(), &text[end..]));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

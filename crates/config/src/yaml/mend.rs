//! White space that the format's older dialect allows and the parser does not.
//!
//! Compat: a tab behind a key's colon, and lines inside brackets or quotes that are indented less
//! than what surrounds them (`group_by: [` … `]` with the bracket at the start of the line). Both
//! are common in files. Where the parser complains about one, and only there, since in a text a tab
//! must stay, white space is put in its place that means the same and moves no line; then the text
//! is read again.

use saphyr_parser::ScanError;

/// `None` if the error is about something else.
pub(super) fn mend(text: &mut String, error: &ScanError) -> Option<()> {
    let marker = error.marker();
    match error.info() {
        "':' must be followed by a valid YAML whitespace" => {
            let at = text.char_indices().nth(marker.index()).map_or(text.len(), |(at, _)| at);
            let tab = text[..at].rfind(":\t")? + 1;
            text.replace_range(tab..=tab, " ");
            Some(())
        }
        "invalid indentation" | "invalid indentation in flow construct" => {
            let start = line_start(text, marker.line())?;
            text.insert_str(start, INDENTATION);
            Some(())
        }
        // Named is the quote's line; wrong is some line behind it. The column of the quote is
        // enough for all of them.
        "invalid indentation in quoted scalar" => {
            let mut start = line_start(text, marker.line() + 1)?;
            loop {
                let line = text[start..].lines().next()?;
                let indentation = line.len() - line.trim_start_matches(' ').len();
                if indentation <= marker.col() && indentation < line.len() {
                    let missing = marker.col() + 1 - indentation;
                    text.insert_str(start, &" ".repeat(missing));
                    return Some(());
                }
                start += text[start..].find('\n')? + 1;
            }
        }
        _ => None,
    }
}

/// Of the line with this number, counted from 1.
fn line_start(text: &str, number: usize) -> Option<usize> {
    match number.checked_sub(2) {
        None => Some(0),
        Some(nth_end) => text.match_indices('\n').nth(nth_end).map(|(at, _)| at + 1),
    }
}

/// Put in again until it is enough.
const INDENTATION: &str = "                ";

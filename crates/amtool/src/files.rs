//! Files by name, with the errors that Go programs print.

use std::fs;
use std::io::{self, Read};

/// Reads a file as text; bytes that are not UTF-8 are replaced.
///
/// # Errors
/// `open x: no such file or directory`
pub fn read(path: &str) -> Result<String, String> {
    let bytes = read_bytes(path)?;
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// Reads a file of at most [`FILE_MAX_BYTES`].
pub fn read_bytes(path: &str) -> Result<Vec<u8>, String> {
    let file = fs::File::open(path).map_err(|error| open_error(path, &error))?;
    read_limited(file, path)
}

/// Reads to the end, but not beyond [`FILE_MAX_BYTES`].
pub fn read_limited(source: impl Read, name: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = source.take(FILE_MAX_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("read {name}: {}", describe(&error)))?;
    if bytes.len() as u64 > FILE_MAX_BYTES {
        return Err(format!("{name} is larger than {} MiB", FILE_MAX_BYTES >> 20));
    }
    Ok(bytes)
}

pub fn open_error(path: &str, error: &io::Error) -> String {
    format!("open {path}: {}", describe(error))
}

pub fn stat_error(path: &str, error: &io::Error) -> String {
    format!("stat {path}: {}", describe(error))
}

/// The system's words, as Go spells them: in lower case and without the number.
fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_lowercase().chain(letters).collect())
}

/// Limit: of a file with silences, and of any other that is read.
const FILE_MAX_BYTES: u64 = 256 << 20;

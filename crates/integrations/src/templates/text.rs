//! Template functions on texts and numbers that take more than a line.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use bellwether_template::{Value, sprintf};

use super::time::Span;

/// Each word with a large first letter and small others.
///
/// Words are those of Unicode's text segmentation as far as it matters here: letters, digits and
/// underscores, with single apostrophes, points and the like between them.
pub(super) fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_word = false;
    let mut began = false;
    let mut chars = text.chars().peekable();
    let mut before = None;
    while let Some(c) = chars.next() {
        let joins = in_word
            && is_joint(c)
            && before.is_some_and(char::is_alphanumeric)
            && chars.peek().is_some_and(|next| next.is_alphanumeric());
        if c.is_alphanumeric() || c == '_' || joins {
            if !in_word {
                (in_word, began) = (true, false);
            }
            // The first letter counts, wherever it stands in the word.
            if c.is_alphabetic() && !began {
                push_title(&mut out, c);
                began = true;
            } else {
                out.extend(c.to_lowercase());
            }
        } else {
            in_word = false;
            out.push(c);
        }
        before = Some(c);
    }
    out
}

/// Each character by itself, as Go does: `ß` has no large form of one letter and stays.
pub(super) fn upper(text: &str) -> String {
    text.chars().map(|c| single(c, c.to_uppercase())).collect()
}

pub(super) fn lower(text: &str) -> String {
    // The one letter whose small form is another one with a mark.
    text.chars().map(|c| if c == 'İ' { 'i' } else { single(c, c.to_lowercase()) }).collect()
}

fn single(c: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(mapped), None) => mapped,
        _ => c,
    }
}

/// What may stand inside a word.
fn is_joint(c: char) -> bool {
    matches!(c, '\'' | '.' | ':' | '\u{b7}' | '\u{2018}' | '\u{2019}' | '\u{2027}')
}

fn push_title(out: &mut String, c: char) {
    match c {
        'ß' => out.push_str("Ss"),
        'ǆ' | 'Ǆ' => out.push('ǅ'),
        'ǉ' | 'Ǉ' => out.push('ǈ'),
        'ǌ' | 'Ǌ' => out.push('ǋ'),
        'ǳ' | 'Ǳ' => out.push('ǲ'),
        c => {
            let mut upper = c.to_uppercase();
            out.extend(upper.next());
            out.extend(upper.flat_map(char::to_lowercase));
        }
    }
}

/// What a part of a URL's query says.
pub(super) fn url_unescaped(text: &Value) -> Result<Vec<u8>, String> {
    let bytes = bytes(text);
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, behind)) = rest.split_first() {
        rest = match first {
            b'%' => {
                let digits = behind.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
                let digits = digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
                let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                let shown = || String::from_utf8_lossy(&rest[..rest.len().min(3)]).into_owned();
                out.push(byte.ok_or_else(|| format!("invalid URL escape {:?}", shown()))?);
                &behind[2..]
            }
            b'+' => {
                out.push(b' ');
                behind
            }
            other => {
                out.push(*other);
                behind
            }
        };
    }
    Ok(out)
}

/// The alphabet for URLs, with padding; line feeds are passed over.
pub(super) fn base64_decoded(text: &str) -> Result<Value, String> {
    let plain: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let decoded = URL_SAFE.decode(&plain);
    decoded.map(Value::text).map_err(|error| {
        let at = match error {
            base64::DecodeError::InvalidByte(at, _)
            | base64::DecodeError::InvalidLastSymbol(at, _) => at,
            base64::DecodeError::InvalidLength(_) | base64::DecodeError::InvalidPadding => {
                plain.trim_end_matches('=').len() / 4 * 4
            }
        };
        format!("illegal base64 data at input byte {at}")
    })
}

/// `1d 2h 3m 4s`, `1.5s`, `20ms`: a number of seconds, or a duration.
pub(super) fn humanized(value: &Value) -> Result<String, String> {
    let seconds = seconds(value)?;
    let number = |value: f64| sprintf("%.4g", &[Value::Float(value)]);
    if !seconds.is_finite() {
        return Ok(number(seconds));
    }
    let magnitude = seconds.abs();
    let sign = if seconds < 0.0 { "-" } else { "" };
    if seconds == 0.0 || (1.0..60.0).contains(&magnitude) {
        return Ok(format!("{sign}{}s", number(magnitude)));
    }
    if magnitude >= 60.0 {
        // Go's conversion of what is too large for an integer.
        let whole = if magnitude < 9.3e18 { magnitude as i64 } else { i64::MIN };
        let (days, hours) = (whole / 86_400, whole / 3600 % 24);
        let (minutes, seconds) = (whole / 60 % 60, whole % 60);
        return Ok(match (days, hours) {
            (0, 0) => format!("{sign}{minutes}m {seconds}s"),
            (0, hours) => format!("{sign}{hours}h {minutes}m {seconds}s"),
            (days, hours) => format!("{sign}{days}d {hours}h {minutes}m {seconds}s"),
        });
    }
    let (mut small, mut prefix) = (seconds, "");
    for next in ["m", "u", "n", "p", "f", "a", "z", "y"] {
        if small.abs() >= 1.0 {
            break;
        }
        (small, prefix) = (small * 1000.0, next);
    }
    Ok(format!("{}{prefix}s", number(small)))
}

fn seconds(value: &Value) -> Result<f64, String> {
    match value {
        Value::Float(value) => Ok(*value),
        Value::Int(value) => Ok(*value as f64),
        Value::Uint(value) => Ok(*value as f64),
        Value::Text(text) => {
            let text = text.to_str();
            text.parse()
                .map_err(|_| format!("strconv.ParseFloat: parsing {text:?}: invalid syntax"))
        }
        Value::Object(object) if object.downcast::<Span>().is_some() => {
            let nanos = object.downcast::<Span>().map_or(0, |span| span.0);
            Ok((nanos / 1_000_000_000) as f64 + (nanos % 1_000_000_000) as f64 / 1e9)
        }
        other => Err(format!("can't convert {} to float", other.type_name())),
    }
}

pub(super) fn bytes(value: &Value) -> &[u8] {
    match value {
        Value::Text(text) | Value::Trusted(_, text) => text.as_bytes(),
        _ => &[],
    }
}

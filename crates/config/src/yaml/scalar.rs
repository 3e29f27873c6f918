//! What a scalar's text means where a number, a boolean or nothing is wanted.
//!
//! The rules are those of YAML 1.1 as the format's users know them: `yes` and `on` are true, `0777`
//! is octal, `1_000` a thousand, `~` and the empty text nothing; quotes and block style make it a
//! text. Numbers to base 60 are not read: `1:30` is a text. A field that wants a text takes any
//! scalar's text as written and does not ask.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// Only what does not fit `Int`.
    Uint(u64),
    Float(f64),
    Text,
    /// The text that a `!!binary` scalar encodes.
    Decoded(String),
}

impl Scalar {
    /// The short tag that error texts use.
    pub(crate) fn tag(&self) -> &'static str {
        match self {
            Scalar::Null => "!!null",
            Scalar::Bool(_) => "!!bool",
            Scalar::Int(_) | Scalar::Uint(_) => "!!int",
            Scalar::Float(_) => "!!float",
            Scalar::Text => "!!str",
            Scalar::Decoded(_) => "!!binary",
        }
    }
}

/// An explicit tag decides only whether the plain reading is right; it converts nothing but
/// integers to floats, and base 64 to text.
pub(crate) fn resolve(text: &str, plain: bool, tag: Option<&str>) -> Result<Scalar, String> {
    let Some(tag) = tag else {
        return Ok(if plain { resolve_plain(text) } else { Scalar::Text });
    };
    match tag {
        STR_TAG => Ok(Scalar::Text),
        BINARY_TAG => decode_binary(text),
        BOOL_TAG | INT_TAG | FLOAT_TAG | NULL_TAG => {
            let scalar = match (tag, resolve_plain(text)) {
                (FLOAT_TAG, Scalar::Int(number)) => Scalar::Float(number as f64),
                (_, scalar) => scalar,
            };
            let short = tag.replace("tag:yaml.org,2002:", "!!");
            if scalar.tag() == short {
                Ok(scalar)
            } else {
                Err(format!("cannot decode {} `{text}` as a {short}", scalar.tag()))
            }
        }
        // Dates are texts, and the meaning of an unknown tag is unknown.
        _ => Ok(Scalar::Text),
    }
}

fn decode_binary(text: &str) -> Result<Scalar, String> {
    let packed: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let bytes = STANDARD
        .decode(packed)
        .map_err(|_| "!!binary value contains invalid base64 data".to_owned())?;
    let text =
        String::from_utf8(bytes).map_err(|_| "!!binary value is not valid UTF-8".to_owned())?;
    Ok(Scalar::Decoded(text))
}

pub(crate) fn resolve_plain(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        _ => number(text).unwrap_or(Scalar::Text),
    }
}

fn number(text: &str) -> Option<Scalar> {
    match text.as_bytes().first()? {
        b'.' => float(text).map(Scalar::Float),
        b'+' | b'-' | b'0'..=b'9' => {
            let digits = text.replace('_', "");
            integer(&digits).or_else(|| float(&digits).map(Scalar::Float))
        }
        _ => None,
    }
}

/// With an optional sign and the prefixes `0x`, `0b`, `0o` and `0` (octal too).
fn integer(text: &str) -> Option<Scalar> {
    let (negative, magnitude) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (base, digits) = match magnitude.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &magnitude[2..]),
        [b'0', b'b' | b'B', ..] => (2, &magnitude[2..]),
        [b'0', b'o' | b'O', ..] => (8, &magnitude[2..]),
        [b'0', _, ..] => (8, &magnitude[1..]),
        _ => (10, magnitude),
    };
    // A second sign would be taken by the standard library.
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let value = u64::from_str_radix(digits, base).ok()?;
    match (negative, i64::try_from(value)) {
        (false, Ok(value)) => Some(Scalar::Int(value)),
        // A plus sign is read only where the number fits.
        (false, Err(_)) if text.starts_with('+') => None,
        (false, Err(_)) => Some(Scalar::Uint(value)),
        (true, Ok(value)) => Some(Scalar::Int(-value)),
        (true, Err(_)) => (value == i64::MIN.unsigned_abs()).then_some(Scalar::Int(i64::MIN)),
    }
}

/// Decimal digits with at most one point, and an exponent if wished; nothing else that the standard
/// library would take.
fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        None => (unsigned, None),
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_is_fine = exponent.is_none_or(|exponent| {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !unsigned.is_empty() && digits(unsigned)
    });
    if !digits(whole) || !digits(fraction) || !exponent_is_fine {
        return None;
    }
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

const STR_TAG: &str = "tag:yaml.org,2002:str";
const BINARY_TAG: &str = "tag:yaml.org,2002:binary";
const BOOL_TAG: &str = "tag:yaml.org,2002:bool";
const INT_TAG: &str = "tag:yaml.org,2002:int";
const FLOAT_TAG: &str = "tag:yaml.org,2002:float";
pub(crate) const NULL_TAG: &str = "tag:yaml.org,2002:null";
pub(crate) const MERGE_TAG: &str = "tag:yaml.org,2002:merge";

#[cfg(test)]
mod tests;

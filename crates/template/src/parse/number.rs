//! What is the value of a constant?
//!
//! A number has no type until it meets a parameter: `1` can be an integer or a float, `1.0` too,
//! `1e400` is neither. So a constant keeps each reading that is possible.

use super::quote::{Unit, quote, unescape};

/// A number, character or complex constant.
#[derive(Clone, Debug)]
pub(crate) struct Number {
    pub text: Box<str>,
    pub int: Option<i64>,
    pub uint: Option<u64>,
    pub float: Option<f64>,
    pub complex: Option<(f64, f64)>,
}

impl Number {
    /// Reads `'x'`.
    pub fn parse_char(text: &str) -> Result<Self, String> {
        let invalid = || "invalid syntax".to_owned();
        let (unit, rest) = unescape(text.get(1..).unwrap_or_default(), '\'').ok_or_else(invalid)?;
        if rest != "'" {
            return Err(format!("malformed character constant: {text}"));
        }
        let code = match unit {
            Unit::Byte(byte) => u32::from(byte),
            Unit::Char(char) => u32::from(char),
        };
        Ok(Self {
            text: text.into(),
            int: Some(code.into()),
            uint: Some(code.into()),
            float: Some(code.into()),
            complex: None,
        })
    }

    /// Reads `1+2i`.
    pub fn parse_complex(text: &str) -> Result<Self, String> {
        let split = text
            .char_indices()
            .skip(1)
            .filter(|(at, sign)| {
                matches!(sign, '+' | '-')
                    && !text.get(..*at).is_some_and(|before| before.ends_with(['e', 'E', 'p', 'P']))
            })
            .last()
            .map(|(at, _)| at);
        let parts = split.and_then(|at| {
            let (real, imaginary) = (text.get(..at)?, text.get(at..)?.strip_suffix('i')?);
            Some((parse_float(real)?, parse_float(imaginary)?))
        });
        let (real, imaginary) =
            parts.ok_or_else(|| "syntax error scanning complex number".to_owned())?;
        Ok(Self::of_complex(text, real, imaginary))
    }

    /// Reads an integer, a float, or an imaginary number.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(imaginary) = text.strip_suffix('i').and_then(parse_float) {
            return Ok(Self::of_complex(text, 0.0, imaginary));
        }
        let mut int = parse_int(text);
        let mut uint = parse_uint(text);
        if int == Some(0) {
            uint = Some(0);
        }
        let float = match (int, uint) {
            (Some(value), _) => Some(value as f64),
            (None, Some(value)) => Some(value as f64),
            (None, None) => {
                let float = parse_float(text);
                if let Some(value) = float {
                    if !text.contains(['.', 'e', 'E', 'p', 'P']) {
                        return Err(format!("integer overflow: {}", quote(text.as_bytes())));
                    }
                    (int, uint) = (whole_int(value), whole_uint(value));
                }
                float
            }
        };
        if int.is_none() && uint.is_none() && float.is_none() {
            return Err(format!("illegal number syntax: {}", quote(text.as_bytes())));
        }
        Ok(Self { text: text.into(), int, uint, float, complex: None })
    }

    fn of_complex(text: &str, real: f64, imaginary: f64) -> Self {
        let float = (imaginary == 0.0).then_some(real);
        Self {
            text: text.into(),
            int: float.and_then(whole_int),
            uint: float.and_then(whole_uint),
            float,
            complex: Some((real, imaginary)),
        }
    }
}

fn whole_int(value: f64) -> Option<i64> {
    let whole = value as i64;
    // A float beyond the range saturates, and would compare equal at the very edge.
    (whole as f64 == value && whole != i64::MAX).then_some(whole)
}

fn whole_uint(value: f64) -> Option<u64> {
    let whole = value as u64;
    (whole as f64 == value && whole != u64::MAX).then_some(whole)
}

fn parse_int(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let magnitude = i128::from(parse_uint(digits)?);
    i64::try_from(if negative { -magnitude } else { magnitude }).ok()
}

fn parse_uint(text: &str) -> Option<u64> {
    let (base, digits) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, text.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, text.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, text.get(2..)?),
        [b'0', _, ..] => (8, text.get(1..)?),
        _ => (10, text),
    };
    let prefixed = base != 10;
    let clean = without_underscores(digits, prefixed)?;
    if clean.is_empty() || clean.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(&clean, base).ok()
}

/// A float in decimal or hexadecimal; `None` if it is neither, or beyond the range.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let magnitude =
        if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
            parse_hex_float(&without_underscores(hex, true)?)?
        } else {
            if !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
                return None;
            }
            without_underscores(digits, false)?.parse().ok()?
        };
    let value: f64 = if negative { -magnitude } else { magnitude };
    value.is_finite().then_some(value)
}

fn parse_hex_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value = 0.0_f64;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let exponent: i32 = exponent.parse().ok()?;
    let shift = i32::try_from(fraction.len()).ok()?.checked_mul(4)?;
    Some(value * 2.0_f64.powi(exponent.checked_sub(shift)?))
}

/// Underscores may stand between digits, and behind the prefix of the base.
fn without_underscores(digits: &str, after_prefix: bool) -> Option<String> {
    if !digits.contains('_') {
        return Some(digits.to_owned());
    }
    let misplaced = (!after_prefix && digits.starts_with('_'))
        || digits.ends_with('_')
        || digits.contains("__")
        || digits.contains("_.")
        || digits.contains("._");
    (!misplaced).then(|| digits.replace('_', ""))
}

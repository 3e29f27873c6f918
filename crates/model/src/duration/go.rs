//! `1h30m0s`: signed numbers with fractions and units, as Go's `time` package reads and writes.

use super::DurationError;

/// Nanoseconds in `1h30m`, `-1.5h`, `+250ms`; a bare `0` needs no unit.
///
/// Units may come in any order and more than once; digits below a nanosecond are dropped.
pub fn parse_go(text: &str) -> Result<i64, DurationError> {
    let invalid = || fault("invalid duration", text);
    let (is_negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, text.get(1..).unwrap_or_default()),
        Some(b'+') => (false, text.get(1..).unwrap_or_default()),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut sum: u64 = 0;
    while !rest.is_empty() {
        let (nanos, behind) = parse_part(rest, text)?;
        sum = sum.checked_add(nanos).filter(|sum| *sum <= MAGNITUDE_MAX).ok_or_else(invalid)?;
        rest = behind;
    }
    if is_negative {
        return Ok(0i64.wrapping_sub_unsigned(sum));
    }
    i64::try_from(sum).map_err(|_| invalid())
}

/// Reads one number and its unit at the front of `rest`; `whole` is for the error.
fn parse_part<'a>(rest: &'a str, whole: &str) -> Result<(u64, &'a str), DurationError> {
    let invalid = || fault("invalid duration", whole);
    let (digits, behind) = split_digits(rest);
    let (fraction, behind) = match behind.strip_prefix('.') {
        Some(behind) => split_digits(behind),
        None => ("", behind),
    };
    if digits.is_empty() && fraction.is_empty() {
        return Err(invalid());
    }
    let is_end = |c: char| c == '.' || c.is_ascii_digit();
    let (unit, behind) = behind.split_at(behind.find(is_end).unwrap_or(behind.len()));
    let count: u64 = if digits.is_empty() { 0 } else { digits.parse().map_err(|_| invalid())? };
    if count > MAGNITUDE_MAX {
        return Err(invalid());
    }
    if unit.is_empty() {
        return Err(fault("missing unit in duration", whole));
    }
    let Some((_, nanos)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(fault(&format!("unknown unit {} in duration", go_quoted(unit)), whole));
    };
    let total =
        count.checked_mul(*nanos).and_then(|sum| sum.checked_add(part_of(fraction, *nanos)));
    let total = total.filter(|total| *total <= MAGNITUDE_MAX).ok_or_else(invalid)?;
    Ok((total, behind))
}

/// `nanos` times 0.`digits`, computed in floating point as Go does, so that both round alike.
fn part_of(digits: &str, nanos: u64) -> u64 {
    let mut value: u64 = 0;
    let mut scale: f64 = 1.0;
    for digit in digits.bytes() {
        if value > (i64::MAX as u64) / 10 {
            break;
        }
        let next = value * 10 + u64::from(digit - b'0');
        if next > MAGNITUDE_MAX {
            break;
        }
        value = next;
        scale *= 10.0;
    }
    (value as f64 * (nanos as f64 / scale)) as u64
}

/// `1h30m0s`, `1.5s`, `250ms`, `1µs`, `0s`: what Go prints for this many nanoseconds.
pub fn format_go(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    let text = match nanos {
        0 => "0s".into(),
        1..1_000 => format!("{nanos}ns"),
        1_000..1_000_000 => format!("{}µs", decimal(nanos, 1_000)),
        1_000_000..1_000_000_000 => format!("{}ms", decimal(nanos, 1_000_000)),
        _ => {
            let minutes = nanos / MINUTE;
            let seconds = decimal(nanos % MINUTE, 1_000_000_000);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{seconds}s"),
                (0, minutes) => format!("{minutes}m{seconds}s"),
                (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
            }
        }
    };
    format!("{sign}{text}")
}

/// `value / unit` without trailing zeros; `unit` is a power of ten.
fn decimal(value: u64, unit: u64) -> String {
    let whole = value / unit;
    let fraction = value % unit;
    if fraction == 0 {
        return whole.to_string();
    }
    let width = unit.ilog10() as usize;
    format!("{whole}.{fraction:0width$}").trim_end_matches('0').into()
}

fn split_digits(text: &str) -> (&str, &str) {
    let is_end = |c: char| !c.is_ascii_digit();
    text.split_at(text.find(is_end).unwrap_or(text.len()))
}

fn fault(what: &str, text: &str) -> DurationError {
    DurationError::new(format!("time: {what} {}", go_quoted(text)))
}

/// The quotes of Go's `time` errors: every byte that is not printable ASCII as `\x..`.
fn go_quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            ' '..='\u{7f}' => out.push(c),
            c => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    out.push_str(&format!("\\x{byte:02x}"));
                }
            }
        }
    }
    out.push('"');
    out
}

/// Names and nanoseconds. Both signs for micro are in use.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", MINUTE),
    ("h", 60 * MINUTE),
];

const MINUTE: u64 = 60_000_000_000;

/// The smallest Go duration, without its sign.
const MAGNITUDE_MAX: u64 = 1 << 63;

//! How does Go write a float?
//!
//! The standard library knows the digits, shortest or to a precision; this file puts the point
//! and the exponent where Go puts them.

/// A float in one of the forms `e`, `E`, `f`, `F`, `g`, `G`; with no precision, as many digits as
/// distinguish it from its neighbours.
pub(crate) fn format_float(value: f64, verb: char, precision: Option<usize>) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    match verb {
        'e' | 'E' => exponent_form(value, verb, precision),
        'f' | 'F' => match precision {
            Some(precision) => format!("{value:.precision$}"),
            None => format!("{value}"),
        },
        _ => general_form(value, if verb == 'G' { 'E' } else { 'e' }, precision),
    }
}

fn exponent_form(value: f64, sign: char, precision: Option<usize>) -> String {
    let text = match precision {
        Some(precision) => format!("{value:.precision$e}"),
        None => format!("{value:e}"),
    };
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let minus = if exponent < 0 { '-' } else { '+' };
    format!("{digits}{sign}{minus}{:02}", exponent.unsigned_abs())
}

/// The shorter of the two forms: an exponent if it is large, a plain number otherwise.
fn general_form(value: f64, sign: char, precision: Option<usize>) -> String {
    // A precision counts digits here; 0 means 1.
    let digits_max = precision.map(|digits| digits.max(1));
    let scientific = match digits_max {
        Some(digits) => {
            let behind_point = digits - 1;
            format!("{value:.behind_point$e}")
        }
        None => format!("{value:e}"),
    };
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let mantissa = without_trailing_zeros(mantissa);
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let digits = i32::try_from(digits).unwrap_or(i32::MAX);
    let threshold = match digits_max {
        None => SHORTEST_THRESHOLD,
        // More digits than are there need no exponent.
        Some(max) => {
            let max = i32::try_from(max).unwrap_or(i32::MAX);
            if max > digits && digits > exponent { digits } else { max }
        }
    };
    if exponent < -4 || exponent >= threshold {
        let minus = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}{sign}{minus}{:02}", exponent.unsigned_abs());
    }
    let behind_point = usize::try_from((digits - 1 - exponent).max(0)).unwrap_or(0);
    format!("{value:.behind_point$}")
}

fn without_trailing_zeros(mantissa: &str) -> &str {
    if mantissa.contains('.') {
        mantissa.trim_end_matches('0').trim_end_matches('.')
    } else {
        mantissa
    }
}

/// From this power of ten on, a float of no given precision is written with an exponent.
const SHORTEST_THRESHOLD: i32 = 6;

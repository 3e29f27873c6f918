//! Numbers in JSON.

/// The length of the number that begins here; `None` if there is none.
pub(super) fn length(text: &[u8]) -> Option<usize> {
    let digits = |at: usize| {
        text.get(at..).unwrap_or_default().iter().take_while(|it| it.is_ascii_digit()).count()
    };
    let mut at = usize::from(text.first() == Some(&b'-'));
    match text.get(at)? {
        b'0' => at += 1,
        b'1'..=b'9' => at += digits(at),
        _ => return None,
    }
    if text.get(at) == Some(&b'.') && digits(at + 1) > 0 {
        at += 1 + digits(at + 1);
    }
    if matches!(text.get(at), Some(b'e' | b'E')) && text.len() > at + 1 {
        at += 1;
        if matches!(text.get(at), Some(b'+' | b'-')) {
            at += 1;
            text.get(at)?;
        }
        at += digits(at);
    }
    Some(at)
}

/// The value of a number that is an integer, be it written with a fraction or an exponent.
pub(super) fn integer(number: &[u8]) -> Option<i32> {
    let text = std::str::from_utf8(number).ok()?;
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let (is_negative, whole) = match whole.strip_prefix('-') {
        Some(whole) => (true, whole),
        None => (false, whole),
    };
    let digits = format!("{whole}{fraction}");
    if digits.bytes().all(|digit| digit == b'0') {
        return Some(0);
    }
    let shift = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let digits = if shift >= 0 {
        if shift > DIGITS_MAX {
            return None;
        }
        format!("{digits}{}", "0".repeat(usize::try_from(shift).ok()?))
    } else {
        let cut = digits.len().checked_sub(usize::try_from(shift.unsigned_abs()).ok()?)?;
        let (kept, gone) = digits.split_at_checked(cut)?;
        if !gone.bytes().all(|digit| digit == b'0') {
            return None;
        }
        kept.to_owned()
    };
    let sign = if is_negative { "-" } else { "" };
    format!("{sign}{digits}").parse().ok()
}

/// The value of a string that holds nothing but an integer.
pub(super) fn quoted_integer(text: &str) -> Option<i32> {
    let bytes = text.as_bytes();
    (length(bytes) == Some(bytes.len())).then(|| integer(bytes)).flatten()
}

const DIGITS_MAX: i32 = 20;

#[cfg(test)]
mod tests {
    use super::{integer, length, quoted_integer};

    #[test]
    fn integers_may_be_written_with_fraction_and_exponent() {
        for (text, expected) in [
            ("0", Some(0)),
            ("-0.0", Some(0)),
            ("1e2", Some(100)),
            ("1.50e1", Some(15)),
            ("1500e-2", Some(15)),
            ("15e-1", None),
            ("1.5", None),
            ("2147483647", Some(i32::MAX)),
            ("2147483648", None),
            ("-2147483648", Some(i32::MIN)),
            ("1e99999999999", None),
            ("1e100", None),
        ] {
            assert_eq!(integer(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(quoted_integer("12"), Some(12));
        assert_eq!(quoted_integer(" 12"), None);
        assert_eq!(quoted_integer(""), None);
    }

    #[test]
    fn a_number_ends_where_it_ends() {
        for (text, expected) in
            [("01", Some(1)), ("1.", Some(1)), ("-", None), ("1.5e+3,", Some(6)), ("x", None)]
        {
            assert_eq!(length(text.as_bytes()), expected, "{text}");
        }
    }
}

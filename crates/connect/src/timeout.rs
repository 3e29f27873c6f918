//! The time that a client gives a call.

use std::num::IntErrorKind;
use std::time::Duration;

use bellwether_model::quote::quoted;

/// The header `Connect-Timeout-Ms`; `None` if the client sets no time.
pub(crate) fn parse_connect(text: &str) -> Result<Option<Duration>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() > 10 {
        return Err(format!("parse timeout: {} has >10 digits", quoted(text)));
    }
    match text.parse::<i64>() {
        Ok(millis) => match u64::try_from(millis) {
            Ok(millis) => Ok(Some(Duration::from_millis(millis))),
            Err(_) => Err(format!("parse timeout: {} is negative", quoted(text))),
        },
        Err(error) => {
            let reason = match error.kind() {
                IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => "value out of range",
                _ => "invalid syntax",
            };
            Err(format!("parse timeout: strconv.ParseInt: parsing {}: {reason}", quoted(text)))
        }
    }
}

/// The header `Grpc-Timeout`; `None` if the client sets no time, or one that is practically endless.
pub(crate) fn parse_grpc(text: &str) -> Result<Option<Duration>, String> {
    let Some((at, unit)) = text.char_indices().next_back() else { return Ok(None) };
    let nanos: u64 = match unit {
        'n' => 1,
        'u' => 1_000,
        'm' => 1_000_000,
        'S' => 1_000_000_000,
        'M' => 60_000_000_000,
        'H' => 3_600_000_000_000,
        other => return Err(format!("protocol error: timeout has invalid unit '{other}'")),
    };
    let count = text.get(..at).and_then(|digits| digits.parse::<i64>().ok());
    let Some(count) = count.and_then(|count| u64::try_from(count).ok()) else {
        return Err(format!("protocol error: invalid timeout {}", quoted(text)));
    };
    if count > 99_999_999 {
        return Err(format!("protocol error: timeout {} is too long", quoted(text)));
    }
    let nanos = nanos.checked_mul(count).filter(|nanos| *nanos <= i64::MAX as u64);
    Ok(nanos.map(Duration::from_nanos))
}

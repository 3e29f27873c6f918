//! The two kinds of durations in the file.
//!
//! Most are Prometheus's (`1h30m`, `1d`); the `timeout` of some receivers is the Go language's
//! (`1.5s`, no days), where a bare number means nanoseconds, and three of Pushover's must be text.
//! Which is which is an accident that files depend on.

use std::time::Duration;

use bellwether_model::duration::{format_go, format_prometheus, parse_go, parse_prometheus};

use crate::block::{BlockReader, FieldValue};
use crate::yaml::{NodeId, Scalar, Tree};

/// Prometheus's kind.
impl FieldValue for Duration {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        if let Some(duration) = reader.parsed(node, parse_prometheus) {
            *self = duration;
        }
    }

    fn clear(&mut self) {
        *self = Duration::ZERO;
    }

    fn is_empty(&mut self) -> bool {
        self.is_zero()
    }

    fn tree(&mut self) -> Tree {
        Tree::text(&format_prometheus(*self))
    }
}

/// The Go language's kind. Negative ones are read as zero, which means the same: no limit.
pub(crate) enum GoDuration<'a> {
    /// A bare number is one of nanoseconds.
    OrNanoseconds(&'a mut Duration),
    /// A bare number lacks its unit.
    Text(&'a mut Duration),
}

impl GoDuration<'_> {
    fn place(&mut self) -> &mut Duration {
        match self {
            GoDuration::OrNanoseconds(place) | GoDuration::Text(place) => place,
        }
    }
}

impl FieldValue for GoDuration<'_> {
    fn decode(&mut self, reader: &mut BlockReader<'_>, node: NodeId) {
        let Some((scalar, text)) = reader.scalar(node, "duration") else { return };
        let nanoseconds = match (&*self, scalar) {
            (GoDuration::OrNanoseconds(_), Scalar::Int(number)) => number,
            (GoDuration::OrNanoseconds(_), Scalar::Float(number)) => number as i64,
            (GoDuration::OrNanoseconds(_), Scalar::Bool(_) | Scalar::Uint(_)) => {
                reader.wrong_type(node, "duration");
                return;
            }
            _ => match parse_go(text) {
                Ok(nanoseconds) => nanoseconds,
                Err(error) => {
                    reader.error(node, &error.to_string());
                    return;
                }
            },
        };
        *self.place() = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0));
    }

    fn clear(&mut self) {
        *self.place() = Duration::ZERO;
    }

    fn is_empty(&mut self) -> bool {
        self.place().is_zero()
    }

    fn tree(&mut self) -> Tree {
        let nanoseconds = i64::try_from(self.place().as_nanos()).unwrap_or(i64::MAX);
        Tree::text(&format_go(nanoseconds))
    }
}

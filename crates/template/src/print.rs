//! How does a value look as text?
//!
//! As Go's fmt prints it: `[a b]`, `map[k:v]`, `<no value>`, `1e+06`, `%!d(string=x)`. Operators
//! have templates that rely on it, down to the spaces of `print`.
//!
//! [`Sink`] is where text goes. It stops taking any once its limit is reached, and says so; all
//! loops here look at it, so a value that prints endlessly ends.

use std::fmt;

mod float;
mod format;
mod verb;

pub(crate) use self::float::format_float;
pub(crate) use self::format::write_formatted;
use self::verb::{Flags, Printer};
use crate::value::{Body, Value, to_utf8};

/// Text that may grow up to a limit.
pub(crate) struct Sink {
    pub bytes: Vec<u8>,
    limit: usize,
    full: bool,
}

impl Sink {
    pub fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), limit, full: false }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        if bytes.len() > self.limit - self.bytes.len() {
            self.full = true;
        }
        if !self.full {
            self.bytes.extend_from_slice(bytes);
        }
    }

    pub fn push_str(&mut self, text: &str) {
        self.push(text.as_bytes());
    }

    pub fn push_char(&mut self, char: char) {
        self.push(char.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// An empty one that takes as much as this one may still take.
    pub fn sibling(&self) -> Self {
        Self::new(self.limit.saturating_sub(self.bytes.len()))
    }

    /// What did not fit into the sibling is missing here.
    pub fn inherit(&mut self, sibling: &Self) {
        self.full |= sibling.full;
    }

    /// Whether something did not fit.
    pub fn is_full(&self) -> bool {
        self.full
    }
}

/// Writes what an action shows: no value is `<no value>`, everything else as `%v`.
pub(crate) fn write_value(sink: &mut Sink, value: &Value) {
    match value {
        Value::Text(text) | Value::Trusted(_, text) => sink.push(text.as_bytes()),
        Value::Nil => sink.push_str("<no value>"),
        Value::Int(value) => sink.push_str(&value.to_string()),
        // A pointer to a struct is followed before it is printed.
        Value::Object(object) if object.text().is_none() && pointer(value) => {
            Printer::new(sink, Flags::default()).behind_pointer(value);
        }
        _ => Printer::new(sink, Flags::default()).print(value, 'v', 0),
    }
}

/// `print`: spaces between operands if neither is a string.
pub(crate) fn write_print(sink: &mut Sink, values: &[Value]) {
    let is_text = |value: &Value| matches!(value, Value::Text(_) | Value::Trusted(..));
    let mut previous: Option<&Value> = None;
    for value in values {
        if let Some(previous) = previous
            && !is_text(value)
            && !is_text(previous)
        {
            sink.push(b" ");
        }
        Printer::new(sink, Flags::default()).print(value, 'v', 0);
        previous = Some(value);
    }
}

/// `println`: spaces between all operands, and a newline.
pub(crate) fn write_println(sink: &mut Sink, values: &[Value]) {
    for (position, value) in values.iter().enumerate() {
        if position > 0 {
            sink.push(b" ");
        }
        Printer::new(sink, Flags::default()).print(value, 'v', 0);
    }
    sink.push(b"\n");
}

/// The value as an action would show it.
pub fn print_text(value: &Value) -> String {
    let mut sink = Sink::new(usize::MAX);
    write_value(&mut sink, value);
    to_utf8(&sink.bytes).into_owned()
}

/// Go's `fmt.Sprint`.
pub fn sprint(values: &[Value]) -> String {
    let mut sink = Sink::new(usize::MAX);
    write_print(&mut sink, values);
    to_utf8(&sink.bytes).into_owned()
}

/// Go's `fmt.Sprintf`.
pub fn sprintf(format: &str, values: &[Value]) -> String {
    let mut sink = Sink::new(usize::MAX);
    write_formatted(&mut sink, format.as_bytes(), values);
    to_utf8(&sink.bytes).into_owned()
}

/// Whether the value is a pointer to a struct, which prints with `&` in front.
fn pointer(value: &Value) -> bool {
    match value {
        Value::Object(object) => {
            object.type_name().starts_with('*') && matches!(object.body(), Body::Fields(_))
        }
        _ => false,
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}({})", self.type_name(), print_text(self))
    }
}

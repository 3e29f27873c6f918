//! What does a `printf` format ask for?
//!
//! Reads flags, width, precision, argument indexes and verbs, and takes the arguments for them.
//! A format is never wrong enough to be an error: what does not fit is said in the text itself,
//! as in `%!d(string=x)`.

use super::Sink;
use super::verb::{Flags, Printer};
use crate::value::{Value, first_char};

/// Writes the arguments as the format has it.
pub(crate) fn write_formatted(sink: &mut Sink, format: &[u8], values: &[Value]) {
    let mut reader = Reader { format, values, next: 0, reordered: false, good_index: true };
    while !reader.format.is_empty() && !sink.is_full() {
        let length = reader.format.iter().position(|byte| *byte == b'%');
        let (text, rest) = reader.format.split_at(length.unwrap_or(reader.format.len()));
        sink.push(text);
        let Some(rest) = rest.get(1..) else { break };
        reader.format = rest;
        reader.directive(sink);
    }
    if !reader.reordered && reader.next < values.len() {
        reader.write_extra(sink);
    }
}

struct Reader<'a> {
    format: &'a [u8],
    values: &'a [Value],
    next: usize,
    /// Whether an argument index was used in this directive: then nothing is said of arguments
    /// that are left over.
    reordered: bool,
    good_index: bool,
}

impl Reader<'_> {
    /// One directive, behind its `%`.
    fn directive(&mut self, sink: &mut Sink) {
        let mut flags = self.flags();
        self.good_index = true;
        self.reordered = false;
        let mut after_index = self.index();
        if self.skip(b'*') {
            match self.star() {
                Some(width) => {
                    flags.minus |= width < 0;
                    flags.zero &= !flags.minus;
                    flags.width = usize::try_from(width.unsigned_abs()).ok();
                }
                None => sink.push_str("%!(BADWIDTH)"),
            }
            after_index = false;
        } else {
            flags.width = self.number();
            if after_index && flags.width.is_some() {
                self.good_index = false;
            }
        }
        if self.skip(b'.') {
            if after_index {
                self.good_index = false;
            }
            after_index = self.index();
            if self.skip(b'*') {
                match self.star() {
                    Some(precision) if precision >= 0 => {
                        flags.precision = usize::try_from(precision).ok();
                    }
                    Some(_) => {}
                    None => sink.push_str("%!(BADPREC)"),
                }
                after_index = false;
            } else {
                flags.precision = Some(self.number().unwrap_or(0));
            }
        }
        if !after_index {
            self.index();
        }
        self.verb(sink, flags);
    }

    fn verb(&mut self, sink: &mut Sink, mut flags: Flags) {
        let Some((verb, length)) = first_char(self.format) else {
            sink.push_str("%!(NOVERB)");
            return;
        };
        self.format = self.format.get(length..).unwrap_or_default();
        let value = self.values.get(self.next);
        match value {
            _ if verb == '%' => sink.push(b"%"),
            _ if !self.good_index => {
                sink.push_str("%!");
                sink.push_char(verb);
                sink.push_str("(BADINDEX)");
            }
            None => {
                sink.push_str("%!");
                sink.push_char(verb);
                sink.push_str("(MISSING)");
            }
            Some(value) => {
                self.next += 1;
                if verb == 'v' {
                    flags.sharp_v = std::mem::take(&mut flags.sharp);
                    flags.plus_v = std::mem::take(&mut flags.plus);
                }
                Printer::new(sink, flags).print(value, verb, 0);
            }
        }
    }

    fn flags(&mut self) -> Flags {
        let mut flags = Flags::default();
        while let Some((sign, rest)) = self.format.split_first() {
            match sign {
                b'#' => flags.sharp = true,
                b'0' => flags.zero = true,
                b'+' => flags.plus = true,
                b'-' => flags.minus = true,
                b' ' => flags.space = true,
                _ => break,
            }
            self.format = rest;
        }
        flags
    }

    fn number(&mut self) -> Option<usize> {
        let length = self.format.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.format.split_at(length);
        self.format = rest;
        if digits.is_empty() {
            return None;
        }
        let number = std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok());
        if number.is_none_or(|number: usize| number > LITERAL_MAX) {
            // The rest of the format is given up.
            self.format = &[];
            return None;
        }
        number
    }

    /// `[3]`: the number of the argument to take next. Says whether there was one.
    fn index(&mut self) -> bool {
        if self.format.first() != Some(&b'[') {
            return false;
        }
        self.reordered = true;
        let Some(end) = self.format.iter().position(|byte| *byte == b']') else {
            self.good_index = false;
            self.skip(b'[');
            return false;
        };
        let digits = self.format.get(1..end).unwrap_or_default();
        self.format = self.format.get(end + 1..).unwrap_or_default();
        let number = std::str::from_utf8(digits).ok().and_then(|text| text.parse::<usize>().ok());
        match number {
            Some(number) if (1..=self.values.len()).contains(&number) => {
                self.next = number - 1;
                true
            }
            _ => {
                self.good_index = false;
                true
            }
        }
    }

    /// A width or precision from the arguments.
    fn star(&mut self) -> Option<i64> {
        let value = self.values.get(self.next)?;
        self.next += 1;
        let number = match value {
            Value::Int(value) => *value,
            Value::Uint(value) => i64::try_from(*value).ok()?,
            Value::Byte(value) => i64::from(*value),
            _ => return None,
        };
        (number.unsigned_abs() <= NUMBER_MAX as u64).then_some(number)
    }

    fn skip(&mut self, byte: u8) -> bool {
        let found = self.format.first() == Some(&byte);
        if found {
            self.format = self.format.get(1..).unwrap_or_default();
        }
        found
    }

    /// The arguments that no directive took.
    fn write_extra(&self, sink: &mut Sink) {
        sink.push_str("%!(EXTRA ");
        for (position, value) in self.values.iter().skip(self.next).enumerate() {
            if position > 0 {
                sink.push_str(", ");
            }
            match value {
                Value::Nil => sink.push_str("<nil>"),
                _ => {
                    sink.push_str(&value.type_name());
                    sink.push(b"=");
                    Printer::new(sink, Flags::default()).print(value, 'v', 0);
                }
            }
        }
        sink.push(b")");
    }
}

/// Widths and precisions beyond this are not taken from the arguments.
const NUMBER_MAX: usize = 1_000_000;
/// The same for those in the format itself.
const LITERAL_MAX: usize = 10_000_009;

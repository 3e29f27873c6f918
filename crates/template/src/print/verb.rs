//! One value under one verb.
//!
//! Lists and maps hand the verb on to their elements; a type with a `String` method prints by it
//! under the verbs for texts. What a verb cannot print is said as `%!d(string=x)`.

use super::{Sink, format_float, pointer};
use crate::parse::quote::{is_printable, push_escaped, quote_with};
use crate::value::{Body, Text, Value, first_char};

/// What stands between `%` and the verb.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flags {
    pub minus: bool,
    pub plus: bool,
    pub sharp: bool,
    pub space: bool,
    pub zero: bool,
    /// `%+v`: with the names of fields.
    pub plus_v: bool,
    /// `%#v`: as Go source.
    pub sharp_v: bool,
    pub width: Option<usize>,
    pub precision: Option<usize>,
}

/// Prints values into a sink.
pub(crate) struct Printer<'a> {
    sink: &'a mut Sink,
    flags: Flags,
    /// Inside of a complaint about a verb, where methods are not called.
    complaining: bool,
}

impl<'a> Printer<'a> {
    pub fn new(sink: &'a mut Sink, flags: Flags) -> Self {
        Self { sink, flags, complaining: false }
    }

    pub fn print(&mut self, value: &Value, verb: char, depth: usize) {
        if self.sink.is_full() {
            return;
        }
        match (value, verb) {
            (Value::Nil, 'T' | 'v') if depth == 0 => self.pad(b"<nil>"),
            (Value::Nil, _) if depth == 0 => self.complain(value, verb),
            (_, 'T') if depth == 0 => self.text(value.type_name().as_bytes(), 's', value),
            (Value::Nil, _) => self.sink.push_str("<nil>"),
            (Value::Bool(truth), 't' | 'v') => {
                self.pad(if *truth { b"true" } else { b"false" });
            }
            (Value::Int(number), _) => {
                self.integer(number.unsigned_abs(), *number < 0, true, verb, value);
            }
            (Value::Uint(number), _) => self.integer(*number, false, false, verb, value),
            (Value::Byte(number), _) => {
                self.integer(u64::from(*number), false, false, verb, value);
            }
            (Value::Float(number), _) => self.float(*number, verb, value),
            (Value::Complex(real, imaginary), _) => self.complex(*real, *imaginary, verb, value),
            (Value::Text(text) | Value::Trusted(_, text), _) => {
                self.text(text.as_bytes(), verb, value);
            }
            (Value::List(list), _) => {
                let typed = self.flags.sharp_v;
                self.open_typed(value, typed, b"[");
                for (position, item) in list.items.iter().enumerate() {
                    self.separate(position);
                    self.print(item, verb, depth + 1);
                }
                self.sink.push(if typed { b"}" } else { b"]" });
            }
            (Value::Map(map), _) => {
                let typed = self.flags.sharp_v;
                self.open_typed(value, typed, b"map[");
                for (position, (key, item)) in map.iter().enumerate() {
                    self.separate(position);
                    self.print(&Value::Text(key.clone()), verb, depth + 1);
                    self.sink.push(b":");
                    self.print(item, verb, depth + 1);
                }
                self.sink.push(if typed { b"}" } else { b"]" });
            }
            (Value::Object(_), _) => self.object(value, verb, depth),
            // The address of a function, which is not to be relied on.
            (Value::Function(_), 'v' | 'p') => self.pad(b"0x0"),
            (Value::Bool(_) | Value::Function(_), _) => self.complain(value, verb),
        }
    }

    /// A pointer as what it points to.
    pub fn behind_pointer(&mut self, value: &Value) {
        self.fields(value, 'v', 0);
    }

    fn object(&mut self, value: &Value, verb: char, depth: usize) {
        let Value::Object(object) = value else { return };
        let by_method =
            !self.complaining && !self.flags.sharp_v && matches!(verb, 'v' | 's' | 'x' | 'X' | 'q');
        if by_method && let Some(text) = object.text() {
            return self.text(text.as_bytes(), verb, value);
        }
        match object.body() {
            Body::Like(beneath) => self.print(&beneath, verb, depth),
            Body::Fields(_) | Body::Opaque => {
                if depth == 0 && pointer(value) {
                    self.sink.push(b"&");
                }
                self.fields(value, verb, depth);
            }
        }
    }

    fn fields(&mut self, value: &Value, verb: char, depth: usize) {
        let Value::Object(object) = value else { return };
        let fields: &[(&str, Value)] = match object.body() {
            Body::Fields(fields) => fields,
            Body::Like(_) | Body::Opaque => &[],
        };
        if self.flags.sharp_v {
            self.sink.push_str(object.type_name().trim_start_matches('*'));
        }
        self.sink.push(b"{");
        for (position, (name, field)) in fields.iter().enumerate() {
            self.separate(position);
            if self.flags.plus_v || self.flags.sharp_v {
                self.sink.push_str(name);
                self.sink.push(b":");
            }
            self.print(field, verb, depth + 1);
        }
        self.sink.push(b"}");
    }

    fn open_typed(&mut self, value: &Value, typed: bool, plain: &[u8]) {
        if typed {
            self.sink.push_str(&value.type_name());
            self.sink.push(b"{");
        } else {
            self.sink.push(plain);
        }
    }

    fn separate(&mut self, position: usize) {
        if position > 0 {
            self.sink.push_str(if self.flags.sharp_v { ", " } else { " " });
        }
    }

    fn complain(&mut self, value: &Value, verb: char) {
        self.complaining = true;
        self.sink.push_str("%!");
        self.sink.push_char(verb);
        self.sink.push(b"(");
        if let Value::Nil = value {
            self.sink.push_str("<nil>");
        } else {
            self.sink.push_str(&value.type_name());
            self.sink.push(b"=");
            self.print(value, 'v', 1);
        }
        self.sink.push(b")");
        self.complaining = false;
    }

    fn text(&mut self, bytes: &[u8], verb: char, value: &Value) {
        match verb {
            'v' if self.flags.sharp_v => {
                let quoted = quote_with(bytes, '"', false);
                self.pad(quoted.as_bytes());
            }
            'v' | 's' => self.pad(cut(bytes, self.flags.precision)),
            'x' | 'X' => self.hex(bytes, verb),
            'q' => {
                let bytes = cut(bytes, self.flags.precision);
                let raw = self.flags.sharp && can_be_raw(bytes);
                if raw {
                    self.pad(&[b"`", bytes, b"`"].concat());
                } else {
                    self.pad(quote_with(bytes, '"', self.flags.plus).as_bytes());
                }
            }
            _ => self.complain(value, verb),
        }
    }

    fn hex(&mut self, bytes: &[u8], verb: char) {
        let length = self.flags.precision.unwrap_or(bytes.len()).min(bytes.len());
        let bytes = bytes.get(..length).unwrap_or(bytes);
        let prefix = if verb == 'x' { "0x" } else { "0X" };
        let mut text = String::new();
        for (position, byte) in bytes.iter().enumerate() {
            if position > 0 && self.flags.space {
                text.push(' ');
            }
            if self.flags.sharp && (position == 0 || self.flags.space) {
                text.push_str(prefix);
            }
            text.push_str(&format!("{byte:02x}"));
        }
        if verb == 'X' {
            text.make_ascii_uppercase();
        }
        self.pad(text.as_bytes());
    }

    fn integer(&mut self, magnitude: u64, negative: bool, signed: bool, verb: char, value: &Value) {
        let hex_of_uint = self.flags.sharp_v && !signed;
        let (base, prefix) = match verb {
            'v' if hex_of_uint => (16, "0x"),
            'v' | 'd' => (10, ""),
            'b' => (2, if self.flags.sharp { "0b" } else { "" }),
            'o' => (8, if self.flags.sharp { "0" } else { "" }),
            'O' => (8, "0o"),
            'x' => (16, if self.flags.sharp { "0x" } else { "" }),
            'X' => (16, if self.flags.sharp { "0X" } else { "" }),
            'c' | 'q' | 'U' => return self.character(magnitude, negative, verb),
            _ => return self.complain(value, verb),
        };
        let mut digits = in_base(magnitude, base);
        if verb == 'X' {
            digits.make_ascii_uppercase();
        }
        let sign = match negative {
            true => "-",
            false if self.flags.plus => "+",
            false if self.flags.space => " ",
            false => "",
        };
        match self.flags.precision {
            // A precision of 0 leaves nothing of a 0.
            Some(0) if magnitude == 0 => {
                self.spaces(self.flags.width.unwrap_or(0));
                return;
            }
            Some(precision) => digits = format!("{digits:0>precision$}"),
            None => {
                if let (true, false, Some(width)) =
                    (self.flags.zero, self.flags.minus, self.flags.width)
                {
                    let width = width.saturating_sub(sign.len());
                    digits = format!("{digits:0>width$}");
                }
            }
        }
        let prefix = if prefix == "0" && digits.starts_with('0') { "" } else { prefix };
        let text = format!("{sign}{prefix}{digits}");
        self.pad_with_spaces(text.as_bytes());
    }

    fn character(&mut self, magnitude: u64, negative: bool, verb: char) {
        let char = u32::try_from(magnitude)
            .ok()
            .filter(|_| !negative)
            .and_then(char::from_u32)
            .unwrap_or(char::REPLACEMENT_CHARACTER);
        let mut text = String::new();
        match verb {
            'c' => text.push(char),
            'q' => {
                text.push('\'');
                push_escaped(&mut text, char, '\'', self.flags.plus);
                text.push('\'');
            }
            _ => {
                let digits = self.flags.precision.unwrap_or(4).max(4);
                // A negative number is shown as the bits that it is made of.
                let code = if negative { magnitude.wrapping_neg() } else { magnitude };
                text = format!("U+{code:0>digits$X}");
                if self.flags.sharp && is_printable(char) {
                    text.push_str(&format!(" '{char}'"));
                }
            }
        }
        if verb == 'U' {
            self.pad_with_spaces(text.as_bytes());
        } else {
            self.pad(text.as_bytes());
        }
    }

    fn float(&mut self, number: f64, verb: char, value: &Value) {
        let (form, precision) = match verb {
            'v' => ('g', self.flags.precision),
            'g' | 'G' => (verb, self.flags.precision),
            'e' | 'E' | 'f' | 'F' => (verb, Some(self.flags.precision.unwrap_or(6))),
            _ => return self.complain(value, verb),
        };
        let text = format_float(number, form, precision);
        self.pad_number(&text, number.is_finite());
    }

    fn complex(&mut self, real: f64, imaginary: f64, verb: char, value: &Value) {
        if !matches!(verb, 'v' | 'g' | 'G' | 'e' | 'E' | 'f' | 'F') {
            return self.complain(value, verb);
        }
        let plus = self.flags.plus;
        self.sink.push(b"(");
        self.float(real, verb, value);
        self.flags.plus = true;
        self.float(imaginary, verb, value);
        self.flags.plus = plus;
        self.sink.push_str("i)");
    }

    /// A number whose sign goes before the zeros that fill the width.
    fn pad_number(&mut self, text: &str, finite: bool) {
        let (sign, digits) = match text.split_at_checked(1) {
            Some((sign @ ("-" | "+"), digits)) => (sign, digits),
            _ => ("+", text),
        };
        let sign = match sign {
            "+" if self.flags.plus => "+",
            "+" if self.flags.space => " ",
            "+" if !finite && text.starts_with('+') => "+",
            "+" => "",
            minus => minus,
        };
        let zeros = match (self.flags.zero && finite && !self.flags.minus, self.flags.width) {
            (true, Some(width)) => width.saturating_sub(sign.len() + digits.len()),
            _ => 0,
        };
        let text = format!("{sign}{:0>zeros$}{digits}", "");
        self.pad_with_spaces(text.as_bytes());
    }

    /// Fills the width, with zeros if asked for.
    fn pad(&mut self, bytes: &[u8]) {
        let zeros = self.flags.zero && !self.flags.minus;
        self.fill(bytes, if zeros { b"0" } else { b" " });
    }

    fn pad_with_spaces(&mut self, bytes: &[u8]) {
        self.fill(bytes, b" ");
    }

    fn fill(&mut self, bytes: &[u8], with: &[u8]) {
        let Some(width) = self.flags.width else { return self.sink.push(bytes) };
        let missing = width.saturating_sub(count_chars(bytes));
        if self.flags.minus {
            self.sink.push(bytes);
        }
        self.sink.push(&with.repeat(missing));
        if !self.flags.minus {
            self.sink.push(bytes);
        }
    }

    fn spaces(&mut self, count: usize) {
        self.sink.push(&b" ".repeat(count));
    }
}

fn in_base(mut number: u64, base: u64) -> String {
    let mut digits = Vec::new();
    loop {
        let digit = u32::try_from(number % base).unwrap_or(0);
        digits.push(char::from_digit(digit, 16).unwrap_or('0'));
        number /= base;
        if number == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

/// The first characters; a byte that is not UTF-8 counts as one.
fn cut(bytes: &[u8], chars: Option<usize>) -> &[u8] {
    let Some(chars) = chars else { return bytes };
    let mut length = 0;
    for _ in 0..chars {
        match bytes.get(length..).and_then(first_char) {
            Some((_, bytes)) => length += bytes,
            None => break,
        }
    }
    bytes.get(..length).unwrap_or(bytes)
}

fn count_chars(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.chars().count(),
        Err(_) => Text::from(bytes).to_str().chars().count(),
    }
}

fn can_be_raw(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| {
        text.chars().all(|char| {
            (char >= ' ' || char == '\t') && !matches!(char, '`' | '\u{7f}' | '\u{feff}')
        })
    })
}

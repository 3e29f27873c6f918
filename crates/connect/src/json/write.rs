//! Writing protobuf's JSON: members without a value are left out, and only what must be escaped is.

/// An object under construction; [`Members::end`] closes it.
#[must_use]
pub(crate) struct Members<'a> {
    out: &'a mut String,
    is_empty: bool,
}

impl<'a> Members<'a> {
    pub fn begin(out: &'a mut String) -> Self {
        out.push('{');
        Members { out, is_empty: true }
    }

    /// Writes the name and returns the place where its value goes, exactly one.
    pub fn value(&mut self, name: &str) -> &mut String {
        if !self.is_empty {
            self.out.push(',');
        }
        self.is_empty = false;
        push_string(self.out, name);
        self.out.push(':');
        self.out
    }

    pub fn string(&mut self, name: &str, text: &str) {
        push_string(self.value(name), text);
    }

    /// Leaves the member out if the text is empty.
    pub fn non_empty(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.string(name, text);
        }
    }

    /// Leaves the member out if it is zero.
    pub fn non_zero(&mut self, name: &str, number: i32) {
        if number != 0 {
            self.value(name).push_str(&number.to_string());
        }
    }

    /// Leaves the member out if the list is empty.
    pub fn list<T>(&mut self, name: &str, items: &[T], push: impl Fn(&mut String, &T)) {
        if items.is_empty() {
            return;
        }
        let out = self.value(name);
        for (index, item) in items.iter().enumerate() {
            out.push(if index == 0 { '[' } else { ',' });
            push(out, item);
        }
        out.push(']');
    }

    pub fn end(self) {
        self.out.push('}');
    }
}

pub(crate) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => out.push(other),
        }
    }
    out.push('"');
}

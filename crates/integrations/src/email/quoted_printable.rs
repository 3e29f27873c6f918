//! Quoted-printable: any text as lines of at most 76 ASCII characters (RFC 2045, 6.7).
//!
//! The places where lines break equal those of the Go Alertmanager, so that messages can be
//! compared byte by byte: a line is full at 75 characters, an escape is never torn, and white space
//! is escaped only at the end of a line.

/// Limit of the format: the 76th character of a line is the `=` that says it goes on.
const LINE_CHARS_MAX: usize = 75;

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Appends `text`; its lines may end in any of the usual ways and end with CRLF in `out`.
pub fn push_quoted_printable(out: &mut String, text: &str) {
    let mut lines = Lines { out, column: 0 };
    let mut rest = text;
    while let Some(at) = rest.find(['\r', '\n']) {
        lines.push_line(&rest[..at]);
        lines.break_with("\r\n");
        let end = if rest[at..].starts_with("\r\n") { 2 } else { 1 };
        rest = &rest[at + end..];
    }
    lines.push_line(rest);
}

struct Lines<'a> {
    out: &'a mut String,
    column: usize,
}

impl Lines<'_> {
    fn push_line(&mut self, line: &str) {
        let Some((&last, others)) = line.as_bytes().split_last() else { return };
        for &byte in others {
            self.push(byte, is_white(byte));
        }
        // White space before the end of a line would be lost on the way.
        self.push(last, false);
    }

    fn push(&mut self, byte: u8, as_is: bool) {
        if as_is || (byte.is_ascii_graphic() && byte != b'=') {
            self.make_room(1);
            self.out.push(char::from(byte));
        } else {
            self.make_room(3);
            self.out.push('=');
            self.out.push(char::from(HEX[usize::from(byte >> 4)]));
            self.out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }

    fn make_room(&mut self, width: usize) {
        if self.column + width > LINE_CHARS_MAX {
            self.break_with("=\r\n");
        }
        self.column += width;
    }

    fn break_with(&mut self, end: &str) {
        self.out.push_str(end);
        self.column = 0;
    }
}

fn is_white(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

#[cfg(test)]
mod tests {
    use super::push_quoted_printable;

    fn encoded(text: &str) -> String {
        let mut out = String::new();
        push_quoted_printable(&mut out, text);
        out
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(encoded(text), expected, "{text:?}");
    }

    // The expectations are those of Go's mime/quotedprintable.
    #[test]
    fn only_what_is_not_printable_is_escaped() {
        check("", "");
        check("plain, \"text\" <b> .", "plain, \"text\" <b> .");
        check("a=b", "a=3Db");
        check("ü\u{1}\u{7f}", "=C3=BC=01=7F");
        check("tab\tinside", "tab\tinside");
    }

    #[test]
    fn white_space_at_the_end_of_a_line_is_escaped() {
        check("a \nb\t\n \n", "a=20\r\nb=09\r\n=20\r\n");
        check("end ", "end=20");
        check("two  ", "two =20");
    }

    #[test]
    fn all_ends_of_lines_become_crlf() {
        check("a\nb\r\nc\rd\n\ne\r\r\nf", "a\r\nb\r\nc\r\nd\r\n\r\ne\r\n\r\nf");
        check("ü\r\né\r\n", "=C3=BC\r\n=C3=A9\r\n");
    }

    #[test]
    fn long_lines_are_broken_between_characters_and_escapes() {
        let a75 = "a".repeat(75);
        check(&a75, &a75);
        check(&"a".repeat(76), &format!("{a75}=\r\na"));
        check(&format!("{}=", &a75[3..]), &format!("{}=3D", &a75[3..]));
        check(&format!("{}=", &a75[2..]), &format!("{}=\r\n=3D", &a75[2..]));
        // The escape of the last blank is wider than the blank.
        check(&format!("{} ", &a75[1..]), &format!("{}=\r\n=20", &a75[1..]));
        assert!(encoded(&"ü\u{1}x".repeat(500)).lines().all(|line| line.len() <= 76));
    }
}

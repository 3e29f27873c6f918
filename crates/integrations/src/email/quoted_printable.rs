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
    while !rest.is_empty() {
        let (plain, behind) = rest.split_at(plain_len(rest.as_bytes()));
        let is_end = behind.is_empty() || behind.starts_with(['\r', '\n']);
        match plain.strip_suffix([' ', '\t']) {
            // White space before the end of a line would be lost on the way.
            Some(kept) if is_end => {
                lines.push_plain(kept);
                lines.push_escaped(&plain[kept.len()..]);
            }
            _ => lines.push_plain(plain),
        }
        let next = behind.strip_prefix("\r\n").or_else(|| behind.strip_prefix(['\r', '\n']));
        rest = match next {
            Some(next) => {
                lines.break_with("\r\n");
                next
            }
            None => {
                let escaped = behind.chars().next().map_or(0, char::len_utf8);
                let (escaped, next) = behind.split_at(escaped);
                lines.push_escaped(escaped);
                next
            }
        };
    }
}

struct Lines<'a> {
    out: &'a mut String,
    column: usize,
}

impl Lines<'_> {
    /// Most of a text needs no escapes, so it is taken by the line and not by the character.
    fn push_plain(&mut self, mut plain: &str) {
        while !plain.is_empty() {
            if self.column == LINE_CHARS_MAX {
                self.break_with("=\r\n");
            }
            let (here, later) = plain.split_at(plain.len().min(LINE_CHARS_MAX - self.column));
            self.out.push_str(here);
            self.column += here.len();
            plain = later;
        }
    }

    fn push_escaped(&mut self, text: &str) {
        for byte in text.bytes() {
            if self.column + 3 > LINE_CHARS_MAX {
                self.break_with("=\r\n");
            }
            self.out.push('=');
            self.out.push(char::from(HEX[usize::from(byte >> 4)]));
            self.out.push(char::from(HEX[usize::from(byte & 15)]));
            self.column += 3;
        }
    }

    fn break_with(&mut self, end: &str) {
        self.out.push_str(end);
        self.column = 0;
    }
}

/// How many bytes at the beginning stand for themselves.
fn plain_len(bytes: &[u8]) -> usize {
    // Whole blocks first: a loop that looks at all of a block becomes vector instructions. Blocks
    // of 16 bytes do not.
    let all_plain = |block: &&[u8; 32]| block.iter().fold(true, |all, &byte| all & is_plain(byte));
    let len = 32 * bytes.as_chunks::<32>().0.iter().take_while(all_plain).count();
    let rest = &bytes[len..];
    len + rest.iter().position(|&byte| !is_plain(byte)).unwrap_or(rest.len())
}

/// Whether a byte stands for itself, unless it is white space at the end of a line.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'<' | b'>'..=b'~')
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
    fn every_line_ending_becomes_crlf() {
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

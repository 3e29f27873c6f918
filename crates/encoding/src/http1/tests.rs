use super::chunks::{Chunks, Reach};
use super::{Field, Malformed, Next, Rewriter, Rewritten, Rules, fields, first_line, version};

#[track_caller]
fn check_fields(block: &str, expected: &[(&str, &str)]) {
    let found = fields(block.as_bytes()).unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let found: Vec<(String, String)> =
        found.iter().map(|Field { name, value }| (text(name), text(value))).collect();
    let expected: Vec<(String, String)> =
        expected.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    assert_eq!(found, expected);
}

#[test]
fn fields_are_read_as_go_reads_them() {
    check_fields("A: b\r\nC:d\n\n", &[("A", "b"), ("C", "d")]);
    check_fields("A: \t b \t\r\n\r\n", &[("A", "b")]);
    check_fields("A : b\r\nB c: d\r\n\r\n", &[("A ", "b"), ("B c", "d")]);
    check_fields("A: b\r\n c\r\n\td \r\nE: f\r\n\r\n", &[("A", "b c d"), ("E", "f")]);
    check_fields("A:\r\n b\r\n \r\nE: f\r\n\r\n", &[("A", "b"), ("E", "f")]);
    check_fields("A: ä:b\r\n\r\n", &[("A", "ä:b")]);
    check_fields("\r\n", &[]);
}

#[test]
fn other_lines_are_refused_with_the_text_of_go() {
    let check = |block: &str, expected: &str| {
        assert_eq!(fields(block.as_bytes()).unwrap_err().to_string(), expected);
    };
    check(" A: b\r\n\r\n", "malformed MIME header initial line: \" A: b\"");
    check("A\r\n\r\n", "malformed MIME header: missing colon: \"A\"");
    for line in ["A(: b", ": b", "A\t: b", "ä: b", "A: b\u{1}", "A: b\u{7f}", "A: b\rc"] {
        let expected = Malformed::Line(line.into());
        assert_eq!(fields(format!("{line}\r\n\r\n").as_bytes()), Err(expected));
    }
    check("A: b\r\n \u{0}\r\n\r\n", "malformed MIME header line: \"A: b\"");
}

#[test]
fn versions_have_two_digits() {
    assert_eq!(version(b"HTTP/1.2"), Some((1, 2)));
    for text in ["HTTP/1", "http/1.1", "HTTP/1.10", "HTTP/a.b", ""] {
        assert_eq!(version(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn a_body_in_chunks_is_followed_to_its_end() {
    let bodies = [
        "0\r\n\r\n",
        "2\r\nok\r\n0\r\n\r\n",
        "A;x=\"0\"\r\n0123456789\r\n1\r\n\n\r\n0\r\nTrailer: 1\r\nOther: 2\r\n\r\n",
        "2\nok\n0\n\n",
    ];
    for body in bodies {
        let all = format!("{body}HTTP/1.1 200 OK\r\n\r\n");
        assert_eq!(Chunks::default().follow(all.as_bytes()), Reach::Ends(body.len()), "{body}");
        for cut in 0..body.len() {
            let (one, two) = all.as_bytes().split_at(cut);
            let Reach::Further(chunks) = Chunks::default().follow(one) else {
                panic!("{body} cut at {cut}");
            };
            assert_eq!(chunks.follow(two), Reach::Ends(body.len() - cut), "{body} cut at {cut}");
        }
    }
    for nonsense in ["x", "2\r\nokok\r\n", "\r\n", "11111111111111111\r\n"] {
        assert_eq!(Chunks::default().follow(nonsense.as_bytes()), Reach::Lost, "{nonsense}");
    }
}

/// Writes the first line in brackets, and takes the letter in it for what follows.
struct Brackets;

impl Rules for Brackets {
    fn first_line(&mut self, line: &[u8]) -> Result<Option<Rewritten>, String> {
        match line {
            b"stop" => Err("stopped".into()),
            b"end" => Ok(Some(Rewritten { head: b"(end)".to_vec(), next: Next::Ended })),
            _ => Ok(None),
        }
    }

    fn head(&mut self, head: &[u8]) -> Result<Rewritten, String> {
        let (line, _) = first_line(head);
        let next = match line.first() {
            Some(digit @ b'0'..=b'9') => Next::Body((digit - b'0').into()),
            Some(b'c') => Next::Chunks,
            Some(b'b') => Next::Beyond,
            _ => Next::Head,
        };
        Ok(Rewritten { head: [b"[", line, b"]"].concat(), next })
    }

    fn too_long(&mut self) -> Result<Rewritten, String> {
        Err("too long".into())
    }

    fn head_bytes_max(&self) -> usize {
        20
    }
}

fn rewritten(bytes: &[u8], piece: usize) -> Result<String, String> {
    let mut rewriter = Rewriter::new(Brackets);
    let mut out = Vec::new();
    for part in bytes.chunks(piece) {
        if rewriter.passes(part) {
            out.extend_from_slice(part);
            continue;
        }
        rewriter.push(part)?;
        out.extend_from_slice(rewriter.ready());
        rewriter.consume(rewriter.ready().len());
    }
    rewriter.end();
    out.extend_from_slice(rewriter.ready());
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn each_head_of_a_connection_is_written_anew() {
    let cases = [
        ("a\r\nX: y\r\n\r\nb\n\nrest\r\n\r\n", Ok("[a][b]rest\r\n\r\n")),
        ("3\r\n\r\n\r\n\r4\r\n\r\nabcda\n\n", Ok("[3]\r\n\r[4]abcd[a]")),
        ("\r\n\r\n\na\r\n\r\n", Ok("[a]")),
        ("c\n\n2\r\nok\r\n0\r\n\r\na\n\n", Ok("[c]2\r\nok\r\n0\r\n\r\n[a]")),
        ("c\n\nnonsense\n\na\n\n", Ok("[c]nonsense\n\na\n\n")),
        ("a\n\nend\nwhatever\n\nfollows", Ok("[a](end)")),
        ("a\n\nstop\n", Err("stopped")),
        ("a\n\ncut of", Ok("[a]cut of")),
        ("a\nX: 0123456789012345678", Err("too long")),
        ("a\nX: 0123456789012\n\n", Ok("[a]")),
        ("a\nX: 01234567890123\n\n", Err("too long")),
    ];
    for (bytes, expected) in cases {
        for piece in [1, 2, 3, 7, 1000] {
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(rewritten(bytes.as_bytes(), piece), expected, "{bytes:?} by {piece}");
        }
    }
}

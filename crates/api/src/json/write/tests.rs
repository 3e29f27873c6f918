use super::{Escape, push_string, push_string_map, push_strings};

#[test]
fn strings_are_escaped_as_go_does() {
    let cases = [
        ("plain ünïcode 日本", "plain ünïcode 日本", "plain ünïcode 日本"),
        ("<&>", r"\u003c\u0026\u003e", "<&>"),
        ("\"\\\n\r\t\u{8}\u{c}", r#"\"\\\n\r\t\b\f"#, r#"\"\\\n\r\t\b\f"#),
        ("\0\u{1f}\u{7f}", "\\u0000\\u001f\u{7f}", "\\u0000\\u001f\u{7f}"),
        ("\u{2028}\u{2029}\u{2027}", "\\u2028\\u2029\u{2027}", "\\u2028\\u2029\u{2027}"),
    ];
    for (text, html, plain) in cases {
        for (escape, expected) in [(Escape::Html, html), (Escape::Plain, plain)] {
            let mut out = String::new();
            push_string(&mut out, text, escape);
            assert_eq!(out, format!("\"{expected}\""));
            let back: String = serde_json::from_str(&out).expect("valid JSON");
            assert_eq!(back, text);
        }
    }
}

#[test]
fn lists_and_maps_have_commas_between() {
    let mut out = String::new();
    push_strings(&mut out, ["a", "<"], Escape::Plain);
    push_strings(&mut out, [""; 0], Escape::Plain);
    push_string_map(&mut out, [("a", "b"), ("c", "<")], Escape::Html);
    push_string_map(&mut out, [], Escape::Html);
    assert_eq!(out, r#"["a","<"][]{"a":"b","c":"\u003c"}{}"#);
}

#[test]
fn every_byte_that_needs_care_is_seen_wherever_it_stands() {
    for length in [1, 3, 7, 8, 9, 16, 21] {
        for (byte, care) in (0..=255).zip(super::SPECIAL_IN_HTML) {
            for at in 0..length {
                let mut bytes = vec![b'x'; length];
                bytes[at] = byte;
                assert_eq!(super::is_plain(&bytes), !care, "{byte} at {at} of {length}");
            }
        }
    }
    assert!(super::is_plain(&[]));
}

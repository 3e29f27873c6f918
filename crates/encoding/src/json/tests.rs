use super::{
    Escape, IN_HTML, List, Object, Special, escaped_len, is_plain, push_float, push_string,
    push_string_map, push_strings,
};

fn written(text: &str, escape: Escape) -> String {
    let mut out = String::new();
    push_string(&mut out, text, escape);
    let read: String = serde_json::from_str(&out).expect("what is written is JSON");
    assert_eq!(read, text);
    out
}

#[test]
fn strings_are_escaped_as_go_does() {
    let cases = [
        ("", "", ""),
        ("plain größe 日本 🐑", "plain größe 日本 🐑", "plain größe 日本 🐑"),
        ("a\"b\\c/d", r#"a\"b\\c/d"#, r#"a\"b\\c/d"#),
        ("\u{8}\u{c}\n\r\t", r"\b\f\n\r\t", r"\b\f\n\r\t"),
        ("\0\u{1f}\u{7f}", "\\u0000\\u001f\u{7f}", "\\u0000\\u001f\u{7f}"),
        ("<a href='x'>&", r"\u003ca href='x'\u003e\u0026", "<a href='x'>&"),
        ("a\u{2028}b\u{2029}", r"a\u2028b\u2029", r"a\u2028b\u2029"),
        ("\u{2027}\u{202a}â€", "\u{2027}\u{202a}â€", "\u{2027}\u{202a}â€"),
    ];
    for (text, html, plain) in cases {
        assert_eq!(written(text, Escape::Html), format!("\"{html}\""));
        assert_eq!(written(text, Escape::Plain), format!("\"{plain}\""));
    }
}

#[test]
fn every_character_survives() {
    for c in (0..=0x2100).chain([0xffff, 0x1_f411, 0x10_ffff]).filter_map(char::from_u32) {
        let out = written(&format!("x{c}y"), Escape::Html);
        assert_eq!(out.len(), "\"xy\"".len() + escaped_len(c), "{out}");
        written(&format!("x{c}y"), Escape::Plain);
    }
}

#[test]
fn every_byte_that_needs_care_is_found_wherever_it_stands() {
    for length in [1, 3, 7, 8, 9, 16, 21] {
        for (byte, special) in (0..=255).zip(IN_HTML) {
            for at in 0..length {
                let mut bytes = vec![b'x'; length];
                bytes[at] = byte;
                let plain = matches!(special, Special::No);
                assert_eq!(is_plain(&bytes), plain, "{byte} at {at} of {length}");
            }
        }
    }
    assert!(is_plain(&[]));
}

#[test]
fn objects_and_lists_nest() {
    let mut out = String::new();
    let mut object = Object::begin(&mut out);
    object.string("a<", "b");
    object.non_empty("none", "");
    object.number("n", u64::MAX);
    object.bool("yes", true);
    let mut list = List::begin(object.value("list"));
    list.value().push('1');
    Object::begin(list.value()).end();
    list.end();
    object.end();
    assert_eq!(out, r#"{"a\u003c":"b","n":18446744073709551615,"yes":true,"list":[1,{}]}"#);
}

#[test]
fn lists_and_maps_of_strings_have_commas_between() {
    let mut out = String::new();
    push_strings(&mut out, ["a", "<"], Escape::Plain);
    push_strings(&mut out, [""; 0], Escape::Plain);
    push_string_map(&mut out, [("a", "b"), ("c", "<")], Escape::Html);
    push_string_map(&mut out, [], Escape::Html);
    assert_eq!(out, r#"["a","<"][]{"a":"b","c":"\u003c"}{}"#);
}

#[test]
fn floats_are_written_as_go_writes_them() {
    let cases = [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (0.1, "0.1"),
        (1e-6, "0.000001"),
        (9e-7, "9e-7"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (-1.5e300, "-1.5e+300"),
        (1.5e-10, "1.5e-10"),
        (f64::NAN, "null"),
        (f64::INFINITY, "null"),
    ];
    for (value, expected) in cases {
        let mut out = String::new();
        push_float(&mut out, value);
        assert_eq!(out, expected);
    }
}

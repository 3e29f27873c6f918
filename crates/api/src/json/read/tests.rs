use super::{DEPTH_MAX, JsonReader, Kind, lossy};

fn error(text: &str) -> String {
    JsonReader::new(text).skip().expect_err("broken").0
}

fn string(text: &str) -> String {
    let mut reader = JsonReader::new(text);
    assert_eq!(reader.kind(), Ok(Kind::String));
    reader.string().expect("a string").into_owned()
}

#[test]
fn errors_name_the_character_and_the_place() {
    let cases = [
        ("", "unexpected EOF"),
        ("x", "invalid character 'x' looking for beginning of value"),
        ("'", r"invalid character '\'' looking for beginning of value"),
        ("[,]", "invalid character ',' looking for beginning of value"),
        ("[1 2]", "invalid character '2' after array element"),
        ("[1,]", "invalid character ']' looking for beginning of value"),
        ("{,}", "invalid character ',' looking for beginning of object key string"),
        ("{\"a\":1,}", "invalid character '}' looking for beginning of object key string"),
        ("{\"a\" 1}", "invalid character '1' after object key"),
        ("{\"a\":1 \"b\"", "invalid character '\"' after object key:value pair"),
        ("[01]", "invalid character '1' after array element"),
        ("-x", "invalid character 'x' in numeric literal"),
        ("1.x", "invalid character 'x' after decimal point in numeric literal"),
        ("1e+x", "invalid character 'x' in exponent of numeric literal"),
        ("nul]", "invalid character ']' in literal null (expecting 'l')"),
        ("trve", "invalid character 'v' in literal true (expecting 'u')"),
        ("\"\\x\"", "invalid character 'x' in string escape code"),
        ("\"\\u12g4\"", "invalid character 'g' in \\u hexadecimal character escape"),
        ("\"a\nb\"", r"invalid character '\n' in string literal"),
        ("\"\\", "unexpected EOF"),
        ("\"abc", "unexpected EOF"),
    ];
    for (text, expected) in cases {
        assert_eq!(error(text), expected, "{text}");
    }
}

#[test]
fn strings_are_unescaped_as_go_does() {
    assert_eq!(string(r#""plain""#), "plain");
    assert_eq!(string(r#""\"\\\/\b\f\n\r\t""#), "\"\\/\u{8}\u{c}\n\r\t");
    assert_eq!(string(r#""x\u00e9y\ud83d\ude00z""#), "xéy😀z");
    assert_eq!(string(r#""\ud800""#), "\u{fffd}");
    assert_eq!(string(r#""\ud800\u0041\udc00x""#), "\u{fffd}A\u{fffd}x");
    assert_eq!(string(r#""\ud800\ud83d\ude00""#), "\u{fffd}😀");
}

#[test]
fn the_end_of_a_string_is_found_at_any_position() {
    for length in 0..40 {
        // Neighbours of the marked bytes, and characters of several bytes, are plain.
        let plain: String = "!#[] é\u{7f}日a".chars().cycle().take(length).collect();
        assert_eq!(string(&format!("\"{plain}\"\"\\ \n")), plain);
        assert_eq!(string(&format!("\"{plain}\\n{plain}\"x")), format!("{plain}\n{plain}"));
        let broken = error(&format!("\"{plain}\u{1f}{plain}\""));
        assert_eq!(broken, r"invalid character '\x1f' in string literal");
    }
}

#[test]
fn nothing_after_the_first_value_is_read() {
    let mut reader = JsonReader::new(" {\"a\":[1,{\"b\":null}],\"c\":-1.5e-3} garbage");
    assert_eq!(reader.skip(), Ok(()));
    assert_eq!(reader.at, " {\"a\":[1,{\"b\":null}],\"c\":-1.5e-3}".len());
}

#[test]
fn depth_is_limited() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert_eq!(JsonReader::new(&nested(DEPTH_MAX)).skip(), Ok(()));
    assert_eq!(error(&nested(DEPTH_MAX + 1)), "invalid character '[' exceeded max depth");
}

#[test]
fn each_invalid_byte_becomes_a_replacement_character() {
    assert_eq!(lossy(b"a\xff\xe2\x82b"), "a\u{fffd}\u{fffd}\u{fffd}b");
    assert_eq!(lossy("ünbroken".as_bytes()), "ünbroken");
}

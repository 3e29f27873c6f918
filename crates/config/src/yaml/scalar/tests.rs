use super::*;

#[track_caller]
fn check(text: &str, expect: Scalar) {
    assert_eq!(resolve(text, true, None), Ok(expect), "{text:?}");
}

#[test]
fn words_of_yaml_1_1_are_booleans_and_null() {
    for text in ["y", "Yes", "on", "ON", "TRUE"] {
        check(text, Scalar::Bool(true));
    }
    for text in ["n", "No", "off", "Off", "FALSE"] {
        check(text, Scalar::Bool(false));
    }
    for text in ["", "~", "null", "Null"] {
        check(text, Scalar::Null);
    }
    for text in ["yES", "oN", "tRUE", "nULL", "NIL"] {
        check(text, Scalar::Text);
    }
}

#[test]
fn integers_have_bases_and_underscores() {
    check("12", Scalar::Int(12));
    check("+12", Scalar::Int(12));
    check("-0", Scalar::Int(0));
    check("0777", Scalar::Int(0o777));
    check("0o17", Scalar::Int(0o17));
    check("0x_1F", Scalar::Int(31));
    check("-0b101", Scalar::Int(-5));
    check("1_000", Scalar::Int(1000));
    check("9223372036854775808", Scalar::Uint(1 << 63));
    check("-9223372036854775808", Scalar::Int(i64::MIN));
    check("--1", Scalar::Text);
    check("1:30", Scalar::Text);
    check("0x", Scalar::Text);
}

#[test]
fn floats_are_decimal() {
    check("1.5", Scalar::Float(1.5));
    check(".5", Scalar::Float(0.5));
    check("1.", Scalar::Float(1.0));
    check("1_000.5", Scalar::Float(1000.5));
    check("08", Scalar::Float(8.0));
    check("1e3", Scalar::Float(1000.0));
    check("-.inf", Scalar::Float(f64::NEG_INFINITY));
    for text in [".", "1e", "1.2.3", "2024-01-01", "1e999", "infinity", "nan", "-"] {
        check(text, Scalar::Text);
    }
}

#[test]
fn quotes_make_a_text_and_tags_must_agree() {
    assert_eq!(resolve("true", false, None), Ok(Scalar::Text));
    assert_eq!(resolve("yes", false, Some(BOOL_TAG)), Ok(Scalar::Bool(true)));
    assert_eq!(resolve("3", true, Some(STR_TAG)), Ok(Scalar::Text));
    assert_eq!(resolve("3", true, Some(FLOAT_TAG)), Ok(Scalar::Float(3.0)));
    assert!(resolve("x", true, Some(INT_TAG)).is_err());
    assert_eq!(resolve("aGk=", true, Some(BINARY_TAG)), Ok(Scalar::Decoded("hi".to_owned())));
    assert!(resolve("a", true, Some(BINARY_TAG)).is_err());
}

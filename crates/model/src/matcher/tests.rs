use super::parse::{MATCHERS_MAX, TEXT_BYTES_MAX};
use super::{
    Matcher, MatcherMode, Matchers, Op, parse_matcher, parse_matchers, valid_classic_label_name,
    valid_label_name,
};
use crate::labels::LabelSet;

use MatcherMode::{Classic, Fallback, Utf8};

fn matcher(name: &str, op: Op, value: &str) -> Matcher {
    Matcher::new(name, op, value).expect("a valid matcher")
}

/// Reads `text` as a list and compares the canonical text of the outcome, or the error's.
#[track_caller]
fn check(mode: MatcherMode, text: &str, expected: &str) {
    let found = match parse_matchers(text, mode) {
        Ok(parsed) => Matchers(parsed.value).to_string(),
        Err(error) => error.to_string(),
    };
    assert_eq!(found, expected, "{text:?} in {mode:?}");
}

#[track_caller]
fn check_one(mode: MatcherMode, text: &str, expected: &str) {
    let found = match parse_matcher(text, mode) {
        Ok(parsed) => parsed.value.to_string(),
        Err(error) => error.to_string(),
    };
    assert_eq!(found, expected, "{text:?} in {mode:?}");
}

#[test]
fn a_missing_label_counts_as_empty() {
    let labels = LabelSet::new([("env", "prod"), ("team", "a")]);
    let cases = [
        ("env", Op::Equal, "prod", true),
        ("env", Op::Equal, "pro", false),
        ("env", Op::NotEqual, "dev", true),
        ("env", Op::Matches, "pro|prod", true),
        ("env", Op::Matches, "pro", false),
        ("env", Op::NotMatches, "p.*", false),
        ("zone", Op::Equal, "", true),
        ("zone", Op::NotEqual, "", false),
        ("zone", Op::NotEqual, "x", true),
        ("zone", Op::Matches, ".*", true),
        ("zone", Op::Matches, ".+", false),
        ("zone", Op::NotMatches, ".+", true),
    ];
    for (name, op, value, expected) in cases {
        let matcher = matcher(name, op, value);
        assert_eq!(matcher.matches(&labels), expected, "{matcher}");
        assert_eq!(matcher.pattern().is_some(), op.is_regex());
    }
}

#[test]
fn a_set_holds_if_all_its_matchers_do() {
    let labels = LabelSet::new([("a", "1"), ("b", "2")]);
    let both = |b| Matchers::new(vec![matcher("a", Op::Equal, "1"), matcher("b", Op::Equal, b)]);
    assert!(both("2").matches(&labels));
    assert!(!both("3").matches(&labels));
    assert!(Matchers::default().matches(&labels));
    assert!(Matchers::default().is_empty());
}

#[test]
fn sets_sort_by_name_then_value_then_operator() {
    let set = Matchers::new(vec![
        matcher("b", Op::Equal, "1"),
        matcher("a", Op::NotMatches, "1"),
        matcher("a", Op::Matches, "1"),
        matcher("a", Op::NotEqual, "1"),
        matcher("a", Op::Equal, "2"),
        matcher("a", Op::Equal, "1"),
    ]);
    assert_eq!(set.to_string(), r#"{a="1",a!="1",a=~"1",a!~"1",a="2",b="1"}"#);
    assert_eq!(set.iter().count(), 6);
}

#[test]
fn only_positive_matchers_count_as_matching_empty() {
    let cases = [
        (Op::Equal, "", true),
        (Op::Equal, "x", false),
        (Op::Matches, "x*", true),
        (Op::Matches, "x+", false),
        (Op::NotEqual, "x", false),
        (Op::NotMatches, "x", false),
    ];
    for (op, value, expected) in cases {
        assert_eq!(matcher("a", op, value).matches_empty(), expected, "{op:?} {value}");
    }
}

#[test]
fn canonical_texts_quote_names_only_where_they_must() {
    let cases = [
        ("foo", "a\"b\\c\nd\te", "foo=\"a\\\"b\\\\c\\nd\te\""),
        ("日本", "x", "日本=\"x\""),
        ("foo bar", "a\te", r#""foo bar"="a\te""#),
        ("a=b", "é\u{a0}", r#""a=b"="é\u00a0""#),
        ("", "x", "=\"x\""),
    ];
    for (name, value, text) in cases {
        assert_eq!(matcher(name, Op::Equal, value).to_string(), text);
    }
}

#[test]
fn both_syntaxes_read_the_common_forms_alike() {
    let list = r#"{foo="bar",baz!="q,x",a=~"b.*",c!~"d|e"}"#;
    for mode in [Fallback, Utf8, Classic] {
        check(mode, list, list);
        check(mode, r#" foo = "bar" , baz=x,"#, r#"{foo="bar",baz="x"}"#);
        check(mode, "", "{}");
        check(mode, "{}", "{}");
        check_one(mode, "foo=bar", r#"foo="bar""#);
        check_one(mode, r#"foo="a\"b\\\n""#, r#"foo="a\"b\\\n""#);
    }
}

#[test]
fn utf8_names_and_values_are_read() {
    for mode in [Fallback, Utf8] {
        check(mode, r#"{"foo bar"="x",日本=é}"#, r#"{"foo bar"="x",日本="é"}"#);
        check(mode, r#""\u00e9"="\x41""#, r#"{é="A"}"#);
        check_one(mode, r#""" = x"#, r#"="x""#);
    }
    check(Utf8, r#"foo="\u0061""#, r#"{foo="a"}"#);
    check(Classic, r#"foo="\u0061""#, r#"{foo="\\u0061"}"#);
}

#[test]
fn the_classic_syntax_is_tolerant() {
    check(Classic, "{foo=bar", r#"{foo="bar"}"#);
    check(Classic, "foo=bar}", r#"{foo="bar"}"#);
    check(Classic, "foo=", r#"{foo=""}"#);
    check(Classic, "foo=a b  ", r#"{foo="a b"}"#);
    check(Classic, r"foo=a\d\", r#"{foo="a\\d\\"}"#);
    check(Classic, "foo=~[a-z]+", r#"{foo=~"[a-z]+"}"#);
    check(Classic, "foo=\"a,b\", bar={x}", r#"{foo="a,b",bar="{x"}"#);
    check(Classic, "a:b=x", r#"{a:b="x"}"#);
    check(Classic, "foo==x", r#"{foo="=x"}"#);
    check_one(Classic, "foo=a\nb", "foo=\"a\\nb\"");
    // A backslash before a comma hides the quote behind it.
    check(Classic, r#"a=\,"b"#, r#"bad matcher format: "b"#);
}

#[test]
fn classic_errors_are_worded_as_in_go() {
    check(Classic, "foo", "bad matcher format: foo");
    check(Classic, "9a=x", "bad matcher format: 9a=x");
    check(Classic, "é=x", "bad matcher format: é=x");
    check(Classic, "a=b,,c=d", "bad matcher format: ");
    check(Classic, r#"a="b"c"#, r#"matcher value contains unescaped double quote: "b"c"#);
    check(Classic, r#"a="b"#, r#"matcher value contains unescaped double quote: "b"#);
    check(Classic, r#"a=b""#, r#"matcher value contains unescaped double quote: b""#);
    check(Classic, r#"a="b\""#, r#"matcher value contains unescaped double quote: "b\""#);
    check(Classic, "a=~[", "error parsing regexp: missing closing ]: `[)$`");
}

#[test]
fn utf8_errors_name_columns_as_in_go() {
    let cases = [
        ("{", "0:1: end of input: expected close brace"),
        ("}", "0:1: }: expected opening brace"),
        ("foo", "end of input: expected an operator such as '=', '!=', '=~' or '!~'"),
        ("foo=", "end of input: expected label value"),
        ("=bar", "0:1: unexpected =: expected label name"),
        ("{,}", "1:2: unexpected ,: expected label name"),
        ("foo bar", "4:7: unexpected bar: expected an operator such as '=', '!=', '=~' or '!~'"),
        ("foo=,", "4:5: unexpected ,: expected label value"),
        ("é=é é", "4:5: unexpected é: expected a comma or close brace"),
        ("a=b,,", "4:5: unexpected ,: expected a matcher or close brace after comma"),
        ("{a=b", "0:4: end of input: expected close brace"),
        ("{a=b, ", "0:5: end of input: expected close brace"),
        ("a=b}", "0:4: }: expected opening brace"),
        ("{a=b} c", "6:7: c: expected end of input"),
        ("{a=b}'", "5:6: ': invalid input: expected end of input"),
        ("'", "0:1: ': invalid input"),
        ("a='", "2:3: ': invalid input: expected label value"),
        (
            "a!b",
            "1:2: !: expected one of '=~': expected an operator such as '=', '!=', '=~' or '!~'",
        ),
        (
            "a!",
            "1:2: unexpected end of input, expected one of '=~': \
             expected an operator such as '=', '!=', '=~' or '!~'",
        ),
        (r#"a="b"#, r#"2:4: "b: missing end ": expected label value"#),
        (r#"a="\q""#, r#"2:6: "\q": invalid input"#),
        (r#"a="\xff""#, r#"2:8: "\xff": invalid input"#),
        ("a=~[", "failed to create matcher: error parsing regexp: missing closing ]: `[)$`"),
    ];
    for (text, expected) in cases {
        check(Utf8, text, expected);
    }
}

#[test]
fn a_single_matcher_is_neither_none_nor_two() {
    check_one(Utf8, "", "no matchers");
    check_one(Utf8, "a=b,c=d,e=f", "expected 1 matcher, found 3");
    for mode in [Fallback, Utf8] {
        check_one(mode, "{a=b}", "unexpected open or close brace: {a=b}");
        check_one(mode, "a=b}", "unexpected open or close brace: a=b}");
    }
    check_one(Classic, "{a=b}", "bad matcher format: {a=b}");
    check_one(Classic, "a=b}", r#"a="b}""#);
}

#[test]
fn fallback_warns_where_the_syntaxes_differ() {
    let read = |text| parse_matchers(text, Fallback).expect("valid in one of the two");
    assert_eq!(read(r#"foo="bar""#).warning, None);
    assert_eq!(read(r#"日="x""#).warning, None);
    assert_eq!(read("{}").warning, None);

    let classic_only = read("foo=bar baz,a=");
    assert_eq!(Matchers(classic_only.value).to_string(), r#"{foo="bar baz",a=""}"#);
    let warning = classic_only.warning.expect("a warning");
    assert!(warning.contains("8:11: unexpected baz"), "{warning}");
    assert!(warning.ends_with(r#"write them as foo="bar baz",a="""#), "{warning}");

    let different = read(r#"foo="\u0061""#);
    assert_eq!(different.value, [matcher("foo", Op::Equal, r"\u0061")]);
    assert!(different.warning.is_some_and(|warning| warning.contains("something else")));

    check(Fallback, "foo='", r#"{foo="'"}"#);
    check(Fallback, "'", "bad matcher format: '");
}

#[test]
fn texts_and_lists_have_limits() {
    let long = format!("a=\"{}\"", "x".repeat(TEXT_BYTES_MAX - 4));
    for mode in [Fallback, Utf8, Classic] {
        assert!(parse_matcher(&long, mode).is_ok());
        let error = parse_matcher(&format!("{long} "), mode).expect_err("too long");
        assert_eq!(error.to_string(), "matchers are longer than 1048576 bytes: 1048577");
        let many = vec!["a=b"; MATCHERS_MAX];
        assert_eq!(parse_matchers(&many.join(","), mode).map(|p| p.value.len()), Ok(MATCHERS_MAX));
        let error = parse_matchers(&[many.as_slice(), &["a=b"]].concat().join(","), mode);
        assert_eq!(error.expect_err("too many").to_string(), "more than 1000 matchers");
    }
}

#[test]
fn label_names_depend_on_the_mode() {
    for name in ["a", "_", "a9_Z"] {
        assert!(valid_classic_label_name(name), "{name}");
        assert!(valid_label_name(name, Classic) && valid_label_name(name, Utf8));
    }
    for name in ["9a", "a:b", "é", "a b", "a-b"] {
        assert!(!valid_classic_label_name(name), "{name}");
        assert!(valid_label_name(name, Fallback) && valid_label_name(name, Utf8), "{name}");
    }
    for mode in [Fallback, Utf8, Classic] {
        assert!(!valid_label_name("", mode));
    }
}

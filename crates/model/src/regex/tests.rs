use super::shape::{Newline, Run, Shape};
use super::{Pattern, PatternDraft, dialect, matches_empty};
use crate::quote::unquoted;

#[derive(Debug, PartialEq)]
enum Verdict {
    Refused(String),
    /// One digit for each input.
    Matches(String),
}

fn literal(text: &str) -> String {
    unquoted(&format!("\"{text}\"")).expect("the table holds Go literals")
}

#[test]
fn every_pattern_is_judged_as_go_judges_it() {
    let mut inputs = Vec::new();
    let mut count = 0;
    for line in include_str!("verdicts.txt").lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.split('\t');
        let mut field = || fields.next().expect("a complete line");
        let kind = field();
        if kind == "input" {
            inputs.push(literal(field()));
            continue;
        }
        let source = literal(field());
        let expected = match field() {
            text if text.starts_with('=') => Verdict::Matches(text[1..].into()),
            text => Verdict::Refused(literal(text)),
        };
        let compiled = match kind {
            "anchored" => Pattern::anchored(&source),
            _ => Pattern::unanchored(&source),
        };
        let verdict = match compiled {
            Err(error) => Verdict::Refused(error.to_string()),
            Ok(pattern) => Verdict::Matches(
                inputs.iter().map(|text| if pattern.is_match(text) { '1' } else { '0' }).collect(),
            ),
        };
        assert_eq!(verdict, expected, "{kind} {source:?}");
        count += 1;
    }
    assert!(count > 400, "only {count} patterns were tried");
}

#[track_caller]
fn check_shape(source: &str, expected: Option<Shape>) {
    let tree = dialect::parse(&format!("^(?:{source})$")).expect("a valid pattern");
    assert_eq!(Shape::of_anchored(&tree), expected, "{source}");
}

#[test]
fn plain_texts_and_prefixes_need_no_engine() {
    let one_of = |texts: &[&str]| Some(Shape::OneOf(texts.iter().map(|t| (*t).into()).collect()));
    let around = |before, text: &str, after, newline| {
        Some(Shape::Around { before, text: text.into(), after, newline })
    };
    let (any, some) = (Some(Run::MaybeEmpty), Some(Run::NotEmpty));
    check_shape("prod", one_of(&["prod"]));
    check_shape(r"10\.0\.0\.1", one_of(&["10.0.0.1"]));
    check_shape("b|a|b|", one_of(&["", "a", "b"]));
    check_shape("(a|b)", one_of(&["a", "b"]));
    check_shape("", one_of(&[""]));
    check_shape("foo.*", around(None, "foo", any, Newline::Excluded));
    check_shape(".+foo", around(some, "foo", None, Newline::Excluded));
    check_shape("(?s).*foo.+", around(any, "foo", some, Newline::Included));
    check_shape(".*", around(any, "", None, Newline::Excluded));
    for engine_needed in ["(?i)prod", "foo.*bar", "a.b", "a|b.*", ".*\n", "a)|(b", "^a$", "x*"] {
        check_shape(engine_needed, None);
    }
}

#[test]
fn patterns_that_would_take_too_much_are_refused() {
    for source in [r"\pL{1000}", r"(?:\pL|\pN){500}", r"(?i:\w\pL){400}"] {
        let error = Pattern::anchored(source).expect_err("too large");
        assert_eq!(
            error.to_string(),
            format!("error parsing regexp: expression too large: `{source}`")
        );
    }
    assert!(Pattern::anchored(r"\w{1000}").is_ok());
    assert!(Pattern::anchored(r".{1000}").is_ok());
}

#[test]
fn ten_thousand_host_names_are_one_pattern() {
    let hosts = |dot: &str| {
        let host = |number| format!("web{number:05}{dot}frankfurt{dot}example{dot}com");
        (0..10_000).map(host).collect::<Vec<_>>().join("|")
    };
    for dot in ["\\.", "."] {
        let pattern = Pattern::anchored(&hosts(dot)).expect("not too large");
        assert!(pattern.is_match("web09999.frankfurt.example.com"));
        assert!(!pattern.is_match("web10000.frankfurt.example.com"));
        let any = pattern.is_match("web00000-frankfurt-example-com");
        assert_eq!(any, dot == ".");
    }
    let ports = format!("({}):[0-9]+", hosts("."));
    let pattern = Pattern::anchored(&ports).expect("not too large");
    assert!(pattern.is_match("web00001.frankfurt.example.com:9100"));
}

#[test]
fn what_a_pattern_costs_is_known_before_it_is_compiled() {
    let cost = |source| PatternDraft::anchored(source).expect("a pattern").cost();
    assert!(cost("a|b|c") < 100 && PatternDraft::anchored("a|b").expect("a pattern").is_plain());
    assert!(cost("node-[0-9]+.example.com:.*") < 10_000);
    assert!(cost(r"\pL{150}N") > 4 << 20);
    assert!(cost("(?i)(prod|staging)-.*") < 10_000);
    assert!(cost("((((a{10}){10}){10}){1})") >= 1000 * 32);
    // The estimate holds what the engine needs: what is allowed can be compiled.
    for source in [r"\pL{300}", r"(?i:\pL){100}", ".{1000}.{1000}.{1000}", r"[^\pL]{200}"] {
        Pattern::anchored(source).expect("small enough by its estimate");
    }
}

#[test]
fn large_and_small_patterns_match_alike() {
    // The same condition, below and beyond the size from which another engine is used.
    for (small, large) in
        [(r"\pL{3}N", r"\pL{3}N|\pL{40}"), ("(?i:a.c)", "(?i:a.c)|.{1000}.{1000}")]
    {
        let (small, large) = (Pattern::anchored(small), Pattern::anchored(large));
        let (small, large) = (small.expect("small"), large.expect("large"));
        for text in ["", "abcN", "äbcN", "abc", "AXC", "a\nc", "abcNx", "xabcN"] {
            assert_eq!(small.is_match(text), large.is_match(text), "{text:?}");
        }
    }
}

#[test]
fn whether_an_empty_text_matches_is_known_without_compiling() {
    for source in [
        "", "a", "a*", "a+", "a?", "(a|)", "(a|b)", "^$", "^a", "(?m)^$", r"\b", r"\B", "x{0}",
        "x{0,3}y?", ".*", ".+", r"\pL*", r"\A\z", "(?:)", "a|^",
    ] {
        let expected = Pattern::unanchored(source).expect("a pattern").is_match("");
        assert_eq!(matches_empty(source), Ok(expected), "{source}");
    }
    assert!(matches_empty("(").is_err());
}

#[test]
fn groups_nest_to_the_limit_and_no_deeper() {
    let nested = |depth| format!("{}x{}", "(?i:a|(b".repeat(depth), ")?|c)+".repeat(depth));
    let pattern = Pattern::unanchored(&nested(124)).expect("not too deep");
    assert!(pattern.is_match("C"));
    let error = Pattern::unanchored(&nested(126)).expect_err("too deep");
    assert!(error.to_string().contains("expression nests too deeply"), "{error}");
    let flags = format!("a*{}", "(?i)*".repeat(300));
    let error = Pattern::unanchored(&flags).expect_err("too deep");
    assert!(error.to_string().contains("expression nests too deeply"), "{error}");
}

#[test]
fn scripts_of_several_words_are_known() {
    for name in ["Old_Turkic", "old turkic", "OLDTURKIC"] {
        let pattern = Pattern::anchored(&format!(r"\p{{{name}}}")).expect("a script");
        assert!(pattern.is_match("\u{10c00}"));
        assert!(!pattern.is_match("a"));
    }
}

#[test]
fn every_name_of_a_class_is_known_to_the_engine() {
    for name in super::unicode::names() {
        assert!(Pattern::unanchored(&format!(r"\p{{{name}}}")).is_ok(), "{name}");
    }
}

#[test]
fn patterns_are_equal_if_they_are_written_alike() {
    let pattern = |text| Pattern::anchored(text).expect("a valid pattern");
    assert_eq!(pattern("a|b"), pattern("a|b"));
    assert_ne!(pattern("a|b"), pattern("b|a"));
    assert_eq!(format!("{:?}", pattern(r"a\.b")), r#""a\\.b""#);
    assert_eq!(pattern("a|b").as_str(), "a|b");
}

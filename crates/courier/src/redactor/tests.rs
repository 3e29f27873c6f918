use bellwether_model::{FailureReason, Outcome};

use super::Redactor;

#[track_caller]
fn check(redactor: &Redactor, text: &str, expected: &str) {
    assert_eq!(redactor.redact(text), expected, "{text}");
}

#[test]
fn a_secret_is_hidden_in_every_spelling() {
    let redactor = Redactor::default();
    redactor.add("a \"b\"<&'c/ü");
    check(&redactor, "no key a \"b\"<&'c/ü here", "no key <secret> here");
    check(&redactor, r#"{"key":"a \"b\"<&'c/ü"}"#, r#"{"key":"<secret>"}"#);
    check(&redactor, r#"{"key":"a \"b\"\u003c\u0026'c/ü"}"#, r#"{"key":"<secret>"}"#);
    check(&redactor, "/x?key=a%20%22b%22%3C%26%27c%2F%C3%BC&y", "/x?key=<secret>&y");
    check(&redactor, "key=a+%22b%22%3C%26%27c%2F%C3%BC", "key=<secret>");
    check(&redactor, "<p>a &#34;b&#34;&lt;&amp;&#39;c/ü</p>", "<p><secret></p>");
    check(&redactor, "a and b", "a and b");
}

#[test]
fn each_part_of_a_url_that_may_be_secret_is_hidden() {
    let redactor = Redactor::default();
    redactor.add_url("http://user:pass%2Fword@host:8080/hook/T0123456789abcdef?key=s+t&v=1");
    let hidden = [
        "http://user:pass%2Fword@host:8080/hook/T0123456789abcdef?key=s+t&v=1",
        "/hook/T0123456789abcdef?key=s+t&v=1",
        "/hook/T0123456789abcdef",
        "T0123456789abcdef",
        "key=s+t&v=1",
        "pass%2Fword",
        "pass/word",
    ];
    for part in hidden {
        check(&redactor, &format!("[{part}]"), "[<secret>]");
    }
    check(&redactor, "http://host:8080/ /hook 1", "http://host:8080/ /hook 1");
}

#[test]
fn secrets_shorter_than_four_characters_hide_nothing() {
    let redactor = Redactor::default();
    for secret in ["", "a", "o", "the", "  "] {
        redactor.add(secret);
    }
    redactor.add_url("http://a:o@host/x?t=1&k=abc");
    redactor.add_authorization(b"Bearer o");
    redactor.add_authorization(b"Basic YTpv");
    check(&redactor, "no access to the host, a 401", "no access to the host, a 401");
    redactor.add("four");
    check(&redactor, "the four", "the <secret>");
}

#[test]
fn a_short_path_hides_nothing_else() {
    let redactor = Redactor::default();
    redactor.add_url("http://host/");
    check(&redactor, "a/b /", "a/b /");
    check(&redactor, "no http://host/ here", "no http://host/ here");
}

#[test]
fn a_secret_is_hidden_where_the_text_is_cut() {
    let redactor = Redactor::default();
    redactor.add("token-ä-1234");
    check(&redactor, "it was token-ä-…", "it was <secret>…");
    check(&redactor, "it was toke… (more)", "it was <secret>… (more)");
    check(&redactor, "it was token-\u{fffd}…", "it was <secret>\u{fffd}…");
    check(&redactor, "it was token-ä-123", "it was <secret>");
    check(&redactor, "it was tok…", "it was tok…");
    check(&redactor, "it was token-ö…", "it was token-ö…");
}

#[test]
fn the_longer_of_two_secrets_is_hidden_as_one() {
    let redactor = Redactor::default();
    redactor.add("secret");
    redactor.add("my secret key");
    check(&redactor, "my secret key, secret", "<secret>, <secret>");
}

#[test]
fn credentials_are_hidden_as_they_were_sent_and_decoded() {
    let redactor = Redactor::default();
    // user:p:wd
    redactor.add_authorization(b"Basic dXNlcjpwOndk");
    redactor.add_authorization(b"GenieKey abc-def");
    check(
        &redactor,
        "Authorization: Basic dXNlcjpwOndk / user:p:wd / abc-def",
        "Authorization: Basic <secret> / user:<secret> / <secret>",
    );
}

#[test]
fn only_the_text_of_an_outcome_changes() {
    let redactor = Redactor::default();
    redactor.add("marker");
    let outcome = |detail: &str| Outcome::Refused {
        reason: FailureReason::AuthError,
        detail: detail.to_owned(),
    };
    assert_eq!(redactor.redact_outcome(outcome("a marker")), outcome("a <secret>"));
    let delivered = Outcome::Delivered { remember: Default::default() };
    assert_eq!(redactor.redact_outcome(delivered.clone()), delivered);
}

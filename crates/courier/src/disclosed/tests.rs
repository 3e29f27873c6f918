use bellwether_model::{FailureReason, Outcome};

use super::Disclosed;

#[track_caller]
fn check(disclosed: &Disclosed, text: &str, expected: &str) {
    assert_eq!(disclosed.hidden_in(text), expected, "{text}");
}

#[test]
fn a_secret_is_hidden_in_every_spelling() {
    let disclosed = Disclosed::default();
    disclosed.add("a \"b\"<&'c/ü");
    check(&disclosed, "no key a \"b\"<&'c/ü here", "no key <secret> here");
    check(&disclosed, r#"{"key":"a \"b\"<&'c/ü"}"#, r#"{"key":"<secret>"}"#);
    check(&disclosed, r#"{"key":"a \"b\"\u003c\u0026'c/ü"}"#, r#"{"key":"<secret>"}"#);
    check(&disclosed, "/x?key=a%20%22b%22%3C%26%27c%2F%C3%BC&y", "/x?key=<secret>&y");
    check(&disclosed, "key=a+%22b%22%3C%26%27c%2F%C3%BC", "key=<secret>");
    check(&disclosed, "<p>a &#34;b&#34;&lt;&amp;&#39;c/ü</p>", "<p><secret></p>");
    check(&disclosed, "a and b", "a and b");
}

#[test]
fn each_part_of_a_url_that_may_be_secret_is_hidden() {
    let disclosed = Disclosed::default();
    disclosed.add_url("http://user:pass%2Fword@host:8080/hook/T0123456789abcdef?key=s+t&v=1");
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
        check(&disclosed, &format!("[{part}]"), "[<secret>]");
    }
    check(&disclosed, "http://host:8080/ /hook 1", "http://host:8080/ /hook 1");
}

#[test]
fn a_short_path_hides_nothing_else() {
    let disclosed = Disclosed::default();
    disclosed.add_url("http://host/");
    check(&disclosed, "a/b /", "a/b /");
    check(&disclosed, "no http://host/ here", "no <secret> here");
}

#[test]
fn a_secret_is_hidden_where_the_text_is_cut() {
    let disclosed = Disclosed::default();
    disclosed.add("token-ä-1234");
    check(&disclosed, "it was token-ä-…", "it was <secret>…");
    check(&disclosed, "it was toke… (more)", "it was <secret>… (more)");
    check(&disclosed, "it was token-\u{fffd}…", "it was <secret>\u{fffd}…");
    check(&disclosed, "it was token-ä-123", "it was <secret>");
    check(&disclosed, "it was tok…", "it was tok…");
    check(&disclosed, "it was token-ö…", "it was token-ö…");
}

#[test]
fn the_longer_of_two_secrets_is_hidden_as_one() {
    let disclosed = Disclosed::default();
    disclosed.add("secret");
    disclosed.add("my secret key");
    check(&disclosed, "my secret key, secret", "<secret>, <secret>");
}

#[test]
fn credentials_are_hidden_as_they_were_sent_and_decoded() {
    let disclosed = Disclosed::default();
    // user:p:w
    disclosed.add_authorization(b"Basic dXNlcjpwOnc=");
    disclosed.add_authorization(b"GenieKey abc-def");
    check(
        &disclosed,
        "Authorization: Basic dXNlcjpwOnc= / user:p:w / abc-def",
        "Authorization: Basic <secret> / user:<secret> / <secret>",
    );
}

#[test]
fn only_the_text_of_an_outcome_changes() {
    let disclosed = Disclosed::default();
    disclosed.add("marker");
    let outcome = |detail: &str| Outcome::Refused {
        reason: FailureReason::AuthError,
        detail: detail.to_owned(),
    };
    assert_eq!(disclosed.hidden_in_outcome(outcome("a marker")), outcome("a <secret>"));
    let delivered = Outcome::Delivered { remember: Default::default() };
    assert_eq!(disclosed.hidden_in_outcome(delivered.clone()), delivered);
}

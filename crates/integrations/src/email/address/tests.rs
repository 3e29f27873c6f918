use super::parse_list;

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(
        parse_list(text).as_deref(),
        Ok(&expected.iter().map(|a| (*a).into()).collect::<Vec<String>>()[..]),
        "{text}"
    );
}

#[track_caller]
fn check_refused(text: &str, reason: &str) {
    match parse_list(text) {
        Err(error) => assert_eq!(error.to_string(), reason, "{text}"),
        Ok(addresses) => panic!("{text} was read as {addresses:?}"),
    }
}

#[test]
fn bare_addresses_are_separated_by_commas() {
    check("a@b.example", &["a@b.example"]);
    check(" a@b.example ,\n c.d+e@localhost,", &["a@b.example", "c.d+e@localhost"]);
    check(",,a@b,,c@d,,", &["a@b", "c@d"]);
    check("o'neil!#$%&*/=?^_`{|}~-@x-y.example", &["o'neil!#$%&*/=?^_`{|}~-@x-y.example"]);
    check("jürgen@bücher.example", &["jürgen@bücher.example"]);
}

#[test]
fn names_and_comments_are_left_out() {
    check("Ann <a@b.example>", &["a@b.example"]);
    check("Ann B. Cat <a@b>, <c@d>", &["a@b", "c@d"]);
    check(r#""Shift, \"night\" <x@y>" <a@b>"#, &["a@b"]);
    check("=?utf-8?q?J=C3=BCrgen?= <a@b>", &["a@b"]);
    check("a@b (day (and) night \\) shift), (c) Cat <c@d> (x)", &["a@b", "c@d"]);
}

#[test]
fn groups_are_replaced_by_their_members() {
    check("team: a@b, Cat <c@d>;, e@f", &["a@b", "c@d", "e@f"]);
    check("nobody:;, e@f", &["e@f"]);
    check_refused("nobody:;", "no address");
    check_refused("team: a@b", "a group without its end");
    check_refused("team: inner: a@b;;", "no @ in an address");
}

#[test]
fn quoted_parts_keep_their_quotes_only_where_needed() {
    check(r#""a b"@c"#, &[r#""a b"@c"#]);
    check(r#""a\"\\b"@c"#, &[r#""a\"\\b"@c"#]);
    check(r#""plain.one"@c"#, &["plain.one@c"]);
    check("a@[192.0.2.1], b@[IPv6:2001:db8::1]", &["a@[192.0.2.1]", "b@[IPv6:2001:db8::1]"]);
}

#[test]
fn invalid_address_is_refused() {
    check_refused("", "no address");
    check_refused(" , ", "no address");
    check_refused("ann", "no @ in an address");
    check_refused("Ann Bee", "no @ in an address");
    check_refused("Ann <ann>", "no @ in an address");
    check_refused("a@b c@d", "no comma between two entries");
    check_refused("a@b; c@d", "no comma between two entries");
    check_refused("a b@c", "nothing usable before an @");
    check_refused("@c", "nothing usable before an @");
    check_refused(".a@c", "nothing usable before an @");
    check_refused("a..b@c", "nothing usable before an @");
    check_refused(r#"""@c"#, "nothing usable before an @");
    check_refused("a@", "no domain after an @");
    check_refused("a@b.", "no domain after an @");
    check_refused("a@<b>", "no domain after an @");
    check_refused("Ann <a@b", "an angle bracket without its end");
    check_refused("a@[1.2", "a bracket without its end");
    check_refused("a@[1 2]", "a bad network address");
    check_refused("\"a@b", "a quote without its end");
    check_refused("\"a\r\nRCPT TO\"@b", "a control character between quotes");
    check_refused("(a@b", "a comment without its end");
    check_refused("a\u{0}@b", "a character that no address has");
    check_refused("a\\b@c", "a character that no address has");
}

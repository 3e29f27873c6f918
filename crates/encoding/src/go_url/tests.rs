use super::*;

#[track_caller]
fn check(text: &str, expect: Result<(), &str>) {
    assert_eq!(check_http_url(text), expect.map_err(str::to_owned), "{text}");
}

#[test]
fn valid_urls_are_accepted() {
    for text in [
        "http://a",
        "HTTPS://A.example:8443/x?y=z#f",
        "http://user:p%40ss@host/",
        "http://[::1]:9093/",
        "http://[fe80::1%25eth0]/",
        "http://:9093/",
        "http://a:/",
        "http://a/b c|d",
        "http://a/?q=%zz",
        "http://exämple/ü",
        "http://a%c3%a4/",
        "http://a%25b/",
    ] {
        check(text, Ok(()));
    }
}

#[test]
fn other_texts_are_refused_with_a_reason() {
    check("", Err("unsupported scheme \"\" for URL"));
    check("a.example/x", Err("unsupported scheme \"\" for URL"));
    check("///a", Err("unsupported scheme \"\" for URL"));
    check("1a:b", Err("first path segment in URL cannot contain colon"));
    check(":a", Err("missing protocol scheme"));
    check("mailto:a@b", Err("unsupported scheme \"mailto\" for URL"));
    check("http:a", Err("missing host for URL"));
    check("http:///a", Err("missing host for URL"));
    check("http://user@/a", Err("missing host for URL"));
    check("http://a:b/", Err("invalid port after host"));
    check("http://a:1:2/", Err("invalid port after host"));
    check("https://::1/", Err("invalid port after host"));
    check("HTTP://u:p@a:1:2", Err("invalid port after host"));
    check("http://[::1]x/", Err("invalid port after host"));
    check("http://[::1/", Err("missing ']' in host"));
    check("http://[1.2.3.4]/", Err("invalid host"));
    check("http://a[b/", Err("invalid IP-literal"));
    check("http://a b/", Err("invalid character ' ' in host name"));
    check("http://a%20b/", Err("invalid URL escape"));
    check("http://a/%zz", Err("invalid URL escape"));
    check("http://a/%4", Err("invalid URL escape"));
    check("http://a/#%", Err("invalid URL escape"));
    check("http://a b@c/", Err("net/url: invalid userinfo"));
    check("http://a/\n", Err("invalid control character in URL"));
}

#[test]
fn hosts_of_other_schemes_may_have_colons() {
    for (text, host) in [("socks5://a:1:2/", "a:1:2"), ("ftp://::1", "::1")] {
        assert_eq!(parse_url(text).map(|url| url.host).as_deref(), Ok(host), "{text}");
    }
    assert!(parse_url("socks5://a:1:x/").is_err());
}

#[test]
fn a_request_asks_for_what_was_written() {
    for (text, expected) in [
        ("http://h", "/"),
        ("http://h?a=1", "/?a=1"),
        ("http://h/?", "/?"),
        ("http://h/hook/../admin?x=../y#f", "/hook/../admin?x=../y"),
        ("http://h/./a//b/%2e%2E/", "/./a//b/%2e%2E/"),
        ("http://h/a%2Fb%c3%a4%41", "/a%2Fb%c3%a4%41"),
        ("http://h/~!$&'()*+,;=:@[]", "/~!$&'()*+,;=:@[]"),
        ("http://h/a b%2Fc|ä", "/a%20b/c%7C%C3%A4"),
        ("http://h/a\\b\"<>^`{}", "/a%5Cb%22%3C%3E%5E%60%7B%7D"),
        ("http://u:p@h:8/x?q=a b&c='|", "/x?q=a b&c='|"),
    ] {
        assert_eq!(request_target(text), expected, "{text}");
    }
}

#[test]
fn a_host_is_named_as_it_was_written() {
    for (text, expected) in [
        ("http://u:p@010.0.0.1:80/x", "010.0.0.1"),
        ("http://[::1]:9/", "[::1]"),
        ("HTTP://A.Example", "A.Example"),
    ] {
        assert_eq!(host_name(text).as_deref(), Some(expected), "{text}");
    }
}

use super::{is_request_uri, is_request_uri_at_all, is_usual};

#[test]
fn results_equal_those_of_go() {
    let good = [
        "http://prometheus:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
        "/x",
        "*",
        "mailto:x",
        "http:",
        "http:x%zz",
        "http://",
        "http://:80",
        "http://x:/",
        "http://x/a b",
        "http://x/a#b c",
        "http://x/?q=%zz",
        "ftp://a:1:2/",
        "postgres://a:1,b:2/",
        "ws://::1/",
        "http://[::1]:80/x",
        "http://[fe80::1%25en0]/",
        "http://u:p@h/",
        "//h/p",
        "http://h%c3%a9/",
        "http://é/",
        "http://<x>/",
    ];
    for text in good {
        assert!(is_request_uri(text), "{text}");
    }
    let bad = [
        "",
        "x",
        "#x",
        ":x",
        "?x",
        "http?x",
        "1http://x",
        "ht!tp://x/",
        "/%",
        "http://x/%zz",
        "http://x y/",
        "http://x:abc/",
        "http://a:1:2/",
        "http://::1/",
        "HTTPS://u:p@a:1:2",
        "https://a::/",
        "ftp://a:1:x/",
        "http://[::1/",
        "http://[x]/",
        "http://h%41/",
        "http://x{}/",
        "http://x^y/",
        "http://u p@h/",
        "http://x/\u{1}",
        "http://x/\u{7f}",
    ];
    for text in bad {
        assert!(!is_request_uri(text), "{text}");
    }
}

#[test]
fn the_fast_path_agrees_with_the_full_check() {
    let parts =
        ["http", "s", "://", "h", ".", ":", "9", "/", "?", "#", "%41", "%", "@", "[", " ", "\u{1}"];
    let mut usual = 0;
    // Every text of five parts behind a usual start.
    for number in 0..16usize.pow(5) {
        let picks = (0..5).map(|place| parts[number >> (4 * place) & 15]);
        let text = format!("http://{}", picks.collect::<String>());
        if is_usual(&text) {
            usual += 1;
            assert!(is_request_uri_at_all(&text), "{text}");
        }
    }
    assert!(usual > 1_000, "{usual}");
}

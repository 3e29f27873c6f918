use super::{before_broken_markup, is_in_code, to_bytes, to_chars, to_size};
use bellwether_encoding::json::escaped_len;

fn check_chars(text: &str, max: usize, expected: &str) {
    assert_eq!(to_chars(text, max), (expected.into(), expected != text), "{text} {max}");
}

fn check_bytes(text: &str, max: usize, expected: &str) {
    let (cut, was_cut) = to_bytes(text, max);
    assert_eq!((&*cut, was_cut), (expected, expected != text), "{text} {max}");
    assert!(cut.len() <= max);
}

#[test]
fn characters_are_counted_and_never_split() {
    check_chars("", 0, "");
    check_chars("abc", 3, "abc");
    check_chars("abcd", 0, "");
    check_chars("abcd", 3, "abc");
    check_chars("abcde", 4, "abc…");
    check_chars("äöüß", 4, "äöüß");
    check_chars("äöüßx", 4, "äöü…");
    check_chars("🐑🐑🐑🐑🐑", 4, "🐑🐑🐑…");
}

#[test]
fn bytes_are_counted_and_characters_never_split() {
    check_bytes("abc", 3, "abc");
    check_bytes("abcd", 2, "..");
    check_bytes("abcd", 0, "");
    check_bytes("abcd", 3, "…");
    check_bytes("abcde", 4, "a…");
    check_bytes("🐑🐑", 7, "🐑…");
    check_bytes("🐑🐑", 6, "…");
    check_bytes(&"ü".repeat(10), 12, "üüüü…");
    // As the Go Alertmanager 0.35.
    check_bytes("abc", 2, "..");
    check_bytes("abcdef", 3, "…");
    check_bytes("abcdef", 5, "ab…");
    check_bytes(&"é".repeat(10), 20, &"é".repeat(10));
    check_bytes(&"é".repeat(10), 19, &("é".repeat(8) + "…"));
    check_bytes(&"é".repeat(10), 15, &("é".repeat(6) + "…"));
    check_bytes(&"漢".repeat(10), 12, &("漢".repeat(3) + "…"));
    check_bytes("aé漢", 5, "a…");
}

#[test]
fn sizes_of_characters_are_added_up() {
    for (text, max, expected) in [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("🐑🐑", 4, "🐑🐑"),
        ("🐑🐑🐑", 4, "🐑…"),
        ("🐑🐑🐑", 5, "🐑🐑…"),
    ] {
        let cut = to_size(text, max, char::len_utf16);
        assert_eq!(cut, (expected.into(), expected != text), "{text} {max}");
    }
    for (text, max, expected) in
        [("a\n<", 9, "a\n<"), ("a\n<", 8, "a\n…"), ("<<<", 12, "<…"), ("üü\"\"", 7, "üü…")]
    {
        let cut = to_size(text, max, escaped_len);
        assert_eq!(cut, (expected.into(), expected != text), "{text} {max}");
    }
}

#[test]
fn a_link_or_tag_without_its_end_is_left_out() {
    for (text, expected) in [
        ("see <http://x/y|the run", "see "),
        ("see <http://x/y|the book>, an", "see <http://x/y|the book>, an"),
        ("see [the book](http://x/", "see "),
        ("see [the book](http://x/) an", "see [the book](http://x/) an"),
        ("x <font color=\"warn", "x "),
        ("x </fon", "x "),
        ("1 < 2 and 3 <4", "1 < 2 and 3 <4"),
        ("<http://a/", "<http://a/"),
        ("a <b\nc", "a <b\nc"),
        ("a &am", "a "),
        ("a &amp; b", "a &amp; b"),
        ("a &#3", "a "),
    ] {
        assert_eq!(before_broken_markup(text), expected, "{text}");
    }
}

#[test]
fn a_block_of_code_that_is_open_is_found() {
    assert!(!is_in_code("a ```b``` c"));
    assert!(is_in_code("a ```b``` c ```d"));
}

use super::{cut, visible_chars, visible_text};

/// Counts of the Go Alertmanager 0.35, measured.
const COUNTS: &[(&str, usize)] = &[
    ("", 0),
    ("<b>abc</b>", 3),
    ("<a href=\"https://example.com/very/long\">x</a>", 1),
    ("<a href='a>b'>x</a>", 1),
    ("<a href=a/>x</a>", 1),
    ("<a =b=c d>x", 1),
    ("a&amp;b", 3),
    ("a&ampb", 6),
    ("&lt;&gt;&quot;", 3),
    ("&lt&gt", 2),
    ("&nbsp;", 6),
    ("&apos;", 6),
    ("&copy;", 6),
    ("&LT;", 4),
    ("&#39;", 1),
    ("&#x27;", 1),
    ("&#128512;", 1),
    ("&#X27;", 6),
    ("&#0;", 4),
    ("&#1114110;", 1),
    ("&#1114111;", 10),
    ("&#x10FFFE;", 1),
    ("&#00000039;", 11),
    ("<!-- c -->abc", 13),
    ("<!-->abc", 8),
    ("<!DOCTYPE html>abc", 18),
    ("<?php x ?>a", 11),
    ("</>a", 4),
    ("</ b>a", 6),
    ("abc<b", 5),
    ("abc</", 5),
    ("abc<", 4),
    ("<a href=\"x>y", 12),
    ("a < b", 5),
    ("<1>a", 4),
    ("<b>abc", 3),
    ("</b>", 0),
    ("<br>", 0),
    ("é漢😀", 3),
    ("a\r\nb", 4),
    ("&", 1),
    ("&;", 2),
    ("&#;", 3),
    ("<script>var x=1</script>", 7),
    ("<textarea><b>x</b></textarea>", 8),
    ("<title>a<b>b</b></title>", 9),
    ("<TITLE>a</titlex></Title >b", 11),
    ("<title></title><b>c</b>", 1),
    ("<plaintext><b>a</b>", 8),
];

#[test]
fn visible_characters_are_counted_as_go_counts_them() {
    for (text, expected) in COUNTS {
        assert_eq!(visible_chars(text), *expected, "{text}");
    }
}

/// With `max` visible characters and 60 bytes.
#[track_caller]
fn check_cut(text: &str, max: usize, expected: &str) {
    let found = cut(text, [max, 60], |piece, tags| {
        [if tags { 0 } else { visible_chars(piece) }, piece.len()]
    });
    assert_eq!(found, expected, "{text}");
    assert!(visible_chars(&found) <= max && found.len() <= 60, "{found}");
}

#[test]
fn a_cut_text_closes_what_is_open() {
    check_cut("abcdef", 4, "abc…");
    check_cut("<b>ab<i>cd</i>ef</b>", 4, "<b>ab<i>c…</i></b>");
    check_cut("<b>ab<i>cd</i>ef</b>", 5, "<b>ab<i>cd…</i></b>");
    check_cut("a<br>b<br/>c<img>defghi", 5, "a<br>b<br/>c<img>d…");
    check_cut("<b>a</i>bcdef", 4, "<b>a</i>bc…</b>");
}

#[test]
fn a_text_is_not_cut_inside_a_tag_or_a_reference() {
    check_cut("ab&amp;&lt;cd", 4, "ab&amp;…");
    check_cut("ab<a href=\"http://x/\">cd</a>", 3, "ab…");
    check_cut("a < b and more", 6, "a < b…");
    check_cut("x<style>p { a }</style>bcd", 2, "x…");
}

#[test]
fn tags_that_are_too_long_themselves_are_left_out() {
    let link = format!("<a href=\"http://x/{}\">a&lt;b</a>", "y".repeat(60));
    check_cut(&link, 10, "a&lt;b (http…");
}

#[test]
fn a_text_without_tags_can_be_read() {
    for (text, expected) in [
        ("<b>a &lt; b</b> &amp; c &#39;d&#x27;", "a < b & c 'd'"),
        ("<p>one</p><p>two<br>three</p>", "one\ntwo\nthree"),
        (
            "<a href=\"http://x/\">here</a>, <a href='http://y/'>http://y/</a>",
            "here (http://x/), http://y/",
        ),
        ("a<!-- b --><style>c</style>d", "ad"),
        ("a < b <c", "a < b <c"),
    ] {
        assert_eq!(visible_text(text), expected, "{text}");
    }
}

//! Which parts of a rendered text list which elements, so that some can be left out afterwards.
//!
//! Rendering again with fewer elements would change what the text says about all of them: how many
//! there are, and what a loop has found out.

use std::borrow::Cow;
use std::ops::Range;

use crate::value::{Value, to_utf8};

/// A text with its parts.
pub struct Listing {
    /// Not necessarily UTF-8.
    bytes: Vec<u8>,
    /// Invariant: sorted by where they begin; they are nested, or do not overlap.
    parts: Vec<Part>,
}

/// What one round of a loop has written.
pub struct Part {
    pub element: Value,
    /// Bytes of the text. Invariant: not empty.
    pub(crate) at: Range<usize>,
}

impl Listing {
    pub(crate) fn new(bytes: Vec<u8>, mut parts: Vec<Part>) -> Self {
        parts.sort_by_key(|part| part.at.start);
        Self { bytes, parts }
    }

    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The text without some of its parts; `is_kept` is asked with the position of each.
    pub fn with_parts(&self, is_kept: impl Fn(usize) -> bool) -> String {
        let mut out = String::with_capacity(self.bytes.len());
        let mut from = 0;
        for (position, part) in self.parts.iter().enumerate() {
            if part.at.end > from && !is_kept(position) {
                // A part that begins before `from` is inside of one that was left out.
                if part.at.start > from {
                    out.push_str(&self.text(from..part.at.start));
                }
                from = part.at.end;
            }
        }
        out.push_str(&self.text(from..self.bytes.len()));
        out
    }

    fn text(&self, range: Range<usize>) -> Cow<'_, str> {
        to_utf8(self.bytes.get(range).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use crate::{Body, Limits, Object, Templates, Value};

    struct Item([(&'static str, Value); 1]);

    impl Object for Item {
        fn type_name(&self) -> &'static str {
            "test.Item"
        }

        fn body(&self) -> Body<'_> {
            Body::Fields(&self.0)
        }
    }

    /// What is left of a text about the items a, b, c and a number if only some names are kept.
    #[track_caller]
    fn check(text: &str, kept: &str, expected: &str) {
        let item = |name: &str| Value::object(Item([("Name", Value::from(name))]));
        let data = Value::list(vec![item("a"), item("b"), item("c"), Value::Int(1)]);
        let prepared = Templates::new([]).prepare(text).expect("it is valid");
        let listing = prepared
            .render_listing(&data, &(), Limits::default(), &|| None, "test.Item")
            .expect("it can be rendered");
        let is_kept = |part: usize| match &listing.parts()[part].element {
            Value::Object(object) => {
                let Body::Fields([(_, Value::Text(name))]) = object.body() else { return false };
                kept.contains(&*name.to_str())
            }
            _ => true,
        };
        assert_eq!(listing.with_parts(is_kept), expected, "{text}");
        let whole = prepared.render(&data, &(), Limits::default()).expect("it can be rendered");
        assert_eq!(listing.with_parts(|_| true), whole, "{text}");
    }

    #[test]
    fn only_rounds_about_the_wanted_type_are_parts() {
        let text =
            "{{len .}}:{{range $i, $it := .}}{{if lt $i 3}}{{$it.Name}}{{else}}n{{end}},{{end}}.";
        check(text, "abc", "4:a,b,c,n,.");
        check(text, "b", "4:b,n,.");
        check(text, "", "4:n,.");
    }

    #[test]
    fn loops_in_loops_are_left_out_with_the_outer_round_or_alone() {
        let text = "{{range slice . 0 2}}<{{.Name}}:{{range slice $ 0 3}}{{.Name}}{{end}}>{{end}}";
        check(text, "abc", "<a:abc><b:abc>");
        check(text, "ac", "<a:ac>");
        check(text, "b", "<b:b>");
    }

    #[test]
    fn a_round_that_ends_early_is_a_part_too() {
        let text = "{{range slice . 0 3}}{{.Name}}{{if eq .Name \"b\"}}{{break}}{{end}};{{end}}";
        check(text, "abc", "a;b");
        check(text, "a", "a;");
    }

    #[test]
    fn variables_keep_what_loops_found_out() {
        let text =
            "{{$last := \"\"}}{{range slice . 0 3}}{{$last = .Name}}{{.Name}}{{end}}={{$last}}";
        check(text, "a", "a=c");
    }

    #[test]
    fn bytes_that_are_not_utf8_are_replaced() {
        check("{{range slice . 0 2}}{{slice \"ü\" 0 1}}{{.Name}}{{end}}", "b", "\u{fffd}b");
    }
}

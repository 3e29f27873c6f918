//! What does the value of an attribute mean?
//!
//! Known attributes have a kind; what is not known is judged by how it is called, on the side of
//! caution.

/// What a browser does with the value of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Plain,
    Css,
    Html,
    Js,
    Url,
    Srcset,
    /// Changes what other things mean; no template may choose its name.
    Unsafe,
}

/// The meaning of an attribute, its name in lower case.
pub(super) fn meaning(name: &str) -> Meaning {
    let mut short = name;
    if let Some(rest) = name.strip_prefix("data-") {
        short = rest;
    } else if let Some((prefix, rest)) = name.split_once(':') {
        if prefix == "xmlns" {
            return Meaning::Url;
        }
        short = rest;
    }
    for (names, meaning) in KNOWN {
        if names.split(' ').any(|known| known == short) {
            return *meaning;
        }
    }
    if short.starts_with("on") {
        Meaning::Js
    } else if ["src", "uri", "url"].iter().any(|hint| short.contains(hint)) {
        Meaning::Url
    } else {
        Meaning::Plain
    }
}

/// Attributes of HTML 5. Those without a special meaning are listed where a rule for unknown
/// names would take them for something else.
const KNOWN: &[(&str, Meaning)] = &[
    (
        "action archive background cite classid codebase data formaction href icon longdesc \
         manifest poster profile src usemap xmlns",
        Meaning::Url,
    ),
    ("style", Meaning::Css),
    ("srcdoc", Meaning::Html),
    ("srcset", Meaning::Srcset),
    (
        "async challenge charset content crossorigin defer enctype form formenctype formmethod \
         formnovalidate http-equiv keytype language method novalidate pattern rel sandbox type \
         value",
        Meaning::Unsafe,
    ),
    ("srclang", Meaning::Plain),
];

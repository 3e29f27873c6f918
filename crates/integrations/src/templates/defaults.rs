//! The templates that every configuration has: `slack.default.title`, `email.default.html`, …
//!
//! Their names and what they print are a contract, since people use and override them; the texts
//! are compared byte for byte with what the Go Alertmanager prints.

use std::sync::LazyLock;

use bellwether_template::Templates as Set;

use super::functions::FUNCTIONS;

/// The built-in definitions; parsed once per process.
pub(super) fn set() -> Set {
    static BUILT_IN: LazyLock<Set> = LazyLock::new(|| {
        let mut set = Set::new(FUNCTIONS);
        for (name, text) in FILES {
            set.parse(name, text).expect("the built-in templates are tested");
        }
        set
    });
    BUILT_IN.clone()
}

// Compat: these two are not callable by a file's name, so they are parsed without one.
const FILES: [(&str, &str); 2] = [
    ("", include_str!("../../templates/default.tmpl")),
    ("", include_str!("../../templates/email.tmpl")),
];

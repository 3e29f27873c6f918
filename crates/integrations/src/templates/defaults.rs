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
        let base = format!("margin: 0; {EMAIL_FONT} font-size: 14px;");
        let email = EMAIL.replace("@base@", &base).replace("@font@", EMAIL_FONT);
        for text in [TEXTS, &email] {
            // Compat: files of the operator are definitions by their names, these are not.
            set.parse("", text).expect("the built-in templates are tested");
        }
        set
    });
    BUILT_IN.clone()
}

const TEXTS: &str = include_str!("../../templates/default.tmpl");

/// With marks for the styles that are everywhere: calls of a definition would cost more than the
/// rest of the rendering.
const EMAIL: &str = include_str!("../../templates/email.tmpl");

const EMAIL_FONT: &str =
    "font-family: 'Helvetica Neue', Helvetica, Arial, sans-serif; box-sizing: border-box;";

//! How is a value written where it stands in an HTML page?
//!
//! The same value is dangerous in different ways in a text, an attribute, a URL, a script or a
//! style. The escaper reads the text between the actions as a browser would, knows for each action
//! in which context it stands, and gives it the `Escaper`s for that.
//!
//! This happens once, when a text is prepared (`escape`); at render time only the escapers run
//! (`write_escaped`). A definition that is used in several contexts exists once for each.
//!
//! A value of the host may be a [trusted](Trust) text: it is not escaped where its kind belongs.

mod attribute;
mod context;
mod escape;
mod json;
mod rewrite;
mod transition;
mod write;

pub(crate) use self::escape::escape;
pub use self::json::to_json;
pub(crate) use self::write::write_escaped;

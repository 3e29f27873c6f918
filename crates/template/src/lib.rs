//! Go's template language: text/template in full, and html/template's contextual escaping.
//!
//! What does a text with `{{ actions }}` say about some data? In come template files, short inline
//! texts, functions of the host and a [`Value`]; out goes one string, or an error worded as Go
//! words it, since operators and their scripts have met those words before.
//!
//! ```text
//! Templates::new(functions) ── parse(name, text) ──► a set of definitions
//!        │ prepare(inline) / prepare_html(inline)     once per load
//!        ▼
//!    Prepared ── render(data, host, limits) ──► String   once per notification
//! ```
//!
//! The parser (`parse`) makes a compact tree, the renderer (`render`) walks it and writes into
//! one buffer. For HTML, the escaper (`html`) rewrites a copy of the tree when it is prepared,
//! so that rendering pays only for the escaping itself.
//!
//! The crate does not know what an alert is. It has no clock, no files and no randomness: what a
//! function needs beyond its arguments, the caller hands to `render` as the host.
//! Templates are written by people and may be wrong or hostile; every render is bounded by
//! [`Limits`], and by an [`Interrupt`] if it must not take longer than some time.

mod builtin;
mod error;
mod escaper;
mod html;
mod limits;
mod parse;
mod print;
mod render;
mod templates;
mod value;

pub use builtin::join_printed;
pub use error::{Error, ErrorKind};
pub use html::to_json;
pub use limits::{Interrupt, Limits, ParseLimits};
pub use print::{print_text, sprint, sprintf};
pub use render::listing::{Listing, Part};
pub use templates::{Prepared, Templates};
pub use value::{Body, Call, Function, List, Map, Object, Text, Trust, Type, Value};

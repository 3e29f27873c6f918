//! Rocket.Chat: a message with one attachment, posted with a user's id and token.
//!
//! The keys inside `fields` and `actions` are run together in lower case (`imageurl`, `iswebview`): an
//! accident of the format that files depend on.

pub mod config;

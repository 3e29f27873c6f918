//! The application data of messages: see [`crate::wire::part`].

pub use crate::wire::part::{FullState, Part};

//! What members' layers above tell each other: see [`crate::wire::part`].

pub use crate::wire::part::{FullState, Part};

//! How far a change is saved.
//!
//! In: what the backend says of it. Out: the text of the header that tells the client.

use std::fmt;

/// In how many of the places that should keep a change it is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saved {
    pub on: u32,
    pub of: u32,
}

impl Saved {
    /// On this node's disk.
    pub const HERE: Saved = Saved { on: 1, of: 1 };
    pub const NOWHERE: Saved = Saved { on: 0, of: 1 };

    pub fn is_complete(self) -> bool {
        self.on >= self.of
    }
}

/// `0/1`
impl fmt::Display for Saved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.on, self.of)
    }
}

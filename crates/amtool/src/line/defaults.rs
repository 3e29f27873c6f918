//! What flags are that were not given.

use super::table::{Default as Given, Flag};

/// The defaults of flags: those of the table, but for the ones that configuration files replace.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    user: String,
    replaced: Vec<(&'static Flag, String)>,
}

impl Defaults {
    /// `user` is who runs the program.
    pub fn new(user: &str) -> Self {
        Defaults { user: user.to_owned(), replaced: Vec::new() }
    }

    pub fn replace(&mut self, flag: &'static Flag, value: &str) {
        self.replaced.push((flag, value.to_owned()));
    }

    pub fn of<'a>(&'a self, flag: &'static Flag) -> Option<&'a str> {
        let replaced = self.replaced.iter().find(|(known, _)| std::ptr::eq(*known, flag));
        match (replaced, flag.default) {
            (Some((_, value)), _) => Some(value),
            (None, Given::Nothing) => None,
            (None, Given::Text(text)) => Some(text),
            (None, Given::User) => Some(&self.user),
        }
    }
}

//! The environment variables of the process; tests replace them.

/// Looks up variables.
#[derive(Clone, Copy)]
pub struct Environment<'a>(pub &'a (dyn Fn(&str) -> Option<String> + Sync));

impl Environment<'_> {
    /// The value of a variable; an empty one counts as unset.
    pub fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    /// The first of several variables that is set.
    pub fn first_of(&self, names: [&str; 2]) -> Option<String> {
        names.iter().find_map(|name| self.get(name))
    }
}

//! What is wrong with a file: where, which field, and why.

use std::error;
use std::fmt;

/// One mistake. Shown as `line 6: route.grup_by: field grup_by not found`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Counted from 1; `None` if the file as a whole is meant.
    pub line: Option<u32>,
    /// A path such as `route.routes[0].group_wait`; empty if no field is meant.
    pub field: String,
    /// Lower case, without a full stop, and never with the text of a secret.
    pub message: String,
}

impl Error {
    pub(crate) fn at_line(line: Option<u32>, message: String) -> Self {
        Error { line, field: String::new(), message }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

impl error::Error for Error {}

/// All mistakes that were found, in the order in which they were found; shown one per line.
///
/// Mistakes between blocks (a route to a receiver that does not exist) are looked for only in a
/// file whose blocks are right in themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errors {
    /// Invariant: not empty.
    list: Vec<Error>,
}

impl Errors {
    /// `Ok` if there are none.
    pub(crate) fn refuse_any(list: Vec<Error>) -> Result<(), Errors> {
        if list.is_empty() { Ok(()) } else { Err(Errors { list }) }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Error> {
        self.list.iter()
    }
}

impl From<Error> for Errors {
    fn from(error: Error) -> Self {
        Errors { list: vec![error] }
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.list.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl error::Error for Errors {}

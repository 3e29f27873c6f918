//! Everything that the program finds around it: environment, clock, screen, streams.
//!
//! It is passed in, so that a test can say what it is.

use std::io::{Read, Write};

use bellwether_model::Timestamp;
use bellwether_model::interval::Location;

/// What is around one run of the program.
pub struct Surroundings<'a> {
    /// The value of an environment variable.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// The name of who runs it.
    pub user: String,
    pub now: Timestamp,
    /// Where local clocks hang.
    pub place: Location,
    /// Of the screen, in columns; `None` if the output is not a screen.
    pub width: Option<u16>,
    pub stdin: Stdin<'a>,
    pub stdout: &'a mut dyn Write,
    pub stderr: &'a mut dyn Write,
    pub version: Version,
}

pub struct Stdin<'a> {
    pub stream: &'a mut dyn Read,
    /// Whether it is a terminal, or another device: then nothing is read from it unasked.
    pub is_device: bool,
}

/// What the program says that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The release of Alertmanager whose client this is.
    pub number: String,
    /// What `--version` prints, with a line feed at its end.
    pub text: String,
}

impl Surroundings<'_> {
    /// How wide help is.
    pub fn columns(&self) -> i64 {
        let given = (self.variable)("COLUMNS").and_then(|text| text.parse().ok());
        given.or(self.width.map(i64::from)).unwrap_or(80)
    }

    /// Prints. A reader that has gone is no reason to stop.
    pub fn print(&mut self, text: &str) {
        let _ = self.stdout.write_all(text.as_bytes()).and_then(|()| self.stdout.flush());
    }

    pub fn warn(&mut self, text: &str) {
        let _ = self.stderr.write_all(text.as_bytes()).and_then(|()| self.stderr.flush());
    }
}

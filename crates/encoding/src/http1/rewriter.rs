//! Follows a connection from head to head, and writes each head anew.

use super::chunks::{Chunks, Reach};
use super::first_line;

/// What becomes of a head.
pub trait Rules {
    /// Looks at a first line as soon as it is complete; `Some` if nothing more is needed.
    ///
    /// # Errors
    /// If the connection must not go on.
    fn first_line(&mut self, line: &[u8]) -> Result<Option<Rewritten>, String>;

    /// A whole head, up to and including its empty line.
    ///
    /// # Errors
    /// If the connection must not go on.
    fn head(&mut self, head: &[u8]) -> Result<Rewritten, String>;

    /// A head that is longer than [`Rules::head_bytes_max`].
    ///
    /// # Errors
    /// If the connection must not go on.
    fn too_long(&mut self) -> Result<Rewritten, String>;

    fn head_bytes_max(&self) -> usize;
}

/// A head as it is passed on, and what follows it on the connection.
#[derive(Debug, PartialEq, Eq)]
pub struct Rewritten {
    pub head: Vec<u8>,
    pub next: Next,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Head,
    /// So many bytes of a body, then a head.
    Body(u64),
    /// A body in chunks, then a head.
    Chunks,
    /// Something that is passed on as it is, to the end.
    Beyond,
    /// Nothing that matters.
    Ended,
}

/// A connection of which the heads are written anew.
#[derive(Debug)]
pub struct Rewriter<R> {
    rules: R,
    place: Place,
    /// Read from the connection, but not passed on yet.
    held: Vec<u8>,
    /// How much of `held` is ready to be passed on.
    ready: usize,
    /// How much of what is not ready was already searched for the end of a head.
    searched: usize,
    /// Whether the rules have seen the first line of the head that is being read.
    has_first_line: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Head,
    Body(u64),
    Chunks(Chunks),
    Beyond,
    Ended,
}

impl From<Next> for Place {
    fn from(next: Next) -> Self {
        match next {
            Next::Head => Place::Head,
            Next::Body(length) => Place::Body(length),
            Next::Chunks => Place::Chunks(Chunks::default()),
            Next::Beyond => Place::Beyond,
            Next::Ended => Place::Ended,
        }
    }
}

impl<R: Rules> Rewriter<R> {
    pub fn new(rules: R) -> Self {
        Rewriter {
            rules,
            place: Place::Head,
            held: Vec::new(),
            ready: 0,
            searched: 0,
            has_first_line: false,
        }
    }

    /// For a connection that does not carry HTTP/1: everything is passed on.
    pub fn untouched(rules: R) -> Self {
        Rewriter { place: Place::Beyond, ..Self::new(rules) }
    }

    /// Whether bytes that were just read can be passed on as they are; if not, they must be pushed.
    pub fn passes(&mut self, bytes: &[u8]) -> bool {
        if !self.held.is_empty() {
            return false;
        }
        match self.place {
            Place::Beyond => true,
            Place::Body(left) if left >= bytes.len() as u64 => {
                self.place = Place::Body(left - bytes.len() as u64);
                true
            }
            Place::Chunks(chunks) => match chunks.follow(bytes) {
                Reach::Further(chunks) => {
                    self.place = Place::Chunks(chunks);
                    true
                }
                Reach::Ends(_) | Reach::Lost => false,
            },
            Place::Head | Place::Body(_) | Place::Ended => false,
        }
    }

    /// Takes what was read.
    ///
    /// # Errors
    /// What the rules say about a head; the connection must not go on.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), String> {
        if self.place != Place::Ended {
            self.held.extend_from_slice(bytes);
        }
        while self.ready < self.held.len() {
            let fresh = self.held.get(self.ready..).unwrap_or_default();
            match self.place {
                Place::Beyond => self.ready = self.held.len(),
                Place::Ended => self.held.truncate(self.ready),
                Place::Body(0) => self.place = Place::Head,
                Place::Body(left) => {
                    let taken = left.min(fresh.len() as u64);
                    self.ready += taken as usize;
                    self.place = Place::Body(left - taken);
                }
                Place::Chunks(chunks) => match chunks.follow(fresh) {
                    Reach::Further(chunks) => {
                        self.ready = self.held.len();
                        self.place = Place::Chunks(chunks);
                    }
                    Reach::Ends(length) => {
                        self.ready += length;
                        self.place = Place::Head;
                    }
                    Reach::Lost => self.place = Place::Beyond,
                },
                Place::Head => {
                    if !self.advance_head()? {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// The connection has ended; an incomplete head is passed on as it is.
    pub fn end(&mut self) {
        self.ready = self.held.len();
        if self.place != Place::Ended {
            self.place = Place::Beyond;
        }
    }

    pub fn rules(&mut self) -> &mut R {
        &mut self.rules
    }

    /// Whether a part of a head is held.
    pub fn is_within_head(&self) -> bool {
        self.place == Place::Head && self.held.len() > self.ready
    }

    /// How much of a head is held that has not come to its end.
    pub fn head_bytes(&self) -> usize {
        if self.place == Place::Head { self.held.len() - self.ready } else { 0 }
    }

    /// Whether what comes is passed on as it is, because it is no HTTP/1.
    pub fn is_beyond(&self) -> bool {
        self.place == Place::Beyond
    }

    /// Whether all that comes is dropped.
    pub fn has_ended(&self) -> bool {
        self.place == Place::Ended
    }

    /// What is to be passed on.
    pub fn ready(&self) -> &[u8] {
        self.held.get(..self.ready).unwrap_or_default()
    }

    /// So many bytes were passed on.
    pub fn consume(&mut self, count: usize) {
        self.held.drain(..count);
        self.ready -= count;
    }

    /// Whether there was enough to go on.
    fn advance_head(&mut self) -> Result<bool, String> {
        let fresh = self.held.get(self.ready..).unwrap_or_default();
        // Empty lines before a head are noise.
        let noise = fresh.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        if noise > 0 && self.searched == 0 {
            self.held.drain(self.ready..self.ready + noise);
            return Ok(true);
        }
        let unseen = fresh.get(self.searched..).unwrap_or_default();
        if !self.has_first_line && unseen.contains(&b'\n') {
            self.has_first_line = true;
            let (line, _) = first_line(fresh);
            if let Some(rewritten) = self.rules.first_line(line)? {
                self.replace(self.held.len() - self.ready, rewritten);
                return Ok(true);
            }
        }
        let fresh = self.held.get(self.ready..).unwrap_or_default();
        let end = end_of_head(fresh, self.searched);
        if end.unwrap_or(fresh.len()) > self.rules.head_bytes_max() {
            let rewritten = self.rules.too_long()?;
            self.replace(self.held.len() - self.ready, rewritten);
            return Ok(true);
        }
        match end {
            Some(length) => {
                let rewritten = self.rules.head(fresh.get(..length).unwrap_or_default())?;
                self.replace(length, rewritten);
                Ok(true)
            }
            None => {
                self.searched = fresh.len();
                Ok(false)
            }
        }
    }

    /// Puts the head in the place of so many bytes.
    fn replace(&mut self, length: usize, Rewritten { head, next }: Rewritten) {
        let added = head.len();
        self.held.splice(self.ready..self.ready + length, head);
        self.ready += added;
        self.place = next.into();
        self.searched = 0;
        self.has_first_line = false;
    }
}

/// The length of a head with the empty line behind it, if it is all there; the end is not within
/// the first `searched` bytes.
fn end_of_head(bytes: &[u8], searched: usize) -> Option<usize> {
    // The end may have begun there, though.
    let from = searched.saturating_sub(3);
    let rest = bytes.get(from..).unwrap_or_default();
    let ends = rest.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
    let mut ends = ends.map(|at| from + at + 1);
    ends.find(|end| {
        let before = bytes.get(..*end).unwrap_or_default();
        before.ends_with(b"\n\n") || before.ends_with(b"\n\r\n")
    })
}

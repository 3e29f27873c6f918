//! Where a body in chunks ends.

/// What comes next in such a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Chunks {
    /// The length of a chunk as far as it was read, in hexadecimal digits.
    #[default]
    Start,
    Length(u64),
    /// Behind the length: extensions, until the end of the line.
    Extension(u64),
    /// So many bytes of a chunk.
    Data(u64),
    /// The line end behind a chunk.
    DataEnd,
    /// A line behind the last chunk, of which so many bytes other than its end were read.
    Trailer(u64),
}

/// How far a body reaches.
#[derive(Debug, PartialEq, Eq)]
pub enum Reach {
    /// Beyond what was given.
    Further(Chunks),
    /// So many bytes of it, then something else follows.
    Ends(usize),
    /// This is no such body.
    Lost,
}

impl Chunks {
    pub fn follow(self, bytes: &[u8]) -> Reach {
        let mut state = self;
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            at += 1;
            state = match (state, byte) {
                (Chunks::Start | Chunks::Length(_), digit) if digit.is_ascii_hexdigit() => {
                    let before = if let Chunks::Length(before) = state { before } else { 0 };
                    let digit = (*digit as char).to_digit(16).unwrap_or_default();
                    match before.checked_mul(16) {
                        Some(shifted) => Chunks::Length(shifted + u64::from(digit)),
                        None => return Reach::Lost,
                    }
                }
                (Chunks::Length(0) | Chunks::Extension(0), b'\n') => Chunks::Trailer(0),
                (Chunks::Length(length) | Chunks::Extension(length), b'\n') => Chunks::Data(length),
                (Chunks::Length(length) | Chunks::Extension(length), _) => {
                    Chunks::Extension(length)
                }
                (Chunks::Start, _) => return Reach::Lost,
                (Chunks::Data(length), _) => {
                    let here = length.min((bytes.len() - at + 1) as u64);
                    at += here as usize - 1;
                    if here == length { Chunks::DataEnd } else { Chunks::Data(length - here) }
                }
                (Chunks::DataEnd, b'\n') => Chunks::Start,
                (Chunks::DataEnd, b'\r') => Chunks::DataEnd,
                (Chunks::DataEnd, _) => return Reach::Lost,
                (Chunks::Trailer(0), b'\n') => return Reach::Ends(at),
                (Chunks::Trailer(_), b'\n') => Chunks::Trailer(0),
                (Chunks::Trailer(length), b'\r') => Chunks::Trailer(length),
                (Chunks::Trailer(length), _) => Chunks::Trailer(length + 1),
            };
        }
        Reach::Further(state)
    }
}

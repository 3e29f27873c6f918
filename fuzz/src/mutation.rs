//! How is a good input turned into an interesting bad one?
//!
//! In: a seed and inputs. Out: the same mutations for the same seed, on every machine. Mutations
//! are of bytes, with a bias to what decoders trip over: lengths, quotes, brackets, UTF-8 that
//! breaks off, and parts of one input in another.

/// A small generator of good enough numbers (SplitMix64).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if there is none.
    pub fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { (self.next() % end as u64) as usize }
    }
}

/// One of the inputs with a few changes.
pub fn mutate(random: &mut Random, inputs: &[Vec<u8>]) -> Vec<u8> {
    let mut input = pick(random, inputs).to_vec();
    for _ in 0..=random.below(CHANGES_MAX) {
        change(random, &mut input, inputs);
    }
    input.truncate(INPUT_BYTES_MAX);
    input
}

fn change(random: &mut Random, input: &mut Vec<u8>, inputs: &[Vec<u8>]) {
    let at = random.below(input.len() + 1);
    let span = random.below(SPAN_MAX) + 1;
    let end = (at + span).min(input.len());
    match random.below(8) {
        0 => input.truncate(at),
        1 => drop(input.drain(at..end)),
        2 => {
            let copy = input[at..end].to_vec();
            insert(input, at, &copy);
        }
        3 => insert(input, at, TOKENS[random.below(TOKENS.len())]),
        4 => {
            let token = TOKENS[random.below(TOKENS.len())];
            input.splice(at..end, token.iter().copied());
        }
        5 => {
            let other = pick(random, inputs);
            let from = random.below(other.len() + 1);
            let until = (from + span).min(other.len());
            insert(input, at, &other[from..until]);
        }
        6 => {
            let byte = random.next() as u8;
            insert(input, at, &[byte]);
        }
        _ => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
    }
}

fn insert(input: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    input.splice(at..at, bytes.iter().copied());
}

fn pick<'a>(random: &mut Random, inputs: &'a [Vec<u8>]) -> &'a [u8] {
    inputs.get(random.below(inputs.len())).map_or(&[], Vec::as_slice)
}

const TOKENS: &[&[u8]] = &[
    b"\"",
    b"'",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b"(",
    b")",
    b",",
    b":",
    b"=",
    b"~",
    b"!",
    b"\n",
    b" ",
    b"- ",
    b"\0",
    b"\xff",
    b"\xc3",
    b"\xf0\x9f\x94\x94",
    b"\\u0000",
    b"\\ud83d",
    b"\\xff",
    b"null",
    b"true",
    b"-1",
    b"0",
    b"1e999",
    b"18446744073709551616",
    b"9999-12-31T23:59:59Z",
    b"0001-01-01T00:00:00Z",
    b"2024-02-30T25:61:61+99:99",
    b"\xff\xff\xff\xff\x0f",
    b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
    b"<<",
    b"&a",
    b"*a",
    b"!!binary",
    b"|",
    b"9223372036854775807h",
];

const CHANGES_MAX: usize = 6;
const SPAN_MAX: usize = 24;
/// Limit: inputs do not grow without end, or the run would only test how fast it is.
const INPUT_BYTES_MAX: usize = 64 << 10;

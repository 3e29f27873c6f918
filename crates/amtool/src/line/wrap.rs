//! Words become lines of a width.
//!
//! Lines are chosen so that the sum over all but the last of the square of what is left free is
//! least, and 64 for each that does not end in `.`, `,`, `:` or `;`. A word that is longer than a line
//! has one for itself. Compat: where two choices cost the same, Go's is taken; hence the algorithm is
//! the one that Go uses: D. S. Hirschberg, L. L. Larmore, "The least weight subsequence problem",
//! FOCS 1985, pages 137 to 143.

use std::ops::Add;

/// The lines, each a range of `words`.
pub fn wrap(words: &[&str], width: usize) -> Vec<std::ops::Range<usize>> {
    let breaks = Breaks::new(words, width);
    let mut ends = vec![words.len()];
    let previous = breaks.choose();
    let mut at = words.len();
    while at > 0 {
        at = previous[at];
        ends.push(at);
    }
    ends.reverse();
    ends.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

/// What lines cost: first how far they are too long, then how badly they are filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Cost {
    too_long: i64,
    ragged: i64,
}

impl Add for Cost {
    type Output = Cost;

    fn add(self, other: Cost) -> Cost {
        Cost { too_long: self.too_long + other.too_long, ragged: self.ragged + other.ragged }
    }
}

const FREE: Cost = Cost { too_long: 0, ragged: 0 };

struct Breaks<'a> {
    words: &'a [&'a str],
    width: i64,
    /// The characters before each word, each word with a space.
    before: Vec<i64>,
    /// The least cost of all lines before each word.
    least: Vec<Cost>,
}

impl<'a> Breaks<'a> {
    fn new(words: &'a [&'a str], width: usize) -> Self {
        let mut before = vec![0];
        for word in words {
            before.push(before[before.len() - 1] + word.chars().count() as i64 + 1);
        }
        Breaks { words, width: width as i64, before, least: vec![FREE] }
    }

    /// For each number of words, where the last of their lines begins.
    fn choose(mut self) -> Vec<usize> {
        let count = self.words.len();
        // Where the next line may begin; the first is the best for the next word.
        let mut candidates = vec![0];
        let mut previous = vec![0];
        for at in 1..count {
            self.least.push(self.total(candidates[0], at));
            previous.push(candidates[0]);
            while candidates.len() > 1
                && self.total(candidates[1], at + 1) <= self.total(candidates[0], at + 1)
            {
                candidates.remove(0);
            }
            while let [.., a, b] = candidates[..]
                && self.is_never_best(a, b, at)
            {
                candidates.pop();
            }
            let last = candidates[candidates.len() - 1];
            if self.total(at, count) < self.total(last, count) {
                candidates.push(at);
                if let [first, second] = candidates[..]
                    && self.total(second, at + 1) <= self.total(first, at + 1)
                {
                    candidates.remove(0);
                }
            }
        }
        previous.push(candidates[0]);
        previous
    }

    /// Whether beginning a line at `b` is always worse than at `a` or `c`.
    fn is_never_best(&self, a: usize, b: usize, c: usize) -> bool {
        let ends: Vec<usize> = (c..=self.words.len()).collect();
        let better_from = ends.partition_point(|end| self.total(a, *end) <= self.total(b, *end));
        match ends.get(better_from) {
            None => true,
            Some(end) => self.total(c, *end) <= self.total(b, *end),
        }
    }

    /// The cost if the last line before word `end` begins at word `begin`.
    fn total(&self, begin: usize, end: usize) -> Cost {
        self.least[begin] + self.line(begin, end)
    }

    fn line(&self, begin: usize, end: usize) -> Cost {
        let length = self.before[end] - 1 - self.before[begin];
        if end == self.words.len() && length <= self.width {
            return FREE;
        }
        let penalty = match self.words[end - 1].as_bytes().last() {
            Some(b'.' | b',' | b':' | b';') => 0,
            _ => 64,
        };
        let free = (self.width - length) * (self.width - length);
        match length > self.width {
            true => Cost { too_long: free, ragged: penalty },
            false => Cost { too_long: 0, ragged: free + penalty },
        }
    }
}

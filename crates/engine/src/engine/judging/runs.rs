//! Sorts pairs that come some at a time, so that no call sorts all of them.
//!
//! In: pairs, in portions. Out: all of them, ascending. They are held in sorted runs, each of which
//! is at least twice as long as the next; a portion is sorted and merged with the runs that are
//! shorter than that. So even the last merge only walks through all pairs twice.

/// The pairs that have come.
#[derive(Debug, Default)]
pub(in crate::engine) struct SortedRuns(Vec<Vec<(u64, u32)>>);

impl SortedRuns {
    pub fn add(&mut self, mut pairs: Vec<(u64, u32)>) {
        pairs.sort_unstable();
        while let Some(last) = self.0.pop_if(|last| last.len() < 2 * pairs.len()) {
            pairs = merge(last, pairs);
        }
        self.0.push(pairs);
    }

    pub fn merged(self) -> Vec<(u64, u32)> {
        self.0.into_iter().rev().reduce(merge).unwrap_or_default()
    }
}

fn merge(left: Vec<(u64, u32)>, right: Vec<(u64, u32)>) -> Vec<(u64, u32)> {
    if left.is_empty() || right.is_empty() {
        return if left.is_empty() { right } else { left };
    }
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(first), Some(second)) = (left.peek(), right.peek()) {
        let next = if first <= second { left.next() } else { right.next() };
        merged.extend(next);
    }
    merged.extend(left);
    merged.extend(right);
    merged
}

#[cfg(test)]
mod tests {
    use super::SortedRuns;

    #[test]
    fn portions_come_out_in_order_whatever_their_lengths() {
        for lengths in [&[][..], &[0], &[3], &[1; 100], &[7, 1, 50, 0, 2, 300, 1, 1]] {
            let mut runs = SortedRuns::default();
            let mut expected = Vec::new();
            for (number, length) in lengths.iter().enumerate() {
                let pair = |at: u32| (u64::from(at * 7919 % 101), at + 1000 * number as u32);
                let portion: Vec<(u64, u32)> = (0..*length).map(pair).collect();
                expected.extend(portion.clone());
                runs.add(portion);
            }
            expected.sort_unstable();
            assert_eq!(runs.merged(), expected, "{lengths:?}");
        }
    }
}

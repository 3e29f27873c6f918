//! A few bits that show for most alerts that they lack a label, without looking at them.
//!
//! Superimposed coding: every label pair sets some bits of a small word; labels that have all pairs
//! of a query have all its bits. The reverse may fail, so a match is only a reason to look.
//! (C. Faloutsos, "LabelBits files: design and performance comparison", 1988.)

use bellwether_model::labels::fingerprint_of;
use bellwether_model::{LabelSet, Matcher, Op};

/// The bits of a set of label pairs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LabelBits([u64; 2]);

impl LabelBits {
    pub fn of_labels(labels: &LabelSet) -> Self {
        labels.iter().fold(LabelBits::default(), |bits, (name, value)| bits.with(name, value))
    }

    /// The pairs that no labels can lack for which all of these matchers hold.
    pub fn required(matchers: &[Matcher]) -> Self {
        let equal = matchers.iter().filter(|m| m.op == Op::Equal && !m.value.is_empty());
        equal.fold(LabelBits::default(), |bits, matcher| bits.with(&matcher.name, &matcher.value))
    }

    /// Also covers the pair `name`, `value`.
    #[must_use]
    pub fn with(self, name: &str, value: &str) -> Self {
        let hash = fingerprint_of([(name, value)]).0;
        // The low bits of FNV-1a are the weak ones.
        let (first, second) = (hash >> 58, hash >> 52 & 0x3f);
        LabelBits([self.0[0] | 1 << first, self.0[1] | 1 << second])
    }

    pub fn covers(self, required: LabelBits) -> bool {
        self.0[0] & required.0[0] == required.0[0] && self.0[1] & required.0[1] == required.0[1]
    }
}

#[cfg(test)]
mod tests {
    use bellwether_model::LabelSet;

    use super::LabelBits;

    #[test]
    fn labels_cover_each_of_their_pairs_and_few_others() {
        let labels = LabelSet::new([("alertname", "X"), ("job", "node"), ("instance", "h1:9100")]);
        let label_bits = LabelBits::of_labels(&labels);
        for (name, value) in labels.iter() {
            assert!(label_bits.covers(LabelBits::default().with(name, value)));
        }
        let wrong = (0..10_000).filter(|n| {
            label_bits.covers(LabelBits::default().with("instance", &format!("h{n}:9200")))
        });
        let wrong = wrong.count();
        assert!(wrong < 200, "{wrong} of 10,000 foreign pairs were covered");
    }

    #[test]
    fn labels_cover_all_their_pairs_where_several_have_the_same_bits() {
        let pairs: Vec<String> = (0..100).map(|n| format!("label_{n}")).collect();
        let labels = LabelSet::new(pairs.iter().map(|name| (name.as_str(), "x")));
        let label_bits = LabelBits::of_labels(&labels);
        for (name, value) in labels.iter() {
            assert!(label_bits.covers(LabelBits::default().with(name, value)), "{name}");
        }
    }
}

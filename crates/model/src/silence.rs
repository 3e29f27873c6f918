//! A promise not to page about some alerts for some time.

use std::collections::BTreeMap;

use crate::labels::LabelSet;
use crate::matcher::{Matcher, Matchers};
use crate::regex::Pattern;
use crate::time::Timestamp;

#[derive(Clone, Debug, PartialEq)]
pub struct Silence {
    /// A UUID in its lower-case text form.
    pub id: String,
    /// Alternatives: the silence holds where all matchers of any one set do.
    pub matcher_sets: Vec<Matchers>,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    pub updated_at: Timestamp,
    pub created_by: String,
    pub comment: String,
    pub annotations: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SilenceState {
    Active,
    Pending,
    Expired,
}

impl Silence {
    /// The patterns of all matchers.
    pub fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        self.matcher_sets.iter().flatten().filter_map(Matcher::pattern)
    }

    /// The same silence, its patterns uncompiled.
    #[must_use]
    pub fn without_programs(&self) -> Silence {
        let uncompiled =
            |set: &Matchers| Matchers(set.iter().map(Matcher::without_program).collect());
        let matcher_sets = self.matcher_sets.iter().map(uncompiled).collect();
        Silence { matcher_sets, ..self.clone() }
    }

    pub fn state(&self, now: Timestamp) -> SilenceState {
        if now < self.starts_at {
            SilenceState::Pending
        } else if now < self.ends_at {
            SilenceState::Active
        } else {
            SilenceState::Expired
        }
    }

    pub fn matches(&self, labels: &LabelSet) -> bool {
        self.matcher_sets.iter().any(|set| set.matches(labels))
    }
}

impl SilenceState {
    pub fn text(self) -> &'static str {
        match self {
            SilenceState::Active => "active",
            SilenceState::Pending => "pending",
            SilenceState::Expired => "expired",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Silence, SilenceState};
    use crate::labels::LabelSet;
    use crate::matcher::{MatcherMode, Matchers, parse_matchers};
    use crate::time::Timestamp;

    fn silence(sets: &[&str]) -> Silence {
        let set = |text: &&str| {
            let parsed = parse_matchers(text, MatcherMode::Utf8).expect("valid matchers");
            Matchers::new(parsed.value)
        };
        Silence {
            id: "6f9c1b5e-8a4e-4a4e-9d52-0f2f3c1d7a10".into(),
            matcher_sets: sets.iter().map(set).collect(),
            starts_at: Timestamp::from_unix(100, 0),
            ends_at: Timestamp::from_unix(200, 0),
            updated_at: Timestamp::from_unix(50, 0),
            created_by: "somebody".into(),
            comment: "maintenance".into(),
            annotations: Default::default(),
        }
    }

    #[test]
    fn is_active_from_its_start_until_before_its_end() {
        let cases = [
            (99, SilenceState::Pending),
            (100, SilenceState::Active),
            (199, SilenceState::Active),
            (200, SilenceState::Expired),
        ];
        for (second, state) in cases {
            assert_eq!(silence(&[]).state(Timestamp::from_unix(second, 0)), state);
        }
    }

    #[test]
    fn all_matchers_of_any_one_set_are_enough() {
        let silence = silence(&["a=1,b=2", "c=3"]);
        let matches = |pairs: &[(&str, &str)]| silence.matches(&LabelSet::new(pairs.to_vec()));
        assert!(matches(&[("a", "1"), ("b", "2")]));
        assert!(matches(&[("a", "1"), ("c", "3")]));
        assert!(!matches(&[("a", "1"), ("b", "3")]));
        assert!(!matches(&[]));
    }
}

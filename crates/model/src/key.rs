//! The keys of deduplication: which integration is notified, and about which group.
//!
//! Their text is part of the cluster's contract: two members that spell a key differently page
//! twice. A group key is the route's key, a colon, and the group's labels.

use std::fmt;
use std::sync::Arc;

use crate::hex::hex;
use crate::labels::LabelSet;

/// `{}/{env="prod"}:{alertname="X"}`: a route's path of matchers and the group's labels.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKey(Arc<str>);

/// One configured way of telling one receiver.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IntegrationId {
    pub receiver: Arc<str>,
    /// `webhook`, `email`, …
    pub kind: Arc<str>,
    /// Position among the receiver's integrations of this kind, from 0.
    pub index: u32,
}

impl GroupKey {
    pub fn new(route_key: &str, group_labels: &LabelSet) -> Self {
        let mut text = String::with_capacity(route_key.len() + 2 * group_labels.packed().len());
        text.push_str(route_key);
        text.push(':');
        group_labels.push_text(&mut text);
        GroupKey(text.into())
    }

    pub fn from_text(text: impl Into<Arc<str>>) -> Self {
        GroupKey(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Lower-case hex of the SHA-256 of the key: what incident systems deduplicate by.
    pub fn hash(&self) -> String {
        use sha2::Digest;
        hex(&sha2::Sha256::digest(self.0.as_bytes()))
    }
}

impl fmt::Display for GroupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for GroupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `team/webhook[0]`: the form in logs and errors.
impl fmt::Display for IntegrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}[{}]", self.receiver, self.kind, self.index)
    }
}

#[cfg(test)]
mod tests {
    use super::GroupKey;
    use crate::labels::LabelSet;

    #[test]
    fn hashes_equal_the_go_ones() {
        let x = LabelSet::new([("alertname", "X")]);
        let h = LabelSet::new([("alertname", "H"), ("cluster", "aa")]);
        let cases = [
            (
                GroupKey::new("{}", &LabelSet::default()),
                "{}:{}",
                "cc9772a1ec901d26ef71dae861793e4d08979fa5030a3f0a5f3ba549f1f2d0b6",
            ),
            (
                GroupKey::new("{}", &x),
                r#"{}:{alertname="X"}"#,
                "25fb0bff77cf7f8850f1cb3aeea9e63be0fbd3e78a8c0ef038392ade26e7d3a6",
            ),
            (
                GroupKey::new(r#"{}/{env="prod"}"#, &h),
                r#"{}/{env="prod"}:{alertname="H", cluster="aa"}"#,
                "6f60dda337f3c0d56d57167a0bfe6415c53634cd508c5f758e886b3369e96579",
            ),
        ];
        for (key, text, hash) in cases {
            assert_eq!(key.as_str(), text);
            assert_eq!(key.hash(), hash);
        }
    }
}

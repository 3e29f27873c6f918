//! The node metadata by which Bellwether nodes recognize each other.
//!
//! Every alive message about a member carries its metadata. Go nodes leave theirs empty and forward
//! ours unread. Ours say that the node is a Bellwether, to which cluster it belongs (if the operator
//! gave the cluster an id), and carry a hash of everything in its configuration that determines group
//! keys and receivers. Two nodes whose hashes differ may both notify for the same group.
//!
//! Form: `bellwether/1`, the id, and the hash in hexadecimal, each followed by a zero byte.

use std::sync::{Arc, Mutex, PoisonError};

use bellwether_memberlist::NodeMeta;

/// The metadata of a Bellwether node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BellwetherMetadata {
    /// `--cluster.id`; empty if there is none.
    pub cluster_id: String,
    /// [`bellwether_engine::Plan::keys_hash`].
    pub config: u64,
}

/// The current metadata of this node; they change with its configuration.
#[derive(Clone, Debug)]
pub struct SharedMetadata(Arc<Mutex<BellwetherMetadata>>);

impl SharedMetadata {
    pub fn new(metadata: BellwetherMetadata) -> Self {
        SharedMetadata(Arc::new(Mutex::new(metadata)))
    }

    pub fn read(&self) -> BellwetherMetadata {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns whether the configuration has changed.
    pub fn set_config(&self, config: u64) -> bool {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut held.config, config) != config
    }
}

impl BellwetherMetadata {
    pub fn meta(&self) -> NodeMeta {
        let BellwetherMetadata { cluster_id, config } = self;
        let text = format!("{SCHEME}\0{cluster_id}\0{config:016x}\0");
        NodeMeta::new(text).expect("an id is at most 255 bytes long")
    }

    /// `None` if these are not the metadata of a Bellwether node.
    pub fn read(meta: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(meta).ok()?;
        let mut parts = text.split('\0');
        if parts.next() != Some(SCHEME) {
            return None;
        }
        let cluster_id = parts.next()?.to_owned();
        let config = u64::from_str_radix(parts.next()?, 16).ok()?;
        Some(BellwetherMetadata { cluster_id, config })
    }

    /// The beginning of any Bellwether node's metadata.
    pub fn scheme() -> bytes::Bytes {
        format!("{SCHEME}\0").into()
    }

    /// What follows in the metadata of a node of the same cluster.
    pub fn cluster(&self) -> bytes::Bytes {
        format!("{}\0", self.cluster_id).into()
    }

    pub fn config_text(&self) -> String {
        format!("{:016x}", self.config)
    }
}

const SCHEME: &str = "bellwether/1";

#[cfg(test)]
mod tests {
    use super::BellwetherMetadata;

    #[test]
    fn metadata_are_read_back_and_others_are_rejected() {
        let metadata = BellwetherMetadata { cluster_id: "prod".into(), config: 0xabc };
        let meta = metadata.meta();
        assert_eq!(&meta.as_bytes()[..], b"bellwether/1\0prod\x000000000000000abc\0");
        assert_eq!(BellwetherMetadata::read(meta.as_bytes()), Some(metadata.clone()));
        assert!(
            meta.as_bytes()
                .starts_with(&[BellwetherMetadata::scheme(), metadata.cluster()].concat())
        );
        for other in
            [&b""[..], b"bellwether/1", b"bellwether/1\0x", b"bellwether/2\0x\x001\0", b"\xff"]
        {
            assert_eq!(BellwetherMetadata::read(other), None);
        }
    }
}

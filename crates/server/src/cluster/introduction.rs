//! How nodes of our kind introduce themselves to each other.
//!
//! A member's meta travels with every word about it. Go nodes leave theirs empty and carry ours
//! along unread. Ours says: that this is a Bellwether, to which cluster it belongs (where the
//! operator gave the cluster an id), and a hash of all in its configuration that decides which
//! groups there are and whom they are told to. Peers whose hashes differ would both tell.
//!
//! Form: `bellwether/1`, the id, and the hash in hexadecimal, each ended by a zero byte.

use std::sync::{Arc, Mutex, PoisonError};

use bellwether_memberlist::NodeMeta;

/// What a node says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introduction {
    /// `--cluster.id`; empty if there is none.
    pub cluster_id: String,
    /// [`bellwether_engine::Plan::keys_hash`].
    pub config: u64,
}

/// What this node says about itself at present; changes with its configuration.
#[derive(Clone, Debug)]
pub struct SharedIntroduction(Arc<Mutex<Introduction>>);

impl SharedIntroduction {
    pub fn new(introduction: Introduction) -> Self {
        SharedIntroduction(Arc::new(Mutex::new(introduction)))
    }

    pub fn read(&self) -> Introduction {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns whether the configuration is another one now.
    pub fn set_config(&self, config: u64) -> bool {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut held.config, config) != config
    }
}

impl Introduction {
    pub fn meta(&self) -> NodeMeta {
        let Introduction { cluster_id, config } = self;
        let text = format!("{SCHEME}\0{cluster_id}\0{config:016x}\0");
        NodeMeta::new(text).expect("an id is at most 255 bytes long")
    }

    /// `None` if this is not what one of our kind says.
    pub fn read(meta: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(meta).ok()?;
        let mut parts = text.split('\0');
        if parts.next() != Some(SCHEME) {
            return None;
        }
        let cluster_id = parts.next()?.to_owned();
        let config = u64::from_str_radix(parts.next()?, 16).ok()?;
        Some(Introduction { cluster_id, config })
    }

    /// How the meta of any node like this one begins.
    pub fn scheme() -> bytes::Bytes {
        format!("{SCHEME}\0").into()
    }

    /// How the meta of a node of the same cluster goes on.
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
    use super::Introduction;

    #[test]
    fn introductions_come_back_and_others_are_none() {
        let introduction = Introduction { cluster_id: "prod".into(), config: 0xabc };
        let meta = introduction.meta();
        assert_eq!(&meta.as_bytes()[..], b"bellwether/1\0prod\x000000000000000abc\0");
        assert_eq!(Introduction::read(meta.as_bytes()), Some(introduction.clone()));
        assert!(
            meta.as_bytes().starts_with(&[Introduction::scheme(), introduction.cluster()].concat())
        );
        for other in
            [&b""[..], b"bellwether/1", b"bellwether/1\0x", b"bellwether/2\0x\x001\0", b"\xff"]
        {
            assert_eq!(Introduction::read(other), None);
        }
    }
}

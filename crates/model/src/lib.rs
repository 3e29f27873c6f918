//! The nouns of alerting, and nothing that acts.
//!
//! What every other crate means by *alert*, *label set*, *matcher*, *silence*, *time interval*,
//! *group key* and *notification*: plain values with their identity (fingerprints, keys, hashes),
//! their text forms, and the rules that follow from the value alone.
//!
//! It knows no YAML, no JSON shape, no HTTP, no clock, file or socket.
//! Everything here is deterministic: equal inputs give equal outputs, also across machines,
//! because fingerprints and keys are compared between cluster members.

pub mod alert;
pub mod delivery;
pub mod duration;
pub mod hex;
pub mod interval;
pub mod key;
pub mod labels;
pub mod matcher;
pub mod quote;
pub mod regex;
pub mod secret;
pub mod silence;
pub mod time;

pub use alert::{Alert, NewAlert};
pub use delivery::{FailureReason, Notification, Outcome, Reason, Remembered};
pub use interval::TimeInterval;
pub use key::{GroupKey, IntegrationId};
pub use labels::{Fingerprint, LabelSet};
pub use matcher::{Matcher, MatcherMode, Matchers, Op};
pub use secret::Secret;
pub use silence::{Silence, SilenceState};
pub use time::{Mono, Now, Timestamp};

//! Does docs/wire.md show the bytes that the engine gives to its peers?
//!
//! Here: status broadcasts, and the field of a log entry that is ours. What wraps them is held by the tests
//! of `memberlist`.

use std::time::Duration;

use bellwether_engine::{LogEntry, LogKey, Notified, StatusBroadcast, wire};
use bellwether_model::{GroupKey, IntegrationId, Remembered, Timestamp};

#[test]
fn the_document_shows_the_bytes_of_statuses_and_pending_resolves() {
    let noon = Timestamp::from_unix(1_767_614_400, 0);
    let group = GroupKey::from_text(r#"{}:{alertname="Disk"}"#);
    let integration = IntegrationId { receiver: "team".into(), kind: "webhook".into(), index: 0 };
    let key = LogKey { group, integration };
    let status = StatusBroadcast {
        from: "a".to_owned(),
        wall: noon.plus(Duration::from_millis(5)),
        claims: vec![key.hash()],
    };
    let entry = LogEntry {
        key,
        notified: Notified { resolve_pending: vec![1, 300], ..Notified::default() },
        at: noon,
        expires_at: noon.plus(Duration::from_hours(120)),
        remembered: Remembered::default(),
        wire: None,
    };
    let shown = shown();
    for bytes in [status.encode(), wire::encode_entry(&entry)] {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(shown.contains(&hex), "{hex} is not shown");
    }
    assert_eq!(StatusBroadcast::decode(&status.encode()), Some(status));
    assert_eq!(wire::decode_entry(&wire::encode_entry(&entry)), Ok(entry));
}

/// The examples, without the spaces and lines in them and the explanations next to them.
fn shown() -> String {
    let words = include_str!("../../../docs/wire.md").split_whitespace();
    let is_bytes =
        |word: &&str| word.len().is_multiple_of(2) && word.chars().all(|c| c.is_ascii_hexdigit());
    words.filter(is_bytes).collect()
}

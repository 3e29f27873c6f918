//! Silences and log entries as the Go Alertmanager writes them.
//!
//! In and out: protobuf messages, alone or as a file of messages that each stand behind their
//! length (the snapshot files `silences` and `nflog`). Fields of ours have numbers from 1000 on,
//! which Go nodes carry along unread.

use std::sync::Arc;
use std::time::Duration;

use bellwether_model::delivery::RememberedValue;
use bellwether_model::regex::Pattern;
use bellwether_model::{
    GroupKey, IntegrationId, Matcher, Matchers, Op, Remembered, Silence, Timestamp,
};
use prost::Message;

use super::RecordError;
use crate::replicated::{LogEntry, LogKey, Notified, SilenceRecord, Wire};

mod messages;

use messages as pb;

/// One message, without a length before it.
pub fn encode_silence(silence: &Silence, expires_at: Timestamp) -> Vec<u8> {
    mesh_silence(silence, expires_at).encode_to_vec()
}

/// How large [`encode_silence`] would be, in bytes.
pub fn silence_bytes(silence: &Silence, retention: Duration) -> usize {
    mesh_silence(silence, silence.ends_at.plus(retention)).encoded_len()
}

pub fn decode_silence(bytes: &[u8]) -> Result<SilenceRecord, RecordError> {
    let mesh = pb::MeshSilence::decode(bytes).map_err(|error| bad("silence", error))?;
    let silence = mesh.silence.ok_or_else(|| bad("silence", "the message has no silence"))?;
    let (silence, expires_at) = (Arc::new(silence_from(silence)?), time_from(mesh.expires_at));
    let wire = original(bytes, &encode_silence(&silence, expires_at));
    Ok(SilenceRecord { silence, expires_at, wire })
}

/// One message, without a length before it.
pub fn encode_entry(entry: &LogEntry) -> Vec<u8> {
    if let Some(Wire(bytes)) = &entry.wire {
        return bytes.to_vec();
    }
    let id = &entry.key.integration;
    let values = entry.remembered.0.iter().map(|(name, value)| {
        let value = match value {
            RememberedValue::Text(text) => pb::receiver_data_value::Value::Text(text.clone()),
            RememberedValue::Integer(number) => pb::receiver_data_value::Value::Integer(*number),
            RememberedValue::Number(number) => pb::receiver_data_value::Value::Number(*number),
        };
        (name.clone(), pb::ReceiverDataValue { value: Some(value) })
    });
    let message = pb::MeshEntry {
        entry: Some(pb::Entry {
            group_key: entry.key.group.as_str().as_bytes().to_vec(),
            receiver: Some(pb::Receiver {
                group_name: id.receiver.to_string(),
                integration: id.kind.to_string(),
                idx: id.index,
            }),
            timestamp: Some(time_to(entry.at)),
            firing_alerts: entry.notified.firing.clone(),
            resolved_alerts: entry.notified.resolved.clone(),
            receiver_data: values.collect(),
            muted_alerts: entry.notified.muted.clone(),
            resolve_pending_alerts: entry.notified.resolve_pending.clone(),
        }),
        expires_at: Some(time_to(entry.expires_at)),
    };
    message.encode_to_vec()
}

pub fn decode_entry(bytes: &[u8]) -> Result<LogEntry, RecordError> {
    const WHAT: &str = "notification-log entry";
    let mesh = pb::MeshEntry::decode(bytes).map_err(|error| bad(WHAT, error))?;
    let entry = mesh.entry.ok_or_else(|| bad(WHAT, "the message has no entry"))?;
    let receiver = entry.receiver.ok_or_else(|| bad(WHAT, "the entry has no receiver"))?;
    let group =
        String::from_utf8(entry.group_key).map_err(|_| bad(WHAT, "the group key is not UTF-8"))?;
    let values = entry.receiver_data.into_iter().filter_map(|(name, value)| {
        let value = match value.value? {
            pb::receiver_data_value::Value::Text(text) => RememberedValue::Text(text),
            pb::receiver_data_value::Value::Integer(number) => RememberedValue::Integer(number),
            pb::receiver_data_value::Value::Number(number) => RememberedValue::Number(number),
        };
        Some((name, value))
    });
    let mut entry = LogEntry {
        key: LogKey {
            group: GroupKey::from_text(group),
            integration: IntegrationId {
                receiver: receiver.group_name.into(),
                kind: receiver.integration.into(),
                index: receiver.idx,
            },
        },
        notified: Notified {
            firing: ascending(entry.firing_alerts),
            resolved: ascending(entry.resolved_alerts),
            resolve_pending: ascending(entry.resolve_pending_alerts),
            muted: ascending(entry.muted_alerts),
        },
        at: time_from(entry.timestamp),
        expires_at: time_from(mesh.expires_at),
        remembered: Remembered(values.collect()),
        wire: None,
    };
    entry.wire = original(bytes, &encode_entry(&entry));
    Ok(entry)
}

/// The messages of a snapshot file: each a length as a varint, then so many bytes.
///
/// Ends after the first error: after a wrong length, messages cannot be separated.
pub fn split_messages(file: &[u8]) -> impl Iterator<Item = Result<&[u8], RecordError>> {
    let mut rest = file;
    std::iter::from_fn(move || next_message(&mut rest))
}

/// Takes the first message off a snapshot file, as [`split_messages`] does.
pub(crate) fn next_message<'a>(rest: &mut &'a [u8]) -> Option<Result<&'a [u8], RecordError>> {
    if rest.is_empty() {
        return None;
    }
    let message = split_message(rest);
    if message.is_err() {
        *rest = &[];
    }
    Some(message)
}

/// Appends one message to a snapshot file.
pub fn append_message(file: &mut Vec<u8>, message: &[u8]) {
    prost::encoding::encode_varint(message.len() as u64, file);
    file.extend_from_slice(message);
}

fn split_message<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], RecordError> {
    const WHAT: &str = "snapshot";
    let length = prost::encoding::decode_varint(rest).map_err(|error| bad(WHAT, error))?;
    if length > MESSAGE_MAX_BYTES {
        return Err(bad(WHAT, format!("a message of {length} bytes (limit: {MESSAGE_MAX_BYTES})")));
    }
    let (message, after) =
        rest.split_at_checked(length as usize).ok_or_else(|| bad(WHAT, "ends too early"))?;
    *rest = after;
    Ok(message)
}

fn mesh_silence(silence: &Silence, expires_at: Timestamp) -> pb::MeshSilence {
    let sets: Vec<pb::MatcherSet> = silence
        .matcher_sets
        .iter()
        .map(|set| pb::MatcherSet { matchers: set.iter().map(matcher_to).collect() })
        .collect();
    pb::MeshSilence {
        silence: Some(pb::Silence {
            id: silence.id.clone(),
            // Older versions read the first set from here.
            matchers: sets.first().map(|set| set.matchers.clone()).unwrap_or_default(),
            starts_at: Some(time_to(silence.starts_at)),
            ends_at: Some(time_to(silence.ends_at)),
            updated_at: Some(time_to(silence.updated_at)),
            comments: Vec::new(),
            created_by: silence.created_by.clone(),
            comment: silence.comment.clone(),
            annotations: silence.annotations.clone(),
            matcher_sets: sets,
        }),
        expires_at: Some(time_to(expires_at)),
    }
}

fn silence_from(message: pb::Silence) -> Result<Silence, RecordError> {
    let mut sets = message.matcher_sets;
    if sets.is_empty() && !message.matchers.is_empty() {
        sets.push(pb::MatcherSet { matchers: message.matchers });
    }
    let mut matcher_sets = Vec::with_capacity(sets.len());
    for set in sets {
        if set.matchers.is_empty() {
            return Err(bad("silence", "a set without matchers would match every alert"));
        }
        let matchers: Result<Vec<Matcher>, RecordError> =
            set.matchers.into_iter().map(matcher_from).collect();
        matcher_sets.push(Matchers(matchers?));
    }
    let (mut comment, mut created_by) = (message.comment, message.created_by);
    if let Some(first) = message.comments.into_iter().next() {
        comment = first.comment;
        created_by = first.author;
    }
    Ok(Silence {
        id: message.id,
        matcher_sets,
        starts_at: time_from(message.starts_at),
        ends_at: time_from(message.ends_at),
        updated_at: time_from(message.updated_at),
        created_by,
        comment,
        annotations: message.annotations,
    })
}

fn matcher_to(matcher: &Matcher) -> pb::Matcher {
    let kind = match matcher.op {
        Op::Equal => pb::MatcherKind::Equal,
        Op::Matches => pb::MatcherKind::Regexp,
        Op::NotEqual => pb::MatcherKind::NotEqual,
        Op::NotMatches => pb::MatcherKind::NotRegexp,
    };
    pb::Matcher { kind: kind.into(), name: matcher.name.clone(), pattern: matcher.value.clone() }
}

fn matcher_from(message: pb::Matcher) -> Result<Matcher, RecordError> {
    let op = match pb::MatcherKind::try_from(message.kind) {
        Ok(pb::MatcherKind::Equal) => Op::Equal,
        Ok(pb::MatcherKind::Regexp) => Op::Matches,
        Ok(pb::MatcherKind::NotEqual) => Op::NotEqual,
        Ok(pb::MatcherKind::NotRegexp) => Op::NotMatches,
        Err(_) => return Err(bad("silence", format!("unknown matcher type {}", message.kind))),
    };
    // To compile patterns takes long, and is limited: `silence_programs`.
    Matcher::compiled_by(message.name, op, message.pattern, &mut Pattern::uncompiled)
        .map_err(|error| bad("silence", error))
}

fn time_to(at: Timestamp) -> pb::Timestamp {
    pb::Timestamp { seconds: at.unix_seconds(), nanos: at.subsec_nanos() as i32 }
}

fn time_from(message: Option<pb::Timestamp>) -> Timestamp {
    let message = message.unwrap_or_default();
    Timestamp::from_unix(message.seconds, u32::try_from(message.nanos).unwrap_or(0))
}

/// What was received, if encoding it again would lose something.
fn original(received: &[u8], again: &[u8]) -> Option<Wire> {
    (received != again).then(|| Wire(received.into()))
}

fn ascending(mut hashes: Vec<u64>) -> Vec<u64> {
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

fn bad(what: &'static str, why: impl ToString) -> RecordError {
    RecordError { what, why: why.to_string() }
}

/// Limit: what the Go Alertmanager accepts in a snapshot file.
const MESSAGE_MAX_BYTES: u64 = 4 * 1024 * 1024;

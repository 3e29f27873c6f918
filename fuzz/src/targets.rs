//! What has to hold, whatever the bytes are?
//!
//! One function per decoder. None may panic; where there is a way back from the value to bytes,
//! the way there and back must end where it began.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use bellwether_api::{decode_alerts, decode_silence};
use bellwether_encoding::http1::{self, Next, Rewriter, Rewritten, Rules};
use bellwether_engine::{
    Engine, EngineSettings, GroupBy, Input, LogEntry, Note, Peer, PeerSettings, Plan, PlanParts,
    Record, RefusedAlerts, RouteSpec, SilenceRecord, StatusBroadcast, Ticket, Timing, Turn, wire,
};
use bellwether_memberlist::wire::datagram::{self, Checksum, Datagram, Envelope, MESSAGES_MAX};
use bellwether_memberlist::wire::part::{FullState, PARTS_MAX, Part};
use bellwether_memberlist::wire::stream::{self, StreamReader};
use bellwether_memberlist::wire::{Compression, StreamError};
use bellwether_memberlist::{Label, MemberFilter, NodeMeta, StreamMessage};
use bellwether_model::matcher::{parse_matcher, parse_matchers};
use bellwether_model::{LabelSet, MatcherMode, Matchers, Mono, NewAlert, Now, Timestamp};
use bellwether_template::{ErrorKind, Limits, Templates, Value, to_json};

use crate::corpus;
use crate::node_metadata::BellwetherMetadata;
use crate::runner::Target;

pub const TARGETS: &[Target] = &[
    Target { name: "api_alerts", check: api_alerts, inputs: corpus::alerts, iterations: 20_000 },
    Target {
        name: "api_silence",
        check: api_silence,
        inputs: corpus::silences,
        iterations: 20_000,
    },
    Target { name: "matchers", check: matchers, inputs: corpus::matchers, iterations: 20_000 },
    Target { name: "config", check: config, inputs: corpus::configs, iterations: 2_000 },
    Target { name: "record", check: record, inputs: corpus::records, iterations: 40_000 },
    Target { name: "wire", check: snapshot, inputs: corpus::snapshots, iterations: 40_000 },
    Target { name: "datagram", check: datagram, inputs: corpus::datagrams, iterations: 20_000 },
    Target { name: "stream", check: stream, inputs: corpus::streams, iterations: 10_000 },
    Target { name: "state", check: state, inputs: corpus::states, iterations: 40_000 },
    Target {
        name: "status_broadcast",
        check: status_broadcast,
        inputs: corpus::status_broadcasts,
        iterations: 20_000,
    },
    Target {
        name: "node_metadata",
        check: node_metadata,
        inputs: corpus::node_metadata,
        iterations: 40_000,
    },
    Target { name: "http1", check: http1, inputs: corpus::http1_connections, iterations: 5_000 },
    Target { name: "template", check: template, inputs: corpus::templates, iterations: 10_000 },
];

/// What is left of a meta when all else is written.
const CLUSTER_ID_BYTES_MAX: usize = 480;

const MODES: [MatcherMode; 3] = [MatcherMode::Fallback, MatcherMode::Utf8, MatcherMode::Classic];

/// The body of a POST of alerts.
pub fn api_alerts(bytes: &[u8]) {
    for mode in MODES {
        let Ok(decoded) = decode_alerts(bytes, mode) else { continue };
        for alert in &decoded.alerts {
            assert_eq!(alert.fingerprint, alert.labels.fingerprint());
            let names: Vec<&str> = alert.labels.iter().map(|(name, _)| name).collect();
            assert!(names.is_sorted_by(|a, b| a < b), "labels are sorted and unique: {names:?}");
            assert!(alert.labels.iter().all(|(_, value)| !value.is_empty()));
        }
        let positions: Vec<usize> =
            decoded.invalid.iter().map(|invalid| invalid.position).collect();
        assert!(positions.is_sorted_by(|a, b| a < b), "one verdict an alert: {positions:?}");
        assert!(decoded.invalid.iter().all(|invalid| !invalid.message.is_empty()));
    }
}

/// The body of a POST of a silence.
pub fn api_silence(bytes: &[u8]) {
    for mode in MODES {
        let Ok(draft) = decode_silence(bytes) else { return };
        if let Ok(posted) = draft.into_posted(mode, Timestamp::UNIX_EPOCH) {
            assert!(!posted.matchers.is_empty(), "a silence has a matcher");
        }
    }
}

/// One matcher, and a list of them, as filters and configurations hold them.
pub fn matchers(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for mode in MODES {
        let _ = parse_matchers(text, mode);
        let Ok(parsed) = parse_matcher(text, mode) else { continue };
        let shown = parsed.value.to_string();
        let again = parse_matcher(&shown, MatcherMode::Fallback)
            .unwrap_or_else(|error| panic!("{text:?} is shown as {shown:?}: {error}"));
        assert_eq!(again.value, parsed.value, "{shown:?}");
    }
}

/// A configuration file.
pub fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let parsed = match bellwether_config::parse(text, MatcherMode::Fallback) {
        Ok(parsed) => parsed,
        Err(errors) => return assert!(!errors.to_string().is_empty(), "a refusal says why"),
    };
    // What holds a secret need not be accepted again, and a default that was set to null comes
    // back once; what is shown and read after that says the same for good.
    let read = |text: &str| bellwether_config::parse(text, MatcherMode::Fallback);
    let Ok(second) = read(&bellwether_config::print(&parsed.config)) else { return };
    let shown = bellwether_config::print(&second.config);
    let third = read(&shown).unwrap_or_else(|errors| panic!("{errors}\n{shown}"));
    assert_eq!(bellwether_config::print(&third.config), shown);
}

/// A record of the journal: the length of the key in one byte, the key, the value.
pub fn record(bytes: &[u8]) {
    let Some((&length, rest)) = bytes.split_first() else { return };
    let (key, value) = rest.split_at(usize::from(length).min(rest.len()));
    let Ok(record) = Record::decode(key, value) else { return };
    let (key, value) = record.encode();
    let value = value.expect("a record that was read has a value");
    let again = Record::decode(&key, &value)
        .unwrap_or_else(|error| panic!("{record:?} is written as what is not read: {error}"));
    assert_eq!(again.encode(), (key, Some(value)), "{record:?}");
}

/// A snapshot file of the Go Alertmanager, of silences or of the notification log.
pub fn snapshot(bytes: &[u8]) {
    for message in wire::split_messages(bytes).flatten() {
        if let Ok(version) = wire::decode_silence(message) {
            let SilenceRecord { silence, expires_at, wire } = version;
            let written = wire::encode_silence(&silence, expires_at);
            let again = wire::decode_silence(&written)
                .unwrap_or_else(|error| panic!("{silence:?} is not read again: {error}"));
            assert_eq!((again.silence, again.expires_at), (silence, expires_at));
            assert!(again.wire.is_none(), "what was written here holds nothing unknown");
            assert!(wire.is_none_or(|wire| &*wire.0 == message), "kept as it came");
        }
        if let Ok(entry) = wire::decode_entry(message) {
            let entry = LogEntry { wire: None, ..entry };
            let written = wire::encode_entry(&entry);
            let again = wire::decode_entry(&written)
                .unwrap_or_else(|error| panic!("{entry:?} is not read again: {error}"));
            assert_eq!(again.key, entry.key);
            // By bytes, as numbers that a receiver has kept may be none (NaN).
            assert_eq!(wire::encode_entry(&again), written);
        }
    }
}

/// A datagram of the gossip protocol, to a node without a label and to one that has one.
pub fn datagram(bytes: &[u8]) {
    let accepted = corpus::cluster_labels().map(|label| {
        let Datagram { messages, dropped } = datagram::decode(&label, bytes);
        assert!(messages.len() <= MESSAGES_MAX && dropped.len() <= MESSAGES_MAX);
        let anything = !messages.is_empty();
        let (checksum, compression) = (Checksum::None, Compression::None);
        let envelope = Envelope { label: &label, checksum, compression };
        for message in messages {
            let written = datagram::pack(&[&datagram::encode_message(&message)], envelope);
            let again = datagram::decode(&label, &written.concat());
            assert_eq!(again, Datagram { messages: vec![message], dropped: Vec::new() });
        }
        anything
    });
    assert_ne!(accepted, [true; 2], "two labels are two clusters");
}

/// A stream of the gossip protocol, with and without a label: it must not matter how the network
/// cuts it.
pub fn stream(bytes: &[u8]) {
    for label in corpus::cluster_labels() {
        let whole = read_stream(&label, bytes, bytes.len().max(1));
        assert_eq!(read_stream(&label, bytes, 7), whole);
        let Ok(Some(mut message)) = whole else { continue };
        if let StreamMessage::PushPull(push_pull) = &mut message {
            // What was left out when it was read is not written.
            push_pull.skipped = 0;
        }
        let content = stream::encode(&message, Compression::None);
        let written = [stream::label_header(&label), content].concat();
        assert_eq!(read_stream(&label, &written, written.len()), Ok(Some(message)));
    }
}

fn read_stream(
    label: &Label,
    bytes: &[u8],
    piece_bytes: usize,
) -> Result<Option<StreamMessage>, StreamError> {
    let mut reader = StreamReader::inbound(label);
    for piece in bytes.chunks(piece_bytes) {
        if let Some(message) = reader.push(piece)? {
            return Ok(Some(message));
        }
    }
    Ok(None)
}

/// What Alertmanagers put into messages and push-pulls.
pub fn state(bytes: &[u8]) {
    if let Ok(part) = Part::decode(bytes.to_vec().into()) {
        assert_eq!(Part::decode(part.encode_to_vec().into()), Ok(part));
    }
    if let Ok(state) = FullState::decode(bytes.to_vec().into()) {
        assert!(state.parts.len() <= PARTS_MAX);
        assert_eq!(FullState::decode(state.encode_to_vec().into()), Ok(state));
    }
}

/// A status broadcast, from two peers at once: where they agree on the time the node goes by it, and has to
/// live with whatever that is.
pub fn status_broadcast(bytes: &[u8]) {
    let Some(status) = StatusBroadcast::decode(bytes) else { return };
    let written = status.encode();
    assert_eq!(StatusBroadcast::decode(&written).as_ref(), Some(&status));
    let mut turn = Turn::default();
    let mut engine = member_of_three(&mut turn);
    for from in ["b", "c"] {
        let data = StatusBroadcast { from: from.to_owned(), ..status.clone() }.encode();
        let from = PEERS_ADDRESS;
        engine.handle(at_second(1), Input::StatusBroadcast { from, data }, &mut turn);
    }
    let off = status.wall.unix_nanos() - at_second(1).wall.unix_nanos();
    let corrected = turn.notes.iter().find_map(|note| match note {
        Note::ClockCorrected { by_seconds, .. } => Some(*by_seconds),
        _ => None,
    });
    assert_eq!(corrected.is_some(), off < -30_000_000_000, "off by {off} ns");
    assert!(corrected.is_none_or(|by| (-300.0..0.0).contains(&by)), "corrected by {corrected:?} s");
    let labels = LabelSet::new([("alertname", "Disk")]);
    let alert = NewAlert {
        fingerprint: labels.fingerprint(),
        labels,
        annotations: LabelSet::default(),
        generator_url: "".into(),
        starts_at: None,
        ends_at: None,
    };
    let ticket = Ticket(1);
    let input = Input::Alerts { alerts: vec![alert], refused: RefusedAlerts::default(), ticket };
    engine.handle(at_second(2), input, &mut turn);
    engine.handle(at_second(3600), Input::Tick, &mut turn);
    for record in &turn.keep {
        let (key, value) = record.encode();
        let read = value.is_none_or(|value| Record::decode(&key, &value).is_ok());
        assert!(read, "{record:?} cannot be read again");
    }
}

fn member_of_three(turn: &mut Turn) -> Engine {
    let minute = Duration::from_secs(60);
    let route = RouteSpec {
        receiver: "team".into(),
        group_by: GroupBy::AllLabels,
        matchers: Matchers::default(),
        continues: false,
        timing: Timing { group_wait: minute, group_interval: minute, repeat_interval: minute },
        mute_intervals: Vec::new(),
        active_intervals: Vec::new(),
        labels: LabelSet::default(),
        routes: Vec::new(),
    };
    let plan = Plan::new(PlanParts {
        route,
        receivers: Vec::new(),
        inhibit_rules: Vec::new(),
        intervals: Default::default(),
        resolve_timeout: minute,
    });
    let name = "a".to_owned();
    let peers =
        Some(PeerSettings { name, timeout: minute, corrects_clock: true, trusts_status: true });
    let mut engine =
        Engine::new(Arc::new(plan), EngineSettings { peers, ..EngineSettings::default() }, 1);
    let peers = ["b", "c"].map(|name| Peer {
        name: name.to_owned(),
        address: PEERS_ADDRESS,
        is_bellwether: true,
    });
    engine.handle(at_second(0), Input::Peers(peers.into()), turn);
    engine.handle(at_second(0), Input::Settled, turn);
    engine
}

const PEERS_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn at_second(second: u64) -> Now {
    let wall = Timestamp::from_unix(1_700_000_000, 0).plus(Duration::from_secs(second));
    Now { wall, mono: Mono(second * 1_000_000_000) }
}

/// What a node says about itself: who reads its cluster's id must also let it in.
pub fn node_metadata(bytes: &[u8]) {
    // More than a meta holds is dropped before.
    let Some(meta) = NodeMeta::new(bytes.to_vec()) else { return };
    let Some(metadata) = BellwetherMetadata::read(meta.as_bytes()) else { return };
    let filter = |of: &BellwetherMetadata| MemberFilter {
        scheme: BellwetherMetadata::scheme(),
        cluster: of.cluster(),
    };
    assert!(filter(&metadata).admits(bytes), "{metadata:?} is let in by its own cluster");
    let mut other = metadata.clone();
    other.cluster_id.push('x');
    assert!(!filter(&other).admits(bytes), "{metadata:?} is kept out by {other:?}");
    if metadata.cluster_id.len() <= CLUSTER_ID_BYTES_MAX {
        assert_eq!(BellwetherMetadata::read(metadata.meta().as_bytes()), Some(metadata));
    }
}

/// The heads on a connection, of requests or answers: it must not matter how the network cuts it.
pub fn http1(bytes: &[u8]) {
    let whole = rewrite(bytes, bytes.len().max(1));
    assert_eq!(rewrite(bytes, 7), whole);
    assert_eq!(rewrite(bytes, 1), whole);
}

/// What is passed on, and the error that ends the connection.
fn rewrite(bytes: &[u8], piece_bytes: usize) -> (Vec<u8>, Option<String>) {
    let mut rewriter = Rewriter::new(PlainHeads);
    let mut passed = Vec::new();
    for piece in bytes.chunks(piece_bytes) {
        if rewriter.passes(piece) {
            passed.extend_from_slice(piece);
            continue;
        }
        let pushed = rewriter.push(piece);
        let ready = rewriter.ready().len();
        passed.extend_from_slice(rewriter.ready());
        rewriter.consume(ready);
        if let Err(error) = pushed {
            return (passed, Some(error));
        }
    }
    (passed, None)
}

/// Passes heads on as they are, and takes their bodies for what they say.
struct PlainHeads;

impl Rules for PlainHeads {
    fn first_line(&mut self, _: &[u8]) -> Result<Option<Rewritten>, String> {
        Ok(None)
    }

    fn head(&mut self, head: &[u8]) -> Result<Rewritten, String> {
        let (_, rest) = http1::first_line(head);
        let fields = http1::fields(rest).map_err(|malformed| format!("{malformed:?}"))?;
        let value = |name| fields.iter().find(|field| field.is(name)).map(|field| &*field.value);
        let length = value("content-length").and_then(|text| str::from_utf8(text).ok());
        let next = match (value("transfer-encoding"), length.and_then(|text| text.parse().ok())) {
            (Some(b"chunked"), _) => Next::Chunks,
            (Some(b"upgrade"), _) => Next::Beyond,
            (Some(b"close"), _) => Next::Ended,
            (_, Some(length)) => Next::Body(length),
            (_, None) => Next::Head,
        };
        Ok(Rewritten { head: head.to_vec(), next })
    }

    fn too_long(&mut self) -> Result<Rewritten, String> {
        Err("too long".to_owned())
    }

    fn head_bytes_max(&self) -> usize {
        200
    }
}

/// A template, as plain text and as HTML, with little of everything allowed.
pub fn template(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let data = Value::map([
        ("name", Value::from("<x> & \"y\"")),
        ("list", Value::list(vec![Value::from("a"), Value::Int(1), Value::Nil])),
        ("map", Value::map([("key", Value::Float(1e9))])),
    ]);
    let limits = Limits { steps: 2_000, depth: 50, output_bytes: 10_000 };
    let templates = Templates::new([]);
    let plain = templates.prepare(text);
    let html = templates.prepare_html(text);
    assert_eq!(plain.as_ref().err(), html.as_ref().err(), "both read the same language");
    for prepared in [plain, html].into_iter().flatten() {
        match prepared.render(&data, &(), limits) {
            // What is no UTF-8 becomes up to three times as long at the very end.
            Ok(text) => assert!(text.len() <= 3 * limits.output_bytes),
            Err(error) => {
                assert_ne!(error.kind, ErrorKind::Parse, "a text is read only once");
                assert!(error.text.contains("template:"), "an error says where: {error}");
            }
        }
    }
    assert!(to_json(&Value::from(text)).is_ok(), "every text has a form in JSON");
}

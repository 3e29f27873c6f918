//! From what do the mutations start?
//!
//! A few inputs per decoder that between them use most of what it knows. Binary ones are written by
//! our own encoders, so that they never fall behind a format.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use bellwether_engine::{GroupName, GroupRecord, Record, StatusBroadcast, wire};
use bellwether_memberlist::wire::part::{FullState, Part};
use bellwether_memberlist::wire::{Compression, datagram, stream};
use bellwether_memberlist::{
    Ack, Address, Alive, Dead, ErrorReply, IndirectPing, Label, Message, Nack, NodeName, NodeState,
    NodeStatus, Ping, PushPull, StreamMessage, Suspect, UserMessage, Versions,
};
use bellwether_model::matcher::parse_matchers;
use bellwether_model::{Alert, LabelSet, MatcherMode, Timestamp};

pub fn alerts() -> Vec<Vec<u8>> {
    texts(&[
        r#"[{"labels":{"alertname":"Full","instance":"a:9100","héé":"ü\u00e9\n"},"annotations":{"summary":"a <b> & c"},"startsAt":"2026-01-02T03:04:05.678Z","endsAt":"2026-01-02T04:04:05+02:00","generatorURL":"http://prometheus.example/graph?a=1#b"}]"#,
        r#"[{"Labels":{"a":"b","a":"c","empty":""},"startsAt":null,"unknown":{"x":[1,2.5e3,true,null]}},{"labels":{}}] trailing"#,
        r#"[{"labels":{"alertname":"x"},"startsAt":"2026-01-02","endsAt":"2026-01-02 03:04:05"}]"#,
        "[]",
        "null",
    ])
}

pub fn silences() -> Vec<Vec<u8>> {
    texts(&[
        r#"{"matchers":[{"name":"team","value":"web","isRegex":false,"isEqual":false},{"name":"host","value":"a.*|b[0-9]+","isRegex":true}],"startsAt":"2026-01-02T03:04:05Z","endsAt":"2036-01-02T03:04:05Z","createdBy":"me","comment":"why","annotations":{"ticket":"1"}}"#,
        r#"{"id":"6cbbb7ba-8a3b-4a1f-9d6b-1d3f5a7f0001","matchers":[{"name":"a","value":"","isRegex":false}],"startsAt":"","endsAt":"2036-01-02","createdBy":"","comment":""}"#,
    ])
}

pub fn http1_connections() -> Vec<Vec<u8>> {
    texts(&[
        "GET / HTTP/1.1\r\nHost: a\r\nX : folded\r\n more\r\n\r\nGET /b HTTP/1.1\nHost: a\n\n",
        "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhelloPOST / HTTP/1.0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding: upgrade\r\n\r\nanything at all",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: close\r\n\r\nignored",
    ])
}

pub fn matchers() -> Vec<Vec<u8>> {
    texts(&[
        "team=web",
        r#"team="a \"b\" \\ \n""#,
        r#"{foo="bar",host=~"a.*|b[0-9]+",x!="",y!~"^(?i:z)$"}"#,
        r#""label with spaces"='x'"#,
        "🔔=ü",
        " foo = bar , baz !~ qux ",
    ])
}

/// The good files of the configuration's own tests.
pub fn configs() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/config/tests/corpus/good");
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut paths: Vec<_> =
        files.map(|file| file.expect("the folder is readable").path()).collect();
    // The order of a folder differs between machines, and mutations must not.
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("the file is readable")).collect()
}

pub fn records() -> Vec<Vec<u8>> {
    let name = GroupName {
        route: r#"{}/{team="web"}"#.to_owned(),
        receiver: "team".to_owned(),
        labels: labels().packed().to_owned(),
    };
    let due = at(1_700_000_100);
    let mut records = vec![
        Record::Alert { alert: Arc::new(alert()), ended: false },
        Record::Alert { alert: Arc::new(alert()), ended: true },
        Record::Group(GroupRecord { name: name.clone(), due, suppressed_until: None }),
        Record::Group(GroupRecord { name, due, suppressed_until: Some(due) }),
    ];
    let snapshots = snapshots();
    for message in snapshots.iter().flat_map(|file| wire::split_messages(file)).flatten() {
        if let Ok(version) = wire::decode_silence(message) {
            records.push(Record::Silence(version));
        }
        if let Ok(entry) = wire::decode_entry(message) {
            records.push(Record::LogEntry(entry));
        }
    }
    let as_input = |record: &Record| {
        let (key, value) = record.encode();
        let length = u8::try_from(key.len()).expect("keys of the corpus are short");
        [&[length], key.as_slice(), value.unwrap_or_default().as_slice()].concat()
    };
    records.iter().map(as_input).collect()
}

pub fn snapshots() -> Vec<Vec<u8>> {
    vec![silences_file(), log_file()]
}

/// None, and one.
pub fn cluster_labels() -> [Label; 2] {
    [Label::default(), Label::new("prod").expect("it is short")]
}

/// Every message, alone, together, with a checksum, compressed and labelled.
pub fn datagrams() -> Vec<Vec<u8>> {
    let incarnation = 300;
    let address = Address::new([127, 0, 0, 1], 9094);
    let (node, from) = (name("01M805HCRM4TH246DRHY0VWZZZ"), name("b"));
    let versions = Some(Versions::OURS);
    let meta = b"meta".as_slice().into();
    let source = Some(Address::new([0_u16; 8], 1));
    let indirect = IndirectPing {
        sequence: 70_000,
        target: address,
        node: Some(node.clone()),
        nack: true,
        source,
        source_node: Some(from.clone()),
    };
    let messages = [
        Message::Ping(ping()),
        Message::IndirectPing(indirect),
        Message::Ack(Ack { sequence: 1, payload: Default::default() }),
        Message::Nack(Nack { sequence: 128 }),
        Message::Suspect(Suspect { incarnation, node: node.clone(), from: from.clone() }),
        Message::Alive(Alive { incarnation, node: node.clone(), address, meta, versions }),
        Message::Dead(Dead { incarnation, node, from }),
        Message::User(UserMessage { body: part().encode_to_vec().into() }),
    ];
    let encoded: Vec<_> = messages.iter().map(datagram::encode_message).collect();
    let parts: Vec<_> = encoded.iter().map(Vec::as_slice).collect();
    let mut datagrams = encoded.clone();
    for label in &cluster_labels() {
        for compression in [Compression::None, Compression::Lzw] {
            for checksum in [datagram::Checksum::None, datagram::Checksum::Crc32] {
                let envelope = datagram::Envelope { label, checksum, compression };
                datagrams.extend(datagram::pack(&parts, envelope));
            }
        }
    }
    datagrams
}

/// Every message of streams, as it is and compressed, without and with a label.
pub fn streams() -> Vec<Vec<u8>> {
    let statuses = [NodeStatus::Alive, NodeStatus::Suspect, NodeStatus::Dead, NodeStatus::Left];
    let node = |status| NodeState {
        name: name("01M805HCRM4TH246DRHY0VWZZZ"),
        address: Address::new([127, 0, 0, 1], 9094),
        meta: b"meta".as_slice().into(),
        incarnation: 7,
        status,
        versions: Some(Versions::OURS),
    };
    let messages = [
        StreamMessage::PushPull(PushPull {
            join: true,
            nodes: statuses.map(node).to_vec(),
            user_state: full_state().encode_to_vec().into(),
            skipped: 0,
        }),
        StreamMessage::User(UserMessage { body: part().encode_to_vec().into() }),
        StreamMessage::Ping(ping()),
        StreamMessage::Ack(Ack { sequence: 1, payload: Default::default() }),
        StreamMessage::Error(ErrorReply { text: "why".to_owned() }),
    ];
    let both = [Compression::None, Compression::Lzw];
    let encoded = |message| both.map(|compression| stream::encode(message, compression));
    let contents: Vec<_> = messages.iter().flat_map(encoded).collect();
    let labelled = |label: Label| {
        let header = stream::label_header(&label);
        contents.iter().map(move |content| [header.as_slice(), content].concat())
    };
    cluster_labels().into_iter().flat_map(labelled).collect()
}

/// What is in a user message, and in the user state of a push-pull.
pub fn states() -> Vec<Vec<u8>> {
    vec![part().encode_to_vec(), full_state().encode_to_vec()]
}

pub fn status_broadcasts() -> Vec<Vec<u8>> {
    let status = |wall, claims: &[u64]| {
        StatusBroadcast { from: "b".to_owned(), wall, claims: claims.to_vec() }.encode()
    };
    vec![
        status(at(1_700_000_001), &[]),
        status(at(1_700_003_600), &[1, u64::MAX]),
        status(Timestamp::UNIX_EPOCH, &[2]),
        // The last instant that is taken.
        status(at(253_402_300_799), &[]),
    ]
}

pub fn node_metadata() -> Vec<Vec<u8>> {
    texts(&[
        "bellwether/1\0prod\0f911a43f4cdadc7b\0",
        "bellwether/1\0\x000000000000000abc\0",
        "bellwether/1\0\0x\x000\0more\0",
    ])
}

fn full_state() -> FullState {
    let log = Part { key: "nfl".to_owned(), data: log_file().into() };
    FullState { parts: vec![log, part()] }
}

fn part() -> Part {
    Part { key: "sil".to_owned(), data: silences_file().into() }
}

fn ping() -> Ping {
    Ping {
        sequence: 1,
        node: Some(name("a")),
        source: Some(Address::new([127, 0, 0, 1], 9094)),
        source_node: Some(name("b")),
    }
}

fn name(name: &str) -> NodeName {
    NodeName::new(name).expect("names of the corpus are short")
}

pub fn templates() -> Vec<Vec<u8>> {
    texts(&[
        r#"{{define "t"}}[{{.}}]{{end}}{{range $i, $e := .list}}{{if $i}}, {{end}}{{template "t" $e}}{{else}}none{{end}}"#,
        r#"{{- with $x := .map}}{{$x.key | printf "%5.2f|%-8v|%q" 1.5 "a"}}{{else with .name}}{{.}}{{end -}} {{/* note */}}"#,
        r#"{{$n := 0}}{{range 5}}{{if eq . 3}}{{break}}{{else if lt . 1}}{{continue}}{{end}}{{$n = .}}{{end}}{{and $n (or 0 "x") (not nil)}}"#,
        r#"{{index .list 0}}{{slice .name 1 3}}{{len .map}}{{html .name}}{{js .name}}{{urlquery .name}}{{(index .list 1)}}{{'c'}}{{`raw`}}{{0x1p-2}}{{1i}}"#,
        r#"<a href="/x?{{.name}}" title='{{.name}}' onclick="f({{.map}})">{{.name}}</a><!-- c --><script>x = "{{.name}}"; /* c */ y = {{.list}} / 2; `a${ {{.name}} }`</script>"#,
        r#"<style>p { color: {{.name}}; background: url("{{.name}}") }</style><img srcset="{{.name}}" alt={{.name}} {{.name}}><title>{{.name}}</title>{{block "b" .list}}{{range .}}<b>{{.}}</b>{{end}}{{end}}"#,
    ])
}

/// Two silences as the Go server's file holds them.
fn silences_file() -> Vec<u8> {
    let mut file = Vec::new();
    for text in [r#"team="web",host=~"a.*""#, r#"a!="b""#] {
        let parsed = parse_matchers(text, MatcherMode::Fallback).expect("the matchers are good");
        let silence = bellwether_model::Silence {
            id: "6cbbb7ba-8a3b-4a1f-9d6b-1d3f5a7f0001".to_owned(),
            matcher_sets: vec![parsed.into_set().value],
            starts_at: at(1_700_000_000),
            ends_at: at(1_700_003_600),
            updated_at: at(1_700_000_000),
            created_by: "me".to_owned(),
            comment: "why".to_owned(),
            annotations: [("ticket".to_owned(), "1".to_owned())].into_iter().collect(),
        };
        wire::append_message(&mut file, &wire::encode_silence(&silence, at(1_700_100_000)));
    }
    file
}

/// One entry of the notification log, written byte by byte: field, length, content.
fn log_file() -> Vec<u8> {
    let field = |number: u8, content: &[u8]| {
        let length = u8::try_from(content.len()).expect("contents of the corpus are short");
        [&[number << 3 | 2, length], content].concat()
    };
    let time = [&[1 << 3], [0x80, 0xe2, 0xcf, 0xaa, 0x06].as_slice()].concat();
    let receiver = [field(1, b"team"), field(2, b"webhook"), vec![3 << 3, 1]].concat();
    let value = [field(1, b"thread"), field(2, &field(1, b"123"))].concat();
    let entry = [
        field(1, br#"{}:{alertname="Full"}"#),
        field(2, &receiver),
        field(5, &time),
        field(6, &[1, 2, 0xff, 0x7f]),
        field(7, &[3]),
        field(8, &value),
    ]
    .concat();
    let message = [field(1, &entry), field(2, &time)].concat();
    let mut file = Vec::new();
    wire::append_message(&mut file, &message);
    wire::append_message(&mut file, &message);
    file
}

fn alert() -> Alert {
    Alert {
        fingerprint: labels().fingerprint(),
        labels: labels(),
        annotations: LabelSet::new([("summary", "a <b> & c")]),
        generator_url: "http://prometheus.example/".into(),
        starts_at: at(1_700_000_000),
        ends_at: at(1_700_003_600).with_offset_minutes(120),
        updated_at: at(1_700_000_001),
        timed_out: true,
        late_by_s: 0,
    }
}

fn labels() -> LabelSet {
    LabelSet::new([("alertname", "Full"), ("instance", "a:9100"), ("ü", "🔔")])
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds, 1)
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

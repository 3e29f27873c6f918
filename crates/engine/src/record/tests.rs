use std::sync::Arc;

use bellwether_model::delivery::RememberedValue;
use bellwether_model::{
    Alert, Fingerprint, GroupKey, IntegrationId, LabelSet, Matcher, Matchers, Op, Remembered,
    Silence, Timestamp,
};

use super::{GroupName, GroupRecord, Record, SilenceRecord, wire};
use crate::replicated::{LogEntry, LogKey, Notified};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(1_767_614_400 + seconds, 5)
}

fn alert() -> Record {
    let labels = LabelSet::new([("alertname", "Disk"), ("host", "a\u{e9}")]);
    let alert = Alert {
        fingerprint: labels.fingerprint(),
        labels,
        annotations: LabelSet::new([("summary", "full")]),
        generator_url: "http://p/".into(),
        starts_at: at(0).with_offset_minutes(60),
        ends_at: at(300),
        updated_at: at(1),
        timed_out: true,
        late_by_s: 0,
    };
    Record::Alert { alert: Arc::new(alert), ended: false }
}

fn alert_of_late_clock() -> Record {
    let Record::Alert { alert, ended } = alert() else { unreachable!("it is an alert") };
    let alert = Alert { late_by_s: 10_560, ..(*alert).clone() };
    Record::Alert { alert: Arc::new(alert), ended }
}

fn resolved_alert() -> Record {
    let Record::Alert { alert, .. } = alert() else { unreachable!("it is an alert") };
    let alert = Alert { timed_out: false, ..(*alert).clone() };
    Record::Alert { alert: Arc::new(alert), ended: true }
}

fn group() -> Record {
    let labels = LabelSet::new([("alertname", "Disk")]);
    let labels = labels.packed().to_owned();
    let name = GroupName { route: "{}".to_owned(), receiver: "team".to_owned(), labels };
    Record::Group(GroupRecord { name, due: at(30), suppressed_until: Some(at(20)) })
}

fn silence() -> Record {
    let matcher = |name, op, value| Matcher::new(name, op, value).expect("a valid matcher");
    let silence = Silence {
        id: "778b5f1b-a685-499b-931f-c709ec67bce1".to_owned(),
        matcher_sets: vec![
            Matchers(vec![matcher("b", Op::Equal, "x"), matcher("a", Op::NotMatches, "y.*")]),
            Matchers(vec![matcher("c", Op::Matches, "z|"), matcher("d", Op::NotEqual, "")]),
        ],
        starts_at: at(0),
        ends_at: at(100),
        updated_at: at(2),
        created_by: "me".to_owned(),
        comment: "why".to_owned(),
        annotations: [("ticket".to_owned(), "7".to_owned())].into(),
    };
    Record::Silence(SilenceRecord { silence: Arc::new(silence), expires_at: at(500), wire: None })
}

fn notified() -> Record {
    let remembered = [
        ("thread".to_owned(), RememberedValue::Text("7".to_owned())),
        ("count".to_owned(), RememberedValue::Integer(-3)),
        ("share".to_owned(), RememberedValue::Number(0.5)),
    ];
    Record::LogEntry(LogEntry {
        key: LogKey {
            group: GroupKey::from_text(r#"{}:{alertname="Disk"}"#),
            integration: IntegrationId {
                receiver: "team".into(),
                kind: "webhook".into(),
                index: 1,
            },
        },
        notified: Notified {
            firing: vec![1, u64::MAX],
            resolved: vec![3],
            resolve_pending: vec![4],
            muted: vec![2, 5],
        },
        at: at(3),
        expires_at: at(600),
        remembered: Remembered(remembered.into()),
        wire: None,
    })
}

#[test]
fn every_record_comes_back_as_it_was() {
    let records =
        [alert(), alert_of_late_clock(), resolved_alert(), group(), silence(), notified()];
    for record in records {
        let (key, value) = record.encode();
        let value = value.expect("the record has a value");
        let read = Record::decode(&key, &value).expect("what was written can be read");
        assert_eq!(format!("{read:?}"), format!("{record:?}"));
        assert_eq!(read.encode(), (key, Some(value)));
    }
}

#[test]
fn the_end_of_a_record_has_the_key_of_the_record() {
    let gone = |record: &Record| match record {
        Record::Alert { alert, .. } => Record::AlertGone(alert.fingerprint),
        Record::Group(group) => Record::GroupGone(group.name.clone()),
        Record::Silence(version) => Record::SilenceGone(version.silence.id.clone()),
        Record::LogEntry(entry) => Record::LogEntryGone(entry.key.clone()),
        other => other.clone(),
    };
    for record in [alert(), group(), silence(), notified()] {
        let (key, value) = gone(&record).encode();
        assert_eq!((key, value), (record.encode().0, None));
    }
}

#[test]
fn damaged_bytes_are_an_error_or_a_record_and_never_a_panic() {
    let mut errors = 0;
    for record in [alert(), alert_of_late_clock(), group(), silence(), notified()] {
        let (key, value) = record.encode();
        let value = value.expect("the record has a value");
        for length in 0..value.len() {
            errors += usize::from(Record::decode(&key, &value[..length]).is_err());
        }
        for place in 0..value.len() * 8 {
            let mut damaged = value.clone();
            damaged[place / 8] ^= 1 << (place % 8);
            match Record::decode(&key, &damaged) {
                // What is read can be written.
                Ok(read) => assert!(read.encode().1.is_some()),
                Err(error) => {
                    assert!(error.to_string().starts_with("invalid "), "{error}");
                    errors += 1;
                }
            }
        }
    }
    assert!(errors > 500, "only {errors} damages were noticed");
}

#[test]
fn cut_off_values_of_our_own_kinds_are_errors() {
    for record in [alert(), group()] {
        let (key, value) = record.encode();
        let value = value.expect("the record has a value");
        for length in 0..value.len() {
            assert!(Record::decode(&key, &value[..length]).is_err(), "at {length}");
        }
        let longer = [value.as_slice(), b"x"].concat();
        let error = Record::decode(&key, &longer).expect_err("there is one byte too many");
        assert!(error.to_string().ends_with("bytes behind the end"), "{error}");
        let mut newer = value.clone();
        newer[0] = 99;
        let error = Record::decode(&key, &newer).expect_err("version 99 is unknown");
        assert!(error.to_string().contains("version 99 is not known"), "{error}");
    }
    assert!(Record::decode(b"x", b"").is_err(), "there is no kind x");
    assert!(Record::decode(b"", b"").is_err(), "there is no kind at all");
}

/// The bytes that docs/disk.md shows.
#[test]
fn a_group_has_the_bytes_of_the_document() {
    let name = GroupName {
        route: "{}".to_owned(),
        receiver: "team".to_owned(),
        labels: LabelSet::new([("job", "db")]).packed().to_owned(),
    };
    let due = Timestamp::from_unix(1_767_614_430, 0);
    let (key, value) = Record::Group(GroupRecord { name, due, suppressed_until: None }).encode();
    assert_eq!(hex(&key), "677b7dff7465616dff036a6f62026462ff");
    let expected = [
        "01",
        "dea75b6900000000 00000000 0000",
        "00",
        "NOT SET",
        "02000000 7b7d",
        "04000000 7465616d",
        "07000000 036a6f62026462",
    ];
    // Year 1 stands for no time.
    let expected = expected.concat().replace("NOT SET", "00096e88f1ffffff 00000000 0000");
    assert_eq!(hex(&value.expect("a group has a value")), expected.replace(' ', ""));
}

#[test]
fn an_alert_has_the_bytes_of_the_document() {
    let labels = LabelSet::new([("job", "db")]);
    let alert = Alert {
        fingerprint: Fingerprint(labels.fingerprint().0),
        labels,
        annotations: LabelSet::default(),
        generator_url: "".into(),
        starts_at: Timestamp::from_unix(1, 2).with_offset_minutes(60),
        ends_at: Timestamp::from_unix(3, 0),
        updated_at: Timestamp::from_unix(4, 0),
        timed_out: true,
        late_by_s: 0,
    };
    let (key, value) = Record::Alert { alert: Arc::new(alert), ended: true }.encode();
    assert_eq!(key.len(), 9);
    assert_eq!(key[0], b'a');
    let expected = [
        "01 03",
        "0100000000000000 02000000 3c00",
        "0300000000000000 00000000 0000",
        "0400000000000000 00000000 0000",
        "07000000 036a6f62026462",
        "00000000",
        "00000000",
    ];
    let value = hex(&value.expect("an alert has a value"));
    assert_eq!(value, expected.concat().replace(' ', ""));
}

#[test]
fn files_of_the_go_alertmanager_are_read() {
    let silences = include_bytes!("../../tests/fixtures/alertmanager-0.25/silences");
    let messages: Vec<&[u8]> =
        wire::split_messages(silences).map(|message| message.expect("a whole message")).collect();
    assert_eq!(messages.len(), 1);
    let version = wire::decode_silence(messages[0]).expect("a silence");
    let (silence, expires_at) = (version.silence, version.expires_at);
    assert_eq!(silence.id.len(), 36);
    assert_eq!(
        (silence.created_by.as_str(), silence.comment.as_str()),
        ("somebody", "a gr\u{fc}\u{df}e")
    );
    assert_eq!(format!("{:?}", silence.matcher_sets), r#"[{host="a",job!~"x|y"}]"#);
    assert_eq!(silence.ends_at.rfc3339_nanos(), "2040-01-01T00:00:00Z");
    assert_eq!(expires_at.since(silence.ends_at).as_secs(), 120 * 3600);

    let log = include_bytes!("../../tests/fixtures/alertmanager-0.25/nflog");
    let messages: Vec<&[u8]> =
        wire::split_messages(log).map(|message| message.expect("a whole message")).collect();
    assert_eq!(messages.len(), 1);
    let entry = wire::decode_entry(messages[0]).expect("an entry");
    assert_eq!(entry.key.group.as_str(), r#"{}:{alertname="Disk"}"#);
    assert_eq!(entry.key.integration.to_string(), "team/webhook[0]");
    let resolved = LabelSet::new([("alertname", "Disk"), ("host", "b")]).log_hash();
    assert_eq!(entry.notified, Notified { resolved: vec![resolved], ..Notified::default() });

    // Written again, the log is the same file.
    let mut file = Vec::new();
    wire::append_message(&mut file, &wire::encode_entry(&entry));
    assert_eq!(file, log);
}

#[test]
fn a_damaged_file_ends_with_one_error() {
    let log = include_bytes!("../../tests/fixtures/alertmanager-0.25/nflog");
    let twice = [log.as_slice(), &log[..log.len() - 1]].concat();
    let read: Vec<bool> = wire::split_messages(&twice).map(|message| message.is_ok()).collect();
    assert_eq!(read, [true, false]);
    let huge = [0xff, 0xff, 0xff, 0xff, 0x0f, 1];
    let read: Vec<bool> = wire::split_messages(&huge).map(|message| message.is_ok()).collect();
    assert_eq!(read, [false]);
}

#[test]
fn a_silence_with_a_set_that_matches_everything_is_refused() {
    let Record::Silence(version) = silence() else { panic!("a silence") };
    let mut all = Silence::clone(&version.silence);
    all.matcher_sets.push(Matchers(Vec::new()));
    let error = wire::decode_silence(&wire::encode_silence(&all, at(9))).unwrap_err();
    assert_eq!(error.what, "silence");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_silence_with_fields_of_a_newer_program_is_kept_as_it_came() {
    let (_, value) = silence().encode();
    let value = value.expect("the record has a value");
    // Field 2000, a varint.
    let newer: Vec<u8> = value.iter().copied().chain([0x80, 0x7d, 7]).collect();
    let version = wire::decode_silence(&newer).expect("unknown fields are passed over");
    assert_eq!(version.encode(), newer);
    assert_eq!(wire::decode_silence(&value).expect("it can be read").wire, None);
}

#[test]
fn a_message_of_a_file_may_have_four_mebibytes() {
    let first = |bytes: usize| {
        let mut file = Vec::new();
        wire::append_message(&mut file, &vec![0; bytes]);
        let first = wire::split_messages(&file).next().expect("there is one");
        first.map(<[u8]>::len).map_err(|error| error.to_string())
    };
    let max = 4 * 1024 * 1024;
    assert_eq!(first(max), Ok(max));
    let refused = first(max + 1).expect_err("it is larger");
    assert!(refused.contains("limit: 4194304"), "{refused}");
}

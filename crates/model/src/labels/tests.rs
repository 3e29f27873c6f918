use super::LabelSet;

fn set(pairs: &[(&str, &str)]) -> LabelSet {
    LabelSet::new(pairs.iter().copied())
}

#[test]
fn hashes_equal_the_go_ones() {
    let cases = [
        (set(&[]), "cbf29ce484222325", 17_241_709_254_077_376_921),
        (set(&[("alertname", "X")]), "d2aeefc389ca7746", 2_640_398_321_512_811_088),
        (
            set(&[("instance", "h1:9090"), ("alertname", "HighLatency"), ("cluster", "aa")]),
            "fa914cec24954536",
            10_468_151_712_347_347_869,
        ),
    ];
    for (labels, fingerprint, log_hash) in cases {
        assert_eq!(labels.fingerprint().to_string(), fingerprint);
        assert_eq!(labels.log_hash(), log_hash);
    }
}

#[test]
fn pairs_come_back_sorted_and_the_later_of_two_wins() {
    let labels = set(&[("b", "2"), ("a", "1"), ("b", "3"), ("é", "日本")]);
    assert_eq!(labels.to_string(), r#"{a="1", b="3", é="日本"}"#);
    assert_eq!(labels.get("b"), Some("3"));
    assert_eq!(labels.get("c"), None);
    assert_eq!(labels.value("c"), "");
    assert_eq!(labels.iter().count(), 3);
}

#[test]
fn lengths_of_every_size_survive_packing() {
    for length in [0, 1, 63, 64, 65, 4095, 4096, 300_000] {
        let value = "x".repeat(length);
        let labels = set(&[("name", &value), ("zz", "after")]);
        assert_eq!(labels.get("name").map(str::len), Some(length));
        assert_eq!(labels.get("zz"), Some("after"));
        assert_eq!(LabelSet::from_packed(labels.packed()), Some(labels));
    }
}

#[test]
fn a_damaged_packing_is_refused() {
    let good = set(&[("a", "1"), ("b", "2")]);
    let packed = good.packed();
    for end in 1..packed.len() {
        let cut = LabelSet::from_packed(&packed[..end]);
        assert!(cut.is_none() || cut == Some(set(&[("a", "1")])), "cut at {end}");
    }
    let reversed = format!("{}{}", set(&[("b", "2")]).packed(), set(&[("a", "1")]).packed());
    assert_eq!(LabelSet::from_packed(&reversed), None);
    assert_eq!(LabelSet::from_packed("\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}"), None);
}

#[test]
fn fewer_labels_come_first_in_the_go_order() {
    let mut sets = [
        set(&[("a", "2")]),
        set(&[("a", "1"), ("b", "1")]),
        set(&[("b", "0")]),
        set(&[("a", "1")]),
    ];
    sets.sort_by(LabelSet::order);
    let texts: Vec<String> = sets.iter().map(ToString::to_string).collect();
    assert_eq!(texts, [r#"{b="0"}"#, r#"{a="1"}"#, r#"{a="2"}"#, r#"{a="1", b="1"}"#]);
}

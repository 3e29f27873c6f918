use bellwether_model::MatcherMode;
use bellwether_model::regex::Pattern;

use super::{FILTERS_MAX, Query};

#[test]
fn pairs_are_decoded_and_broken_ones_are_dropped() {
    let query = Query::parse(Some("a=1+2%203&a=%zz&a=x;y&&b&%61=%C3%A9&a=%ff&a=%4"));
    assert_eq!(query.all("a").collect::<Vec<_>>(), ["1 2 3", "é", "\u{fffd}"]);
    assert_eq!(query.all("b").collect::<Vec<_>>(), [""]);
    assert_eq!(Query::parse(None).all("a").count(), 0);
}

#[test]
fn booleans_never_fail() {
    let flag = |raw| Query::parse(Some(raw)).flag("f");
    for raw in ["", "f=", "f", "f=true", "f=YES", "f=T", "f=Enabled", "f=0&f=1", "g=0"] {
        assert!(flag(raw), "{raw}");
    }
    for raw in ["f=false", "f=0", "f=nope", "f=2", "f=1&f=0", "f=truee"] {
        assert!(!flag(raw), "{raw}");
    }
}

#[test]
fn receiver_patterns_are_anchored_and_an_empty_one_matches_all() {
    let receivers =
        |raw| Query::parse(Some(raw)).receivers(MatcherMode::Fallback, &mut Pattern::anchored);
    let (filter, warnings) = receivers("receiver=te.m").expect("a pattern");
    let name = filter.name.expect("a name");
    assert!(name.is_match("team") && !name.is_match("teams"));
    assert!(warnings.is_empty());
    assert!(receivers("receiver=").expect("nothing").0.name.is_none());
    assert!(receivers("receiver=(").is_err());
    assert!(receivers("receiver_matchers=x").is_err());
}

#[test]
fn the_number_of_matchers_is_limited() {
    let read = |count: usize| {
        let raw = "filter=a%3Db&".repeat(count);
        Query::parse(Some(&raw)).filters("filter", MatcherMode::Utf8, &mut Pattern::anchored)
    };
    assert_eq!(read(FILTERS_MAX).expect("allowed").matchers.len(), FILTERS_MAX);
    assert_eq!(read(129).expect_err("refused"), "too many matchers: 129 (limit: 128)");
}

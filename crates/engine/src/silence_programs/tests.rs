use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::regex::Pattern;
use bellwether_model::{Matcher, Matchers, Mono, Op, Silence, Timestamp};

use super::{SMALL_BYTES, SilencePrograms};

fn silence(pattern: &str) -> Silence {
    let matcher = Matcher::compiled_by("a", Op::Matches, pattern, &mut Pattern::uncompiled);
    let matcher = matcher.expect("a valid pattern");
    Silence {
        id: "s".to_owned(),
        matcher_sets: vec![Matchers(vec![matcher])],
        starts_at: Timestamp::UNIX_EPOCH,
        ends_at: Timestamp::MAX,
        updated_at: Timestamp::UNIX_EPOCH,
        created_by: String::new(),
        comment: String::new(),
        annotations: BTreeMap::new(),
    }
}

#[test]
fn large_programs_leave_room_to_small_ones_and_none_exceeds_the_limit() {
    let mut programs = SilencePrograms::new(16 << 20);
    let (mut built, mut refused) = (0, 0);
    for number in 100..140 {
        match programs.compile(&silence(&format!(r"\pL{{{number}}}!"))) {
            Some(bytes) => {
                assert!(bytes > SMALL_BYTES);
                built += 1;
                programs.add(&Arc::from(number.to_string()), bytes);
            }
            None => refused += 1,
        }
        assert!(programs.used <= 16 << 20);
    }
    assert!(built > 0 && refused > 20, "{built} built, {refused} refused");
    let bytes = programs.compile(&silence("(a|b)+c")).expect("a small one");
    assert!(bytes > 0 && bytes < SMALL_BYTES);

    assert!(programs.forget("100") && !programs.forget("100"));
    assert!(programs.compile(&silence(r"\pL{100}!")).is_some(), "there is room again");
}

#[test]
fn what_large_programs_cost_is_followed_by_a_pause() {
    let mut programs = SilencePrograms::new(0);
    programs.wait("a".into());
    programs.wait("b".into());
    assert_eq!(programs.next(Mono(7)).as_deref(), Some("a"));
    programs.pause(Mono(7), 16 << 20);
    assert_eq!(programs.next(Mono(8)), None);
    let at = programs.next_at().expect("one waits");
    assert!(at.since(Mono(7)).as_millis() > 100);
    assert_eq!(programs.next(at).as_deref(), Some("b"));
    assert_eq!(programs.next_at(), None);
}

use bytes::Bytes;
use proptest::prelude::*;

use super::{FullState, PARTS_MAX, Part};
use crate::wire::WireError;

fn part(key: &str, data: &'static [u8]) -> Part {
    Part { key: key.to_owned(), data: Bytes::from_static(data) }
}

#[test]
fn two_empty_states_are_the_bytes_that_alertmanagers_send() {
    let state = FullState { parts: vec![part("nfl", b""), part("sil", b"")] };
    let bytes = b"\x0a\x05\x0a\x03nfl\x0a\x05\x0a\x03sil";
    assert_eq!(state.encode_to_vec(), bytes);
    assert_eq!(FullState::decode(Bytes::from_static(bytes)), Ok(state));
}

#[test]
fn unknown_fields_are_passed_over() {
    // Field 7 as a number, then a part with a field 3 of two bytes.
    let bytes = b"\x38\x05\x0a\x0c\x0a\x03sil\x1a\x02xx\x12\x01y";
    let state = FullState { parts: vec![part("sil", b"y")] };
    assert_eq!(FullState::decode(Bytes::from_static(bytes)), Ok(state));
}

#[test]
fn a_state_of_very_many_parts_is_refused() {
    let many = Bytes::from(b"\x0a\x00".repeat(PARTS_MAX));
    assert_eq!(FullState::decode(many).map(|state| state.parts.len()), Ok(PARTS_MAX));
    let too_many = Bytes::from(b"\x0a\x00".repeat(PARTS_MAX + 1));
    assert!(matches!(FullState::decode(too_many), Err(WireError::TooLarge { .. })));
}

#[test]
fn a_part_that_claims_more_than_there_is_is_refused() {
    for bytes in [&b"\x0a\x05\x0a"[..], b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"] {
        let decoded = FullState::decode(Bytes::copy_from_slice(bytes));
        assert_eq!(decoded, Err(WireError::Malformed { what: "a full state" }));
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(parts in prop::collection::vec(
        (".{0,8}", prop::collection::vec(any::<u8>(), 0..64)),
        0..5,
    )) {
        let parts = parts.into_iter().map(|(key, data)| Part { key, data: data.into() }).collect();
        let state = FullState { parts };
        prop_assert_eq!(FullState::decode(state.encode_to_vec().into()), Ok(state.clone()));
        for part in state.parts {
            prop_assert_eq!(Part::decode(part.encode_to_vec().into()), Ok(part));
        }
    }

    #[test]
    fn no_bytes_bring_it_down(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        let bytes = Bytes::from(bytes);
        if let Ok(state) = FullState::decode(bytes.clone()) {
            prop_assert_eq!(FullState::decode(state.encode_to_vec().into()), Ok(state));
        }
        if let Ok(part) = Part::decode(bytes) {
            prop_assert_eq!(Part::decode(part.encode_to_vec().into()), Ok(part));
        }
    }
}

use proptest::prelude::*;

use super::{Inflater, compress, decompress};
use crate::wire::WireError;
use crate::wire::body;
use crate::wire::msgpack::MsgpackReader;

const PLAIN: &[u8] = include_bytes!("../../../tests/vectors/lzw_big_plain.bin");
/// A compress frame with the same, as Go has written it; its table is full more than once.
const FROM_GO: &[u8] = include_bytes!("../../../tests/vectors/lzw_big_go_compress_msg.bin");

fn from_go() -> Vec<u8> {
    let (_, body) = FROM_GO.split_first().expect("a type stands before it");
    body::read_compressed(&mut MsgpackReader::new(body, "test"))
        .expect("it is a frame")
        .into_owned()
}

fn decompress_in_pieces(bytes: &[u8], piece_bytes: usize) -> Result<Vec<u8>, WireError> {
    let mut inflater = Inflater::new(1 << 20);
    let mut out = Vec::new();
    let mut piece = [0; 11];
    for mut bytes in bytes.chunks(piece_bytes) {
        loop {
            let piece = inflater.read(&mut bytes, &mut piece)?;
            if piece.is_empty() {
                break;
            }
            out.extend_from_slice(piece);
        }
    }
    assert!(inflater.has_ended());
    Ok(out)
}

#[test]
fn what_go_has_compressed_is_undone() {
    assert!(decompress(&from_go(), PLAIN.len()).as_deref() == Ok(PLAIN));
    assert!(decompress_in_pieces(&from_go(), 5).as_deref() == Ok(PLAIN));
}

#[test]
fn short_data_is_compressed_as_go_does_it() {
    assert_eq!(compress(b""), [0x00, 0x03, 0x02]);
    assert_eq!(compress(b"\x06"), [0x00, 0x0d, 0x04, 0x04]);
}

#[test]
fn the_code_that_clears_the_table_may_be_missing_at_the_start() {
    // The literal 6 and the end, nine bits each, without 256 before them.
    let codes = 6_u32 | 257 << 9;
    let (bytes, _) =
        codes.to_le_bytes().split_first_chunk::<3>().map(|(b, r)| (*b, r.len())).unwrap();
    assert_eq!(decompress(&bytes, 10), Ok(vec![6]));
}

#[test]
fn codes_after_a_cleared_table_are_not_left_behind() {
    // Clear, clear, the literal 6, the end: nine bits each, all read at once.
    let codes = 256_u64 | 256 << 9 | 6 << 18 | 257 << 27;
    assert_eq!(decompress(&codes.to_le_bytes(), 10), Ok(vec![6]));
    assert_eq!(decompress_in_pieces(&codes.to_le_bytes(), 1), Ok(vec![6]));
}

#[test]
fn the_limit_is_kept_to_the_byte() {
    let bytes = compress(&[7; 1000]);
    assert_eq!(decompress(&bytes, 1000), Ok(vec![7; 1000]));
    let error = WireError::TooLarge { what: "decompressed data", limit: 999 };
    assert_eq!(decompress(&bytes, 999), Err(error));
}

#[test]
fn data_without_its_end_is_truncated() {
    let bytes = from_go();
    let cut = bytes.get(..bytes.len() - 2).unwrap();
    assert_eq!(decompress(cut, PLAIN.len()), Err(WireError::Truncated { what: "compressed data" }));
    assert_eq!(decompress(b"", 1), Err(WireError::Truncated { what: "compressed data" }));
}

proptest! {
    #[test]
    fn what_is_compressed_is_undone(
        bytes in prop::collection::vec(any::<u8>(), 0..9000),
        piece_bytes in 1..50_usize,
    ) {
        let compressed = compress(&bytes);
        prop_assert_eq!(decompress(&compressed, bytes.len()), Ok(bytes.clone()));
        prop_assert_eq!(decompress_in_pieces(&compressed, piece_bytes), Ok(bytes));
    }

    #[test]
    fn no_bytes_bring_it_down(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(out) = decompress(&bytes, 1000) {
            prop_assert!(out.len() <= 1000);
        }
    }
}

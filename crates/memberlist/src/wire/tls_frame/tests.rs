use bytes::Bytes;
use proptest::prelude::*;

use super::{FRAME_BYTES_MAX, TlsFrame, TlsFrameReader};
use crate::message::Address;
use crate::wire::WireError;

fn packet(datagram: &'static [u8]) -> TlsFrame {
    let from = Address::new([127, 0, 0, 21], 9094);
    TlsFrame::Packet { from, datagram: Bytes::from_static(datagram) }
}

fn read(reader: &mut TlsFrameReader, bytes: &[u8]) -> Vec<TlsFrame> {
    reader.push(bytes);
    std::iter::from_fn(|| reader.next_frame().expect("the frame is good")).collect()
}

#[test]
fn a_stream_is_announced_by_twelve_bytes() {
    assert_eq!(TlsFrame::Stream.encode(), b"\x08\0\0\0\x0a\x06v0.1.0");
}

#[test]
fn frames_are_read_however_they_are_cut_and_joined() {
    let frames = vec![packet(b"one"), packet(b""), packet(b"three"), TlsFrame::Stream];
    let mut bytes: Vec<u8> = frames.iter().flat_map(TlsFrame::encode).collect();
    bytes.extend(b"\x06stream");
    let mut whole = TlsFrameReader::default();
    assert_eq!(read(&mut whole, bytes.get(..bytes.len() - 7).unwrap()), frames);
    let mut cut = TlsFrameReader::default();
    let read: Vec<_> = bytes
        .get(..bytes.len() - 7)
        .unwrap()
        .iter()
        .flat_map(|byte| read(&mut cut, &[*byte]))
        .collect();
    assert_eq!(read, frames);
    cut.push(b"\x06stream");
    assert_eq!(cut.take_rest(), b"\x06stream".as_slice());
}

#[test]
fn a_frame_of_another_version_is_refused() {
    let mut reader = TlsFrameReader::default();
    reader.push(b"\x08\0\0\0\x0a\x06v0.2.0");
    assert_eq!(reader.next_frame(), Err(WireError::Malformed { what: "a TLS frame" }));
}

#[test]
fn a_frame_that_claims_too_much_is_refused_before_it_comes() {
    let mut reader = TlsFrameReader::default();
    reader.push(b"\xff\xff\xff\x7f");
    let expected = WireError::TooLarge { what: "a TLS frame", limit: FRAME_BYTES_MAX };
    assert_eq!(reader.next_frame(), Err(expected));
}

proptest! {
    #[test]
    fn no_bytes_bring_it_down(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut reader = TlsFrameReader::default();
        reader.push(&bytes);
        while let Ok(Some(frame)) = reader.next_frame() {
            let mut again = TlsFrameReader::default();
            again.push(&frame.encode());
            prop_assert_eq!(again.next_frame(), Ok(Some(frame)));
        }
    }
}

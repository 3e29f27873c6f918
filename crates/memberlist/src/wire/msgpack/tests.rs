use super::{MsgpackReader, MsgpackWriter};
use crate::wire::WireError;

fn reader(bytes: &[u8]) -> MsgpackReader<'_> {
    MsgpackReader::new(bytes, "a test")
}

const MALFORMED: WireError = WireError::Malformed { what: "a test" };
const TRUNCATED: WireError = WireError::Truncated { what: "a test" };

/// The fields of a structure with one number `A` and one string `B`, declared in that order.
fn fields(bytes: &[u8]) -> Result<(u16, Vec<u8>), WireError> {
    let (mut a, mut b) = (0, Vec::new());
    let mut reader = reader(bytes);
    reader.fields(&["A", "B"], |name, value| {
        match name {
            "A" => a = value.unsigned()?,
            "B" => b = value.bytes()?.into_owned(),
            _ => value.skip()?,
        }
        Ok(())
    })?;
    assert_eq!(reader.rest(), [], "all is used");
    Ok((a, b))
}

#[test]
fn integers_of_both_families_are_read() {
    let cases: &[(&[u8], u64)] = &[
        (b"\x00", 0),
        (b"\x7f", 127),
        (b"\xcc\xff", 255),
        (b"\xcd\x01\x02", 258),
        (b"\xce\x01\x02\x03\x04", 0x0102_0304),
        (b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", u64::MAX),
        (b"\xd0\x7f", 127),
        (b"\xd1\x7f\xff", 32_767),
        (b"\xd2\x7f\xff\xff\xff", 0x7fff_ffff),
        (b"\xd3\x7f\xff\xff\xff\xff\xff\xff\xff", i64::MAX as u64),
        (b"\xc0", 0),
    ];
    for (bytes, value) in cases {
        assert_eq!(reader(bytes).unsigned(), Ok(*value), "{bytes:02x?}");
    }
}

#[test]
fn negative_and_too_large_integers_are_refused() {
    for bytes in [&b"\xff"[..], b"\xe0", b"\xd0\x80", b"\xd1\xff\xff", b"\xd2\x80\0\0\0"] {
        assert_eq!(reader(bytes).unsigned::<u32>(), Err(MALFORMED), "{bytes:02x?}");
    }
    assert_eq!(reader(b"\xce\0\x01\0\0").unsigned::<u16>(), Err(MALFORMED));
    assert_eq!(reader(b"\xcd\xff\xff").unsigned::<u16>(), Ok(65_535));
}

#[test]
fn strings_and_bytes_of_every_family_are_read() {
    let cases: &[&[u8]] = &[
        b"\xa2hi",
        b"\xd9\x02hi",
        b"\xda\0\x02hi",
        b"\xdb\0\0\0\x02hi",
        b"\xc4\x02hi",
        b"\xc5\0\x02hi",
        b"\xc6\0\0\0\x02hi",
        b"\x92\x68\xcc\x69",
        b"\xdc\0\x02\x68\x69",
    ];
    for bytes in cases {
        assert_eq!(reader(bytes).bytes().as_deref(), Ok(b"hi".as_slice()), "{bytes:02x?}");
    }
    assert_eq!(reader(b"\xc0").bytes().as_deref(), Ok(b"".as_slice()));
    assert_eq!(reader(b"\x91\xcd\x01\0").bytes(), Err(MALFORMED), "256 is no byte");
    assert_eq!(reader(b"\x05").bytes(), Err(MALFORMED));
}

#[test]
fn booleans_may_be_numbers() {
    let cases = [(0xc0, false), (0xc2, false), (0xc3, true), (0, false), (1, true)];
    for (byte, value) in cases {
        assert_eq!(reader(&[byte]).bool(), Ok(value), "{byte:02x}");
    }
    assert_eq!(reader(b"\x02").bool(), Err(MALFORMED));
}

#[test]
fn structures_are_maps_or_arrays_or_nil() {
    let expected = Ok((5, b"x".to_vec()));
    assert_eq!(fields(b"\x82\xa1A\x05\xa1B\xa1x"), expected);
    assert_eq!(fields(b"\x82\xa1B\xa1x\xa1A\x05"), expected, "in any order");
    assert_eq!(fields(b"\xde\0\x02\xa1A\x05\xa1B\xa1x"), expected);
    assert_eq!(fields(b"\xdf\0\0\0\x02\xd9\x01A\x05\xda\0\x01B\xa1x"), expected);
    assert_eq!(fields(b"\x92\x05\xa1x"), expected);
    assert_eq!(fields(b"\x93\x05\xa1x\x07"), expected, "one more than was declared");
    assert_eq!(fields(b"\x91\x05"), Ok((5, Vec::new())), "one fewer");
    assert_eq!(fields(b"\xc0"), Ok((0, Vec::new())));
    assert_eq!(fields(b"\x80"), Ok((0, Vec::new())));
    assert_eq!(fields(b"\xa1A"), Err(MALFORMED));
}

#[test]
fn unknown_keys_are_skipped_whatever_they_hold() {
    let values: &[&[u8]] = &[
        b"\xc0",
        b"\xff",
        b"\xca\0\0\0\0",
        b"\xcb\0\0\0\0\0\0\0\0",
        b"\xd4\x01x",
        b"\xd8\x010123456789abcdef",
        b"\xc7\x02\x01xy",
        b"\xc8\0\x01\x01x",
        b"\xc9\0\0\0\x01\x01x",
        b"\x92\x01\x81\xa1k\x93\x01\x02\x03",
        b"\xc4\x01x",
    ];
    for value in values {
        for key in [b"\xa1a".as_slice(), b"\xa2\xff\xfe", b"\xc0"] {
            let bytes = [b"\x83\xa1A\x05", key, value, b"\xa1B\xa1x"].concat();
            assert_eq!(fields(&bytes), Ok((5, b"x".to_vec())), "{bytes:02x?}");
        }
    }
    assert_eq!(reader(b"\xc1").skip(), Err(MALFORMED), "the one byte that means nothing");
}

#[test]
fn skipping_does_not_follow_without_end() {
    let nested = |depth: usize| [vec![0x91; depth], vec![0xc0]].concat();
    assert_eq!(reader(&nested(16)).skip(), Ok(()));
    assert!(matches!(reader(&nested(17)).skip(), Err(WireError::TooLarge { .. })));
    assert!(matches!(reader(&nested(1_000_000)).skip(), Err(WireError::TooLarge { .. })));
}

#[test]
fn claims_without_content_are_truncated() {
    let claims: &[&[u8]] = &[
        b"",
        b"\xdf\xff\xff\xff\xff",
        b"\xdd\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xffx",
        b"\xc6\xff\xff\xff\xffx",
        b"\xc9\xff\xff\xff\xff\0x",
        b"\xa5four",
        b"\xcd\x01",
        b"\xd3\0\0",
    ];
    for bytes in claims {
        assert_eq!(reader(bytes).skip(), Err(TRUNCATED), "{bytes:02x?}");
    }
    assert_eq!(fields(b"\xdd\xff\xff\xff\xff\x05"), Err(TRUNCATED));
}

#[test]
fn written_is_only_the_oldest_form() {
    let string = |length: usize| {
        let mut writer = MsgpackWriter::structure(b"", 1);
        writer.bytes("A", &vec![b'x'; length]);
        let bytes = writer.into_bytes();
        bytes.get(3..bytes.len() - length).unwrap().to_vec()
    };
    assert_eq!(string(0), b"\xa0");
    assert_eq!(string(31), b"\xbf");
    assert_eq!(string(32), b"\xda\0\x20");
    assert_eq!(string(65_535), b"\xda\xff\xff");
    assert_eq!(string(65_536), b"\xdb\0\x01\0\0");
    let number = |value| {
        let mut writer = MsgpackWriter::structure(b"", 1);
        writer.unsigned("A", value);
        writer.into_bytes().get(3..).unwrap().to_vec()
    };
    assert_eq!(number(127), b"\x7f");
    assert_eq!(number(128), b"\xcc\x80");
    assert_eq!(number(255), b"\xcc\xff");
    assert_eq!(number(256), b"\xcd\x01\0");
    assert_eq!(number(65_536), b"\xce\0\x01\0\0");
    assert_eq!(number(u32::MAX), b"\xce\xff\xff\xff\xff");
}

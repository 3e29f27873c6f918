//! Compressing and decompressing messages, within a limit.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::error::{Code, RpcError};

pub(crate) fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// # Errors
/// If it is not gzip, or becomes longer than `bytes_max`.
pub(crate) fn decompress(bytes: &[u8], bytes_max: usize) -> Result<Vec<u8>, RpcError> {
    if bytes.len() < HEADER_BYTES_MIN {
        return Err(RpcError::new(Code::InvalidArgument, "get decompressor: unexpected EOF"));
    }
    if !bytes.starts_with(&MAGIC) {
        let message = "get decompressor: gzip: invalid header";
        return Err(RpcError::new(Code::InvalidArgument, message));
    }
    let mut decoder = GzDecoder::new(bytes);
    let mut out = Vec::new();
    let failed = |error: std::io::Error| {
        let reason = match error.kind() {
            std::io::ErrorKind::UnexpectedEof => "unexpected EOF".to_owned(),
            std::io::ErrorKind::InvalidInput => "gzip: invalid checksum".to_owned(),
            _ => format!("flate: {error}"),
        };
        RpcError::new(Code::InvalidArgument, format!("decompress: {reason}"))
    };
    (&mut decoder).take(bytes_max as u64 + 1).read_to_end(&mut out).map_err(failed)?;
    if out.len() <= bytes_max {
        return Ok(out);
    }
    // How long it would be is said if that is found out soon.
    let rest = std::io::copy(&mut decoder.take(COUNTED_BYTES_MAX), &mut std::io::sink());
    let message = match rest {
        Ok(rest) if rest < COUNTED_BYTES_MAX => {
            let length = out.len() as u64 + rest;
            format!("message size {length} is larger than configured max {bytes_max}")
        }
        Ok(_) => format!("message is larger than configured max {bytes_max}"),
        Err(error) => {
            let reason = failed(error).message;
            let reason = reason.trim_start_matches("decompress: ");
            format!(
                "message is larger than configured max {bytes_max} - unable to determine message \
                 size: {reason}"
            )
        }
    };
    Err(RpcError::new(Code::ResourceExhausted, message))
}

const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];
const HEADER_BYTES_MIN: usize = 10;
/// Limit: bytes that are decompressed only to count them.
const COUNTED_BYTES_MAX: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::{compress, decompress};

    #[test]
    fn what_is_compressed_can_be_decompressed() {
        let text = b"a".repeat(100_000);
        assert_eq!(decompress(&compress(&text), text.len()).unwrap(), text);
    }

    #[test]
    fn a_long_message_is_not_decompressed_to_its_end() {
        let bomb = compress(&vec![0; 64 << 20]);
        let error = decompress(&bomb, 1000).unwrap_err();
        assert_eq!(error.message, "message is larger than configured max 1000");
        let error = decompress(&compress(&[0; 2000]), 1000).unwrap_err();
        assert_eq!(error.message, "message size 2000 is larger than configured max 1000");
    }

    #[test]
    fn damage_is_an_error() {
        let mut bytes = compress(b"some text");
        let checksum = bytes.len() - 5;
        bytes[checksum] ^= 1;
        let error = decompress(&bytes, 1000).unwrap_err();
        assert_eq!(error.message, "decompress: gzip: invalid checksum");
        let error = decompress(&bytes[..12], 1000).unwrap_err();
        assert_eq!(error.message, "decompress: unexpected EOF");
    }
}

use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::TolerantStream;

/// What comes out if the bytes go in in pieces of this size.
async fn passed(bytes: &[u8], piece: usize) -> Vec<u8> {
    let (mut client, server) = duplex(1 << 20);
    let mut server = TolerantStream::new(server);
    let mut out = Vec::new();
    for part in bytes.chunks(piece) {
        client.write_all(part).await.expect("the buffer is large enough");
    }
    drop(client);
    server.read_to_end(&mut out).await.expect("no error");
    out
}

async fn check(input: &[u8], expected: &[u8]) {
    for piece in [1, 2, 3, 7, 64, 100_000] {
        let out = passed(input, piece).await;
        assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(expected), "{piece}");
        assert_eq!(out, expected);
    }
}

#[tokio::test]
async fn targets_are_fixed_on_every_request_of_a_connection() {
    check(
        "GET /a?f=\"x\" HTTP/1.1\r\nHost: \"h\"\r\n\r\n\
         POST /{p} HTTP/1.1\r\ncontent-length: 11\r\n\r\nGET \"<>\" \r\n\
         GET /é?f=a<b HTTP/1.1\r\n\r\n"
            .as_bytes(),
        b"GET /a?f=%22x%22 HTTP/1.1\r\nHost: \"h\"\r\n\r\n\
          POST /%7Bp%7D HTTP/1.1\r\ncontent-length: 11\r\n\r\nGET \"<>\" \r\n\
          GET /%C3%A9?f=a%3Cb HTTP/1.1\r\n\r\n",
    )
    .await;
}

#[tokio::test]
async fn valid_targets_pass_unchanged() {
    let cases: [&[u8]; 6] = [
        b"GET /a?f=%22x%22 HTTP/1.1\r\n\r\n",
        b"GET /a HTTP/1.1\n\nGET /b HTTP/1.1\n\n",
        b"POST /a HTTP/1.1\r\nContent-Length: 0\r\n\r\nGET /b HTTP/1.1\r\n\r\n",
        b"GET /\"cut off",
        b"nonsense\r\n\r\n\"\r\n\r\n",
        b"",
    ];
    for bytes in cases {
        check(bytes, bytes).await;
    }
}

#[tokio::test]
async fn nothing_is_changed_after_a_body_without_a_length() {
    for framing in ["Transfer-Encoding: chunked", "Content-Length: x", "Upgrade: h2c"] {
        let head = format!("POST /a HTTP/1.1\r\n{framing}\r\n\r\n");
        let bytes = format!("{head}1\r\nx\r\n0\r\n\r\nGET /\" HTTP/1.1\r\n\r\n");
        check(bytes.as_bytes(), bytes.as_bytes()).await;
    }
}

#[tokio::test]
async fn a_head_without_end_is_passed_on() {
    let bytes = [b"GET /\"".as_slice(), &vec![b'x'; 70_000]].concat();
    check(&bytes, &bytes).await;
}

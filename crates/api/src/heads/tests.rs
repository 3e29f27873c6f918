use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::TolerantStream;

/// What comes out if the bytes go in in pieces of this size; a refusal as its name.
async fn passed(bytes: &[u8], piece: usize) -> String {
    let (mut client, server) = duplex(4 << 20);
    let mut server = TolerantStream::new(server);
    for part in bytes.chunks(piece) {
        client.write_all(part).await.expect("the buffer is large enough");
    }
    drop(client);
    let mut out = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        // After a refusal there is no end.
        if server.rewriter.has_ended() && server.rewriter.ready().is_empty() {
            break;
        }
        match server.read(&mut buffer).await.expect("no error") {
            0 => break,
            length => out.extend_from_slice(&buffer[..length]),
        }
    }
    let out = String::from_utf8(out).expect("tests send text");
    let synthetic = "GET / HTTP/1.1\r\nhost: x\r\nx-bellwether-refusal: ";
    out.replace(synthetic, "refused: ").replace("\r\nconnection: close\r\n\r\n", "")
}

async fn check(input: &str, expected: &str) {
    for piece in [1, 2, 3, 7, 64, 100_000] {
        assert_eq!(passed(input.as_bytes(), piece).await, expected, "{input:?} by {piece}");
    }
}

const HOST: &str = "Host: h\r\n\r\n";

#[tokio::test]
async fn targets_are_fixed_on_every_request_of_a_connection() {
    let chunked = "Transfer-Encoding: chunked\r\n";
    let chunks = "3;x\r\n\"\"\"\r\n0\r\n\r\n";
    check(
        &format!(
            "GET /a?f=\"x\" HTTP/1.1\r\n{HOST}POST /{{p}} HTTP/1.1\r\ncontent-length: 11\r\n{HOST}\
             GET \"<>\" \r\nPOST /\" HTTP/1.1\r\n{chunked}{HOST}{chunks}\
             GET /é?f=a<b HTTP/1.1\r\n{HOST}"
        ),
        &format!(
            "GET /a?f=%22x%22 HTTP/1.1\r\n{HOST}POST /%7Bp%7D HTTP/1.1\r\ncontent-length: 11\r\n{HOST}\
             GET \"<>\" \r\nPOST /%22 HTTP/1.1\r\n{chunked}{HOST}{chunks}\
             GET /%C3%A9?f=a%3Cb HTTP/1.1\r\n{HOST}"
        ),
    )
    .await;
}

#[tokio::test]
async fn good_heads_pass_unchanged() {
    for head in [
        "GET /a?f=%22x%22 HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /a HTTP/1.0\r\n\r\nGET /b HTTP/1.0\r\n\r\n",
        "POST /a HTTP/1.1\r\nContent-Length: 0\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /\"cut off",
        "OPTIONS * HTTP/1.1\r\nHost: h\r\nX-Own: y\r\nX-Own: z\r\n\r\n",
        "POST /a HTTP/1.1\r\nExpect: 100-Continue\r\nHost: \r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\"\u{0}",
        "GET / HTTP/1.1\r\nUpgrade: x\r\nHost: h\r\n\r\n\"\n\n",
        "",
    ] {
        check(head, head).await;
    }
}

#[tokio::test]
async fn what_go_accepts_is_written_as_the_library_wants_it() {
    let cases = [
        ("GET / HTTP/1.2\nHost:h \nX:a\n b\n\n", "GET / HTTP/1.1\r\nHost: h\r\nX: a b\r\n\r\n"),
        (
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\nHost: h\r\n\r\nxGET",
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nHost: h\r\n\r\nxGET",
        ),
        (
            "POST / HTTP/1.1\r\nContent-Length: 9\r\nTransfer-Encoding: Chunked\r\nHost: h\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\nHost: h\r\n\r\n",
        ),
        (
            "POST / HTTP/1.0\r\nTransfer-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
            "POST / HTTP/1.0\r\nContent-Length: 1\r\n\r\nx",
        ),
        (
            "GET / HTTP/1.1\r\nHost: h\r\nX-Bellwether-Refusal: TooLarge\r\nX-Bellwether-Query: q\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        ),
    ];
    for (input, expected) in cases {
        check(input, expected).await;
    }
}

#[tokio::test]
async fn what_go_refuses_is_refused_behind_the_requests_before_it() {
    let before = "GET /before HTTP/1.1\r\nHost: h\r\n\r\n";
    let cases = [
        ("nonsense\r\n", "Malformed"),
        ("GET / HTTP/1\r\n", "Malformed"),
        ("GET /a b HTTP/1.1\r\n", "Malformed"),
        ("GET /%zz HTTP/1.1\r\n", "Malformed"),
        ("GET nopath HTTP/1.1\r\n", "Malformed"),
        ("G(T / HTTP/1.1\r\n", "Malformed"),
        ("GET / HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n", "Malformed"),
        ("GET / HTTP/1.1\r\n Host: h\r\n\r\n", "Malformed"),
        ("GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", "Malformed"),
        ("GET / HTTP/1.1\r\n\r\n", "MissingHost"),
        ("GET / HTTP/1.1\r\nHost: \"h\"\r\n\r\n", "MalformedHost"),
        ("GET / HTTP/1.1\r\nHost: h\r\nX : y\r\n\r\n", "InvalidFieldName"),
        ("GET / HTTP/1.1\r\nHost: h\r\nExpect: x\r\n\r\n", "UnknownExpectation"),
        ("GET / HTTP/2.0\r\nHost: h\r\n\r\n", "UnknownVersion"),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", "UnknownEncoding"),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "Malformed",
        ),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\n", "Malformed"),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n", "Malformed"),
    ];
    for (input, refusal) in cases {
        check(&format!("{before}{input}rest"), &format!("{before}refused: {refusal}")).await;
    }
    let endless = format!("GET / HTTP/1.1\r\nHost: h\r\nX: {}", "y".repeat((1 << 20) + 4096));
    assert_eq!(passed(endless.as_bytes(), 64_000).await, "refused: TooLarge");
}

#[tokio::test]
async fn of_very_many_fields_those_that_are_read_are_passed_on() {
    let many: String = (0..5000).map(|number| format!("X-{number}: y\r\n")).collect();
    let input = format!("GET / HTTP/1.1\r\n{many}Accept: a\r\nHost: h\r\n\r\n");
    let expected = "GET / HTTP/1.1\r\nAccept: a\r\nHost: h\r\n\r\n";
    assert_eq!(passed(input.as_bytes(), 100_000).await, expected);
}

#[tokio::test]
async fn a_very_long_query_travels_in_a_field() {
    let query = "x".repeat(100_000);
    let input = format!("GET /a?{query} HTTP/1.1\r\nHost: h\r\n\r\n");
    let expected = format!("GET /a HTTP/1.1\r\nHost: h\r\nx-bellwether-query: {query}\r\n\r\n");
    assert_eq!(passed(input.as_bytes(), 100_000).await, expected);
}

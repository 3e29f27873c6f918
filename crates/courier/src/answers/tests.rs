use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::{AnswerStream, StatusLine};

/// What comes out if the bytes go in in pieces of this size.
async fn passed(bytes: &[u8], piece: usize) -> Result<String, String> {
    let (mut server, client) = duplex(1 << 20);
    let mut client = AnswerStream::new(client);
    client.write_all(b"x").await.expect("the buffer is large enough");
    for part in bytes.chunks(piece) {
        server.write_all(part).await.expect("the buffer is large enough");
    }
    drop(server);
    let mut out = String::new();
    client.read_to_string(&mut out).await.map(|_| out).map_err(|error| error.to_string())
}

async fn check(input: &str, expected: Result<&str, &str>) {
    for piece in [1, 2, 7, 100_000] {
        let expected = expected.map(str::to_owned);
        let expected = expected
            .map_err(|fault| format!("net/http: HTTP/1.x transport connection broken: {fault}"));
        assert_eq!(passed(input.as_bytes(), piece).await, expected, "{input:?} by {piece}");
    }
}

#[tokio::test]
async fn what_go_accepts_is_written_as_the_library_wants_it() {
    let cases = [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok",
        ),
        (
            "HTTP/1.2 200\nContent-Type: a\r\n b\n\nok",
            "HTTP/1.1 200 \r\nContent-Type: a b\r\n\r\nok",
        ),
        ("HTTP/3.0  404 \u{1}\r\n\r\nok", "HTTP/1.1 404 \r\n\r\nok"),
        ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nok", "HTTP/1.0 200 \r\n\r\nok"),
        ("HTTP/0.9 200 OK\r\n\r\nok", "HTTP/1.0 200 \r\n\r\nok"),
        // Not the field of that name, as its name ends with a space.
        ("HTTP/1.1 200 OK\r\nContent-Length : 1\r\nX y: z\r\n\r\nok", "HTTP/1.1 200 \r\n\r\nok"),
    ];
    for (input, expected) in cases {
        check(input, Ok(expected)).await;
    }
}

#[tokio::test]
async fn an_answer_without_a_request_is_passed_on_at_once() {
    for rest in ["junk", "HTTP/1.1 408 Late\r\n\r\n"] {
        let (mut server, client) = duplex(1 << 10);
        let mut client = AnswerStream::new(client);
        client.write_all(b"x").await.expect("there is room");
        let answer = "HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\n!";
        server.write_all(format!("{answer}{rest}").as_bytes()).await.expect("there is room");
        let mut out = vec![0; answer.len() + rest.len()];
        client.read_exact(&mut out).await.expect("it is all there");
        assert_eq!(String::from_utf8(out).expect("text"), format!("{answer}{rest}"));
    }
}

#[tokio::test]
async fn each_answer_of_a_connection_is_accepted() {
    let (mut server, client) = duplex(1 << 16);
    let mut client = AnswerStream::new(client);
    let mut check = async |input: &str, expected: &str| {
        client.write_all(b"x").await.expect("there is room");
        server.write_all(input.as_bytes()).await.expect("there is room");
        let mut out = vec![0; expected.len()];
        client.read_exact(&mut out).await.expect("it is all there");
        assert_eq!(String::from_utf8(out).expect("text"), expected);
    };
    for _ in 0..2 {
        for rest in [
            "Content-Length: 3\r\n\r\n\r\n\r",
            "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            "Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
        ] {
            let odd = "HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.2  200 OK\r\nX: y\r\n\tz\r\n";
            let good = "HTTP/1.1 103 \r\n\r\nHTTP/1.1 200 \r\n";
            check(&format!("{odd}{rest}"), &format!("{good}{rest}")).await;
        }
        check("HTTP/1.1 204 No\r\n\r\n", "HTTP/1.1 204 \r\n\r\n").await;
    }
}

#[tokio::test]
async fn what_go_refuses_has_its_words() {
    let cases = [
        ("nonsense\r\n", "malformed HTTP response \"nonsense\""),
        ("HTTP/1.1 2000 OK\r\n", "malformed HTTP status code \"2000\""),
        ("ICY 200 OK\r\n", "malformed HTTP version \"ICY\""),
        ("HTTP/1.1 200 OK\r\nx\r\n\r\n", "malformed MIME header: missing colon: \"x\""),
        ("HTTP/1.1 200 OK\r\n x: y\r\n\r\n", "malformed MIME header initial line: \" x: y\""),
    ];
    for (input, expected) in cases {
        check(input, Err(expected)).await;
    }
}

#[tokio::test]
async fn fields_without_number_and_length_are_accepted_up_to_the_limit_of_go() {
    let long = "a".repeat(9 << 20);
    let many: String = (0..5000).map(|number| format!("X-{number}: y\r\n")).collect();
    for fields in [format!("X: {long}\r\n"), many] {
        let input = format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 0\r\n\r\n");
        let (mut server, client) = duplex(1 << 16);
        tokio::spawn(async move { server.write_all(input.as_bytes()).await });
        let mut out = String::new();
        let mut client = AnswerStream::new(client);
        client.write_all(b"x").await.expect("there is room");
        client.read_to_string(&mut out).await.expect("it is accepted");
        assert_eq!(out, "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n");
    }
    let (mut server, client) = duplex(1 << 16);
    tokio::spawn(async move {
        let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "a".repeat(11 << 20));
        server.write_all(endless.as_bytes()).await
    });
    let mut out = String::new();
    let mut client = AnswerStream::new(client);
    client.write_all(b"x").await.expect("there is room");
    let error = client.read_to_string(&mut out).await.expect_err("too long");
    assert!(error.to_string().contains("response headers exceeded 10485760 bytes"), "{error}");
}

#[test]
fn a_status_line_may_have_a_reason() {
    let line = StatusLine::parse(b"HTTP/1.1 407 Proxy Authentication Required").expect("a line");
    assert_eq!((line.code, line.reason.as_str()), (407, "Proxy Authentication Required"));
    assert_eq!(StatusLine::parse(b"HTTP/1.1 200").expect("a line").reason, "");
}

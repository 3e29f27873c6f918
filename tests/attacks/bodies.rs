//! Bodies of which only a part is sent.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bellwether_e2e::{Running, http};

use crate::bystander::{Bystander, Victim};

#[test]
fn bodies_that_are_announced_and_not_sent() {
    let mut bystander = Bystander::start(&Victim::default(), |setup| setup);
    let mut begun = Vec::new();
    for framing in [LENGTH, CHUNKED] {
        for method in ["POST", "GET", "DELETE"] {
            for _ in 0..16 {
                begun.push(send(&bystander.server, &format!("{}{framing}", head(method))));
            }
        }
    }
    bystander.is_served("while 96 bodies are not sent");
    bystander.uses_less_than(256 << 20);
    drop(begun);
    bystander.is_served("afterwards");
}

#[test]
fn bodies_that_are_large_and_stop_just_before_their_end() {
    let mut bystander = Bystander::start(&Victim::default(), |setup| setup);
    // More than all bodies may take together.
    let mut begun = Vec::new();
    let piece = vec![b' '; 1 << 20];
    for _ in 0..12 {
        let mut client = send(&bystander.server, &format!("{}{LENGTH}", head("POST")));
        // Its memory may be taken by another one of them meanwhile, and the connection closed.
        let _ = (0..48).try_for_each(|_| client.write_all(&piece));
        begun.push(client);
    }
    bystander.is_served("while large bodies stop before their ends");
    bystander.uses_less_than(768 << 20);
    drop(begun);
    bystander.is_served("afterwards");
}

#[test]
fn requests_over_http2_that_stop_after_their_heads() {
    let mut bystander = Bystander::start(&Victim::default(), |setup| setup);
    let mut begun = Vec::new();
    for _ in 0..8 {
        let mut client = send(&bystander.server, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        let mut frames = frame(SETTINGS, 0, 0, &[]);
        for number in 0..64 {
            let method = if number % 2 == 0 { 0x83 } else { 0x82 };
            frames.extend(frame(HEADERS, END_HEADERS, 2 * number + 1, &http2_head(method)));
            frames.extend(frame(DATA, 0, 2 * number + 1, b"["));
        }
        client.write_all(&frames).expect("sent");
        // The server has seen it when it answers at all.
        client.read_exact(&mut [0; 9]).expect("its settings");
        begun.push(client);
    }
    bystander.is_served("while requests over HTTP/2 have no bodies");
    bystander.uses_less_than(256 << 20);
    drop(begun);
    bystander.is_served("afterwards");
}

fn send(server: &Running, text: &str) -> TcpStream {
    let mut client = http::connect(server.address(), Duration::from_secs(10)).expect("it listens");
    client.write_all(text.as_bytes()).expect("sent");
    client
}

fn head(method: &str) -> String {
    let path = match method {
        "DELETE" => "/api/v2/silence/0e9a7a1c-5b1b-4ad3-8f0f-0d0d0d0d0d0d",
        _ => "/api/v2/alerts",
    };
    format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
}

/// The length is the most that a body may have.
const LENGTH: &str = "Content-Length: 67108864\r\n\r\n[";
const CHUNKED: &str = "Transfer-Encoding: chunked\r\n\r\n4000000\r\n[";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// `method` is the byte that stands for it in HPACK.
fn http2_head(method: u8) -> Vec<u8> {
    // By the static table: `:scheme` http, `:path`, `:authority`, `content-type`.
    let mut head = vec![method, 0x86];
    for (name, value) in
        [(&[4][..], "/api/v2/alerts"), (&[1], "x"), (&[0x0f, 0x10], "application/json")]
    {
        head.extend(name);
        head.push(u8::try_from(value.len()).expect("a short value"));
        head.extend(value.bytes());
    }
    head
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const END_HEADERS: u8 = 4;

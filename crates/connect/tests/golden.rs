//! The answers of the Go Alertmanager 0.35.0 to the same requests.
//!
//! Each line of `golden.jsonl`, and of `limits.jsonl` with smaller limits, is a request (bodies in base64) and what the Go program answered, over
//! HTTP/1.1 or, with `"http":2`, over HTTP/2 without TLS. Left out are `Date`, the length and the
//! transfer encoding; the announced trailers are sorted. Compressed answers are compared decompressed.
//! Requests whose answers are not equal are not in the file: descriptors of reflection itself, and of
//! what else is built into the Go program; fields of the right number and the wrong wire type, which
//! the Go program skips.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bellwether_connect::{
    Backend, Connect, ConnectSettings, Observation, Status, VersionInfo, is_grpc,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Version as HttpVersion};
use http_body_util::{BodyExt as _, Full};
use serde_json::Value;
use tokio::time::timeout;

struct Fixed(Status);

impl Backend for Fixed {
    fn status(&self) -> Status {
        self.0.clone()
    }

    fn observe(&self, _: Observation) {}
}

/// What the Go program was when it was asked, by its first answer.
fn status(first: &Value) -> Status {
    let answer: Value = serde_json::from_str(first["text"].as_str().expect("as it was recorded"))
        .expect("as it was recorded");
    let status = &answer["status"];
    let started: jiff::Timestamp = status["startTime"]
        .as_str()
        .expect("as it was recorded")
        .parse()
        .expect("as it was recorded");
    Status {
        version: VersionInfo {
            go_version: status["versionInfo"]["goVersion"]
                .as_str()
                .expect("as it was recorded")
                .into(),
            ..VersionInfo::default()
        },
        config: status["config"]["original"].as_str().expect("as it was recorded").into(),
        started_at: (started.as_second(), started.subsec_nanosecond()),
        ..Status::default()
    }
}

#[derive(Debug, PartialEq)]
struct Answer {
    status: u64,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
    trailers: BTreeMap<String, String>,
    goes_on: bool,
}

fn map(value: &Value) -> BTreeMap<String, String> {
    let members = value.as_object().into_iter().flatten();
    members
        .map(|(name, value)| (name.clone(), value.as_str().expect("as it was recorded").to_owned()))
        .collect()
}

fn expected(line: &Value) -> Answer {
    let body = match line["text"].as_str() {
        Some(text) => text.as_bytes().to_vec(),
        None => STANDARD
            .decode(line["bytes"].as_str().expect("as it was recorded"))
            .expect("as it was recorded"),
    };
    let headers = map(&line["answer"]);
    Answer {
        status: line["status"].as_u64().expect("as it was recorded"),
        body: decompressed(&headers, body),
        headers,
        trailers: map(&line["trailers"]),
        goes_on: line["goes_on"].as_bool().unwrap_or_default(),
    }
}

/// The body with everything that is compressed in it decompressed; flags stay.
fn decompressed(headers: &BTreeMap<String, String>, body: Vec<u8>) -> Vec<u8> {
    let unzip = |bytes: &[u8]| {
        let mut out = Vec::new();
        flate2::read::GzDecoder::new(bytes).read_to_end(&mut out).expect("as it was recorded");
        out
    };
    if headers.contains_key("content-encoding") {
        return unzip(&body);
    }
    let is_framed = ["grpc-accept-encoding", "connect-accept-encoding"];
    if !is_framed.iter().any(|name| headers.contains_key(*name)) {
        return body;
    }
    let (mut out, mut rest) = (Vec::new(), body.as_slice());
    while let Some((head, behind)) = rest.split_first_chunk::<5>() {
        let length = u32::from_be_bytes(head[1..].try_into().expect("as it was recorded")) as usize;
        let (message, behind) = behind.split_at(length);
        out.push(head[0]);
        let message = if head[0] & 1 == 0 { message.to_vec() } else { unzip(message) };
        out.extend((message.len() as u32).to_be_bytes());
        out.extend(message);
        rest = behind;
    }
    out
}

fn texts(headers: &HeaderMap) -> BTreeMap<String, String> {
    let text = |value: &HeaderValue| value.to_str().expect("as it was recorded").to_owned();
    let pair = |(name, value): (&HeaderName, _)| (name.to_string(), text(value));
    headers.iter().map(pair).collect()
}

fn request(line: &Value) -> Request<Body> {
    let body = line["body"].as_str().map(|body| STANDARD.decode(body).expect("as it was recorded"));
    let mut request = Request::new(match body {
        None => Body::empty(),
        Some(bytes) if line["open"] == true => {
            let sent = Full::new(Bytes::from(bytes));
            Body::new(sent.with_trailers(std::future::pending()))
        }
        Some(bytes) => Body::from(bytes),
    });
    *request.method_mut() =
        line["method"].as_str().expect("as it was recorded").parse().expect("as it was recorded");
    *request.uri_mut() =
        line["path"].as_str().expect("as it was recorded").parse().expect("as it was recorded");
    if line["http"] == 2 {
        *request.version_mut() = HttpVersion::HTTP_2;
    }
    for (name, value) in map(&line["headers"]) {
        let name: HeaderName = name.parse().expect("as it was recorded");
        request.headers_mut().insert(name, value.parse().expect("as it was recorded"));
    }
    request
}

async fn answer(connect: &Arc<Connect<Fixed>>, line: &Value) -> Answer {
    let request = request(line);
    let uri = request.uri().clone();
    let path = match is_grpc(request.version(), request.headers()) {
        true => uri.path(),
        false => uri.path().strip_prefix("/api").expect("as it was recorded"),
    };
    let response = connect.answer(path, uri.query().unwrap_or_default(), request).await;
    let (head, mut body) = response.into_parts();
    let mut headers = texts(&head.headers);
    if let Some(names) = headers.get_mut("trailer") {
        let mut sorted: Vec<&str> = names.split(',').collect();
        sorted.sort_unstable();
        *names = sorted.join(",");
    }
    let (mut bytes, mut trailers, mut goes_on) = (Vec::new(), BTreeMap::new(), false);
    loop {
        match timeout(Duration::from_secs(5), body.frame()).await {
            Err(_) => goes_on = true,
            Ok(None) => {}
            Ok(Some(frame)) => {
                match frame.expect("as it was recorded").into_data() {
                    Ok(data) => bytes.extend(data),
                    Err(frame) => {
                        trailers = texts(&frame.into_trailers().expect("as it was recorded"))
                    }
                }
                continue;
            }
        }
        break;
    }
    Answer {
        status: u64::from(head.status.as_u16()),
        body: decompressed(&headers, bytes),
        headers,
        trailers,
        goes_on,
    }
}

#[tokio::test(start_paused = true)]
async fn answers_are_those_of_the_go_program() {
    let count = compare(include_str!("golden.jsonl"), ConnectSettings::default()).await;
    assert!(count > 250, "the file is there");
}

#[tokio::test(start_paused = true)]
async fn answers_within_limits_are_those_of_the_go_program() {
    let settings = ConnectSettings {
        read_bytes_max: Some(20),
        request_bytes_max: Some(40),
        send_bytes_max: Some(30),
        ..ConnectSettings::default()
    };
    assert!(compare(include_str!("limits.jsonl"), settings).await > 15, "the file is there");
}

/// Sends the requests of a file, and compares the answers; returns how many there are.
async fn compare(file: &str, settings: ConnectSettings) -> usize {
    let first = include_str!("golden.jsonl").lines().next().expect("as it was recorded");
    let status = status(&serde_json::from_str(first).expect("as it was recorded"));
    let lines: Vec<Value> =
        file.lines().map(|line| serde_json::from_str(line).expect("as it was recorded")).collect();
    let connect = Arc::new(Connect::new(Arc::new(Fixed(status)), settings));
    let mut different = 0;
    for (number, line) in lines.iter().enumerate() {
        let (expected, ours) = (expected(line), answer(&connect, line).await);
        if expected != ours {
            different += 1;
            let body = |answer: &Answer| String::from_utf8_lossy(&answer.body).into_owned();
            let mut line = line.clone();
            let line_members = line.as_object_mut().expect("as it was recorded");
            for name in ["text", "bytes", "answer", "status"] {
                line_members.remove(name);
            }
            eprintln!("line {}: {line}", number + 1);
            eprintln!("  theirs: {expected:?} {:?}", body(&expected));
            eprintln!("  ours:   {ours:?} {:?}", body(&ours));
        }
    }
    assert_eq!(different, 0, "of {} answers", lines.len());
    lines.len()
}

//! Bad input from clients: each has a clear answer and disturbs no other client.

use std::io::{BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use bellwether_e2e::{Response, Running, Setup, http};
use serde_json::{Map, Value, json};

use bellwether_e2e::fixtures::{alert, at, text};

const CONFIG: &str = "route: {receiver: none}\nreceivers: [{name: none}]\n";
const JSON: &[(&str, &str)] = &[("Content-Type", "application/json")];

#[test]
fn broken_json_is_refused_and_named() {
    let setup = Setup::ours(CONFIG);
    let mut server = setup.start();
    for body in
        ["{", "[", "[{\"labels\":", "nonsense", "[1]", "{\"labels\":{}}", "[{\"labels\":[]}]"]
    {
        let answer = server.post("/api/v2/alerts", body).expect_status(400);
        let answer = answer.json();
        assert_eq!(answer["code"], 400, "{body}: {answer}");
        let message = text(&answer["message"]);
        assert!(message.starts_with("parsing alerts body from"), "{body}: {message}");
    }
    assert_takes_alerts(&mut server);
}

#[test]
fn another_content_type_is_refused() {
    let setup = Setup::ours(CONFIG);
    let mut server = setup.start();
    for headers in [&[("Content-Type", "text/plain")][..], &[]] {
        let mut client = server.new_client();
        let answer = client.request("POST", "/api/v2/alerts", headers, b"[]");
        assert_eq!(answer.expect("the server answers").status, 415);
    }
    assert_takes_alerts(&mut server);
}

#[test]
fn a_body_of_a_hundred_mebibytes_is_refused() {
    let setup = Setup::ours(CONFIG);
    let mut server = setup.start();
    let before = server.process.resident_bytes();
    let body = vec![b' '; 100 << 20];
    let mut client = server.new_client();
    let answer = client.request("POST", "/api/v2/alerts", JSON, &body).expect("an answer");
    assert_eq!(answer.status, 413, "{}", answer.text());
    assert!(!answer.body.is_empty(), "the answer has a reason");

    // Without a length in front, it is noticed on the way.
    let answer = post_chunks(&server, 100, &body[..1 << 20]);
    assert_eq!(answer.status, 413, "{}", answer.text());
    let grown = server.process.resident_bytes().saturating_sub(before);
    assert!(grown < 200 << 20, "{grown} bytes are kept of what was refused");
    assert_takes_alerts(&mut server);
}

#[test]
fn ten_thousand_labels_are_refused_and_the_other_alerts_kept() {
    let setup = Setup::ours(CONFIG).expect_log("Failed to validate alerts");
    let mut server = setup.start();
    let labels: Map<String, Value> =
        (0..10_000).map(|number| (format!("label_{number}"), json!("x"))).collect();
    let body = json!([{"labels": labels}, alert("Kept")]);
    let answer = server.post("/api/v2/alerts", &body.to_string()).expect_status(400);
    assert!(text(&answer.json()).contains("label"), "{}", answer.text());
    assert_eq!(names(&mut server), ["Kept"]);
    assert_eq!(server.metric("alertmanager_alerts_invalid_total", ""), Some(1.0));
}

#[test]
fn bytes_that_are_no_text_are_mended_as_the_go_server_does() {
    let setup = Setup::ours(CONFIG);
    let mut server = setup.start();
    let body = b"[{\"labels\":{\"alertname\":\"\xff\xfe\"}}]";
    let mut client = server.new_client();
    let answer = client.request("POST", "/api/v2/alerts", JSON, body).expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(names(&mut server), ["\u{fffd}\u{fffd}"]);
    assert_takes_alerts(&mut server);
}

#[test]
fn times_at_the_edges_are_judged_one_by_one() {
    let setup = Setup::ours(CONFIG).expect_log("Failed to validate alerts");
    let mut server = setup.start();
    let body = json!([
        {"labels": {"alertname": "Backwards"}, "startsAt": at(0), "endsAt": at(-3600)},
        {"labels": {"alertname": "Unset"}, "startsAt": "0001-01-01T00:00:00Z"},
        {"labels": {"alertname": "FarFuture"}, "startsAt": at(0), "endsAt": "9999-12-31T23:59:59Z"},
        {"labels": {"alertname": "LongAgo"}, "startsAt": "0001-01-02T00:00:00Z"},
    ]);
    let answer = server.post("/api/v2/alerts", &body.to_string()).expect_status(400);
    assert_eq!(text(&answer.json()), "start time must be before end time");
    assert_eq!(names(&mut server), ["FarFuture", "LongAgo", "Unset"]);
    let wrong = json!([{"labels": {"alertname": "NoTime"}, "startsAt": "yesterday"}]);
    server.post("/api/v2/alerts", &wrong.to_string()).expect_status(400);
}

#[test]
fn a_client_that_stops_half_way_leaves_nothing_behind() {
    let setup = Setup::ours(CONFIG);
    let mut server = setup.start();
    let body = json!([alert("Half")]).to_string();
    for cut in [0, 1, body.len() / 2, body.len() - 1] {
        let mut stream = open(&server);
        let head = format!(
            "POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{}",
            body.len(),
            &body[..cut]
        );
        stream.write_all(head.as_bytes()).expect("the server reads");
        stream.shutdown(Shutdown::Write).expect("the connection is open");
        // Whatever it answers; the end of the connection is the event to wait for.
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(!rest.starts_with(b"HTTP/1.1 200"), "half a body is not an alert");
    }
    assert_eq!(names(&mut server), Vec::<String>::new());
    assert_takes_alerts(&mut server);
}

#[test]
fn clients_that_never_finish_do_not_delay_others() {
    let setup = Setup::ours(CONFIG);
    let mut server = setup.start();
    let slow: Vec<TcpStream> = (0..300)
        .map(|number| {
            let mut stream = open(&server);
            let start = if number % 2 == 0 {
                "GET /api/v2/alerts HTTP/1.1\r\nHo"
            } else {
                "POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                 Content-Length: 1000\r\n\r\n[{"
            };
            stream.write_all(start.as_bytes()).expect("the server accepts");
            stream
        })
        .collect();
    assert_takes_alerts(&mut server);
    let mut client = server.new_client().with_timeout(Duration::from_secs(10));
    for path in ["/api/v2/alerts", "/api/v2/alerts/groups", "/metrics", "/-/ready"] {
        client.get(path).expect_status(200);
    }
    drop(slow);
}

#[test]
fn what_is_not_http_is_answered_or_cut_off() {
    let setup = Setup::ours(CONFIG);
    let mut server = setup.start();
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(1 << 20));
    for words in ["nonsense\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", &long] {
        let mut stream = open(&server);
        // It may be cut off while it is still being sent.
        let _ = stream.write_all(words.as_bytes());
        let _ = stream.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", &words[..10]);
    }
    assert_takes_alerts(&mut server);
}

/// The server still does what it is for.
#[track_caller]
fn assert_takes_alerts(server: &mut Running) {
    server.post_alerts(&json!([alert("StillThere")]));
    assert!(names(server).contains(&"StillThere".to_owned()));
}

fn names(server: &mut Running) -> Vec<String> {
    let list = server.get("/api/v2/alerts").expect_status(200).json();
    let alerts = list.as_array().expect("a list");
    let mut names: Vec<String> =
        alerts.iter().map(|alert| text(&alert["labels"]["alertname"])).collect();
    names.sort();
    names
}

fn open(server: &Running) -> TcpStream {
    http::connect(server.address(), Duration::from_secs(60)).expect("the server accepts")
}

/// Posts the same block again and again without a length in front.
fn post_chunks(server: &Running, times: usize, block: &[u8]) -> Response {
    let mut stream = open(server);
    let head = "POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                Transfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("the server reads");
    for _ in 0..times {
        let chunk = [format!("{:x}\r\n", block.len()).as_bytes(), block, b"\r\n"].concat();
        // It may answer and close before all is sent.
        if stream.write_all(&chunk).is_err() {
            break;
        }
    }
    let _ = stream.write_all(b"0\r\n\r\n");
    http::read_response(&mut BufReader::new(stream), false).expect("an answer")
}

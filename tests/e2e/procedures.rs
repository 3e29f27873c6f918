//! Calls of procedures, over HTTP/1.1 and over HTTP/2 without TLS, and what the metrics say of them.

use bellwether_e2e::{Running, Setup};
use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request};
use serde_json::json;
use tokio::net::TcpStream;

const CONFIG: &str = "route: {receiver: none}\nreceivers: [{name: none}]\n";
const HEALTH: &str = "/grpc.health.v1.Health/Check";
const WATCH: &str = "/grpc.health.v1.Health/Watch";
const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const GRPC: &str = "application/grpc";

/// A connection with HTTP/2, without TLS and without asking first.
async fn connect(server: &Running) -> SendRequest<Bytes> {
    let stream = TcpStream::connect(server.address()).await.expect("the server answers");
    let (client, connection) = h2::client::handshake(stream).await.expect("the server answers");
    tokio::spawn(connection);
    client.ready().await.expect("the server answers")
}

fn begin(
    client: &mut SendRequest<Bytes>,
    path: &str,
    media_type: &str,
) -> (ResponseFuture, SendStream<Bytes>) {
    let request = Request::post(format!("http://server{path}"))
        .header("content-type", media_type)
        .header("te", "trailers")
        .body(())
        .expect("the server answers");
    client.send_request(request, false).expect("the server answers")
}

fn frame(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).expect("the server answers").to_be_bytes();
    [&[0][..], &length, message].concat().into()
}

/// The next bytes of an answer.
async fn next(body: &mut RecvStream) -> Bytes {
    let data = body.data().await.expect("the server answers").expect("the server answers");
    body.flow_control().release_capacity(data.len()).expect("the server answers");
    data
}

/// The rest of an answer, and its trailers.
async fn rest(mut body: RecvStream) -> (Vec<u8>, HeaderMap) {
    let mut bytes = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.expect("the server answers");
        body.flow_control().release_capacity(data.len()).expect("the server answers");
        bytes.extend_from_slice(&data);
    }
    (bytes, body.trailers().await.expect("the server answers").unwrap_or_default())
}

/// Connections go on while a test waits for something else.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().expect("the server answers").block_on(work)
}

#[test]
fn status_and_health_are_there_as_json() {
    let setup = Setup::ours(CONFIG).flag("--web.route-prefix=/am");
    let mut server = setup.start_at("127.0.0.1:0");
    let answer = server.post("/am/api/status.v3alpha.StatusService/GetStatus", "{}");
    let status = answer.expect_status(200).json()["status"].clone();
    assert_eq!(status["cluster"]["state"], "STATE_DISABLED");
    let v2 = server.get("/am/api/v2/status").json();
    assert_eq!(status["config"]["original"], v2["config"]["original"]);
    assert_eq!(status["versionInfo"]["version"], v2["versionInfo"]["version"]);
    let query = "?encoding=json&message=%7B%7D";
    let path = format!("/am/api/status.v3alpha.StatusService/GetStatus{query}");
    let by_get = server.get(&path).expect_status(200);
    assert_eq!(by_get.header("vary"), Some("Accept-Encoding"));
    let health = server.post(&format!("/am/api{HEALTH}"), "{}").expect_status(200).json();
    assert_eq!(health, json!({"status": "SERVING_STATUS_SERVING"}));
    let unknown = server.get("/am/api/v3/alerts").expect_status(501).json();
    assert_eq!(unknown["message"], "unknown Connect procedure");
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn native_grpc_is_answered_at_the_root_without_tls() {
    let setup = Setup::ours(CONFIG);
    let server = setup.start();
    block_on(async {
        let mut client = connect(&server).await;
        let (answer, mut sender) = begin(&mut client, HEALTH, GRPC);
        sender.send_data(frame(b""), true).unwrap();
        let answer = answer.await.unwrap();
        assert_eq!(answer.headers()["content-type"], GRPC);
        let (bytes, trailers) = rest(answer.into_body()).await;
        assert_eq!(
            (bytes, &trailers["grpc-status"]),
            (vec![0, 0, 0, 0, 2, 8, 1], &"0".parse().unwrap())
        );

        let (answer, mut sender) = begin(&mut client, "/nobody.Knows/It", GRPC);
        sender.send_data(frame(b""), true).unwrap();
        let (_, trailers) = rest(answer.await.unwrap().into_body()).await;
        assert_eq!(trailers["grpc-status"], "12");

        // Questions and answers take turns on one stream.
        let (answer, mut sender) = begin(&mut client, REFLECTION, GRPC);
        sender.send_data(frame(b"\x3a\x01*"), false).unwrap();
        let mut body = answer.await.unwrap().into_body();
        let services = next(&mut body).await;
        let name = b"status.v3alpha.StatusService";
        assert!(services.ends_with(name), "{services:?}");
        let question = [&[0x22, 28][..], name].concat();
        sender.send_data(frame(&question), true).unwrap();
        let (file, trailers) = rest(body).await;
        assert!(String::from_utf8_lossy(&file).contains("status/v3alpha/status.proto"));
        assert_eq!(trailers["grpc-status"], "0");

        // The API is there too.
        let request = Request::get("http://server/-/healthy").body(()).unwrap();
        let (answer, _) = client.send_request(request, true).unwrap();
        assert_eq!(answer.await.unwrap().status(), 200);
    });
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn a_watch_does_not_hold_up_the_end_and_is_measured() {
    let setup = Setup::ours(CONFIG);
    let mut server = setup.start();
    let labels = "service=\"grpc.health.v1.Health\",procedure=\"Watch\"";
    let gauge = "alertmanager_api_connect_stream_requests_in_flight";
    block_on(async {
        let mut client = connect(&server).await;
        let (answer, mut sender) = begin(&mut client, WATCH, GRPC);
        sender.send_data(frame(b""), true).unwrap();
        let mut body = answer.await.unwrap().into_body();
        assert_eq!(next(&mut body).await, [0, 0, 0, 0, 2, 8, 1].as_slice());
        assert_eq!(server.metric(gauge, labels), Some(1.0));
        drop((body, sender));
        server.wait_for_metric(gauge, labels, 0.0);

        let (answer, mut sender) = begin(&mut client, WATCH, GRPC);
        sender.send_data(frame(b""), true).unwrap();
        let mut body = answer.await.unwrap().into_body();
        next(&mut body).await;
        server.process.terminate();
        assert!(body.data().await.unwrap().is_err(), "the stream is cut off");
    });
    assert_eq!(server.process.wait().code(), Some(0));
}

//! The HTTP API as clients see it: whole requests in, whole answers out, with a real engine.

mod backend;
mod compat;
mod hostile;
mod limits;
mod pages;
mod receiver_test;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use bellwether_api::{ApiSettings, TolerantListener, router};
use http::Request;
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use backend::TestBackend;

/// What came back.
#[derive(Debug, PartialEq)]
pub struct Reply {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub text: String,
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

pub fn setup() -> (Arc<TestBackend>, Router) {
    setup_with(ApiSettings::default())
}

pub fn setup_with(settings: ApiSettings) -> (Arc<TestBackend>, Router) {
    let backend = Arc::new(TestBackend::new());
    (backend.clone(), router(backend, settings))
}

pub async fn send(router: &Router, request: Request<Body>) -> Reply {
    let response = router.clone().oneshot(request).await.expect("a router never fails");
    let (parts, body) = response.into_parts();
    let text = body.collect().await.expect("a body in memory").to_bytes();
    let headers = parts.headers.iter().map(|(name, value)| {
        (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    Reply {
        status: parts.status.as_u16(),
        headers: headers.collect(),
        text: String::from_utf8_lossy(&text).into_owned(),
    }
}

pub async fn get(router: &Router, path: &str) -> Reply {
    send(router, Request::get(path).body(Body::empty()).expect("a fixed request")).await
}

pub async fn post(router: &Router, path: &str, body: impl Into<Body>) -> Reply {
    let request = Request::post(path).header("content-type", "application/json");
    send(router, request.body(body.into()).expect("a fixed request")).await
}

/// Serves on loopback until the test ends.
pub async fn serve(router: &Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let router = router.clone();
    tokio::spawn(async move { axum::serve(TolerantListener(listener), router).await });
    address
}

/// Sends a whole request, and reads until the connection ends or a JSON object does.
pub async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut client = TcpStream::connect(address).await.expect("a listener");
    client.write_all(request.as_bytes()).await.expect("sent");
    let mut reply = Vec::new();
    let mut piece = [0; 1024];
    // A reset may follow the answer, if the body was not read; what came before it counts.
    while let Ok(count @ 1..) = client.read(&mut piece).await {
        reply.extend_from_slice(&piece[..count]);
        if reply.ends_with(b"}") {
            break;
        }
    }
    String::from_utf8_lossy(&reply).into_owned()
}

//! A server on loopback that records what it is asked and answers with whatever bytes a test says.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bellwether_courier::{Client, Dials, NetworkPolicy, Redactor};
use bellwether_integrations::http::{HttpConfig, Method, Request, RequestError, Response};
use bellwether_model::Secret;
use bytes::Bytes;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

pub struct Server {
    pub address: SocketAddr,
    log: Arc<Mutex<Vec<Received>>>,
    /// How many bytes of floods were written before the client hung up; `None` while it reads.
    pub flooded: watch::Receiver<Option<u64>>,
}

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    pub line: String,
    /// Names as they were spelled.
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// Which connection, from 0.
    pub connection: usize,
    pub tls: Option<Handshake>,
}

#[derive(Clone, Debug)]
pub struct Handshake {
    pub server_name: Option<String>,
    pub version: rustls::ProtocolVersion,
    pub client_certificates: usize,
}

pub enum Answer {
    /// And wait for the next request.
    Keep(String),
    Close(String),
    /// Neither speak nor hang up any more.
    Hang(String),
    /// After the text, zeros until the client hangs up.
    Flood(String),
    /// Become a tunnel to this address.
    Tunnel(SocketAddr),
}

type Answering = dyn Fn(&Received) -> Answer + Send + Sync;

struct Shared {
    log: Arc<Mutex<Vec<Received>>>,
    answering: Box<Answering>,
    tls: Option<TlsAcceptor>,
    flooded: watch::Sender<Option<u64>>,
}

impl Server {
    pub async fn start(answering: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        Self::listen(None, Box::new(answering)).await
    }

    pub async fn start_tls(
        tls: ServerConfig,
        answering: impl Fn(&Received) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::listen(Some(TlsAcceptor::from(Arc::new(tls))), Box::new(answering)).await
    }

    async fn listen(tls: Option<TlsAcceptor>, answering: Box<Answering>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has ports");
        let address = listener.local_addr().expect("it is bound");
        let (flooded, floods) = watch::channel(None);
        let log = Arc::default();
        let shared = Arc::new(Shared { log: Arc::clone(&log), answering, tls, flooded });
        tokio::spawn(async move {
            for connection in 0.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                tokio::spawn(shared.clone().welcome(stream, connection));
            }
        });
        Server { address, log, flooded: floods }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn received(&self) -> Vec<Received> {
        self.log.lock().expect("no test panics while it holds the log").clone()
    }

    /// The only request that came.
    #[track_caller]
    pub fn only(&self) -> Received {
        let received = self.received();
        assert_eq!(received.len(), 1, "{received:#?}");
        received.into_iter().next().expect("there is one")
    }
}

impl Shared {
    async fn welcome(self: Arc<Self>, stream: TcpStream, connection: usize) {
        let Some(tls) = &self.tls else { return self.serve(stream, connection, None).await };
        let Ok(stream) = tls.accept(stream).await else { return };
        let session = stream.get_ref().1;
        let handshake = Handshake {
            server_name: session.server_name().map(str::to_owned),
            version: session.protocol_version().expect("the handshake is over"),
            client_certificates: session.peer_certificates().map_or(0, <[_]>::len),
        };
        self.serve(stream, connection, Some(handshake)).await;
    }

    async fn serve(
        &self,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
        connection: usize,
        tls: Option<Handshake>,
    ) {
        while let Some(received) = receive(&mut stream, connection, tls.clone()).await {
            self.log.lock().expect("no test panics while it holds the log").push(received.clone());
            let (text, then) = match (self.answering)(&received) {
                Answer::Keep(text) => (text, Then::Listen),
                Answer::Close(text) => (text, Then::HangUp),
                Answer::Hang(text) => (text, Then::Hang),
                Answer::Flood(text) => (text, Then::Flood),
                Answer::Tunnel(to) => ("HTTP/1.1 200 OK\r\n\r\n".into(), Then::Tunnel(to)),
            };
            if stream.write_all(text.as_bytes()).await.is_err() || stream.flush().await.is_err() {
                return;
            }
            match then {
                Then::Listen => {}
                Then::HangUp => {
                    let _ = stream.shutdown().await;
                    return;
                }
                Then::Hang => return std::future::pending().await,
                Then::Flood => {
                    let zeros = vec![0; 64 * 1024];
                    let mut written = 0;
                    while stream.write_all(&zeros).await.is_ok() {
                        written += zeros.len() as u64;
                    }
                    self.flooded.send_replace(Some(written));
                    return;
                }
                Then::Tunnel(to) => {
                    let mut far = TcpStream::connect(to).await.expect("the tunnel's end listens");
                    let _ = copy_bidirectional(&mut stream, &mut far).await;
                    return;
                }
            }
        }
    }
}

enum Then {
    Listen,
    HangUp,
    Hang,
    Flood,
    Tunnel(SocketAddr),
}

async fn receive(
    stream: &mut (impl AsyncRead + Unpin),
    connection: usize,
    tls: Option<Handshake>,
) -> Option<Received> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).expect("heads are ASCII");
    let mut lines = head.trim_end().split("\r\n");
    let line = lines.next().expect("a head has a first line").to_owned();
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").expect("name and value"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut received = Received { line, headers, body: String::new(), connection, tls };
    let length = received.header("Content-Length").map_or(0, |text| text.parse().expect("digits"));
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    received.body = String::from_utf8(body).expect("tests send text");
    Some(received)
}

impl Received {
    /// The values of a header, joined.
    pub fn header(&self, name: &str) -> Option<String> {
        let same = self.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        let values: Vec<&str> = same.map(|(_, value)| value.as_str()).collect();
        (!values.is_empty()).then(|| values.join("|"))
    }
}

/// A port on loopback whose queue of connections is full: connecting to it never ends.
pub struct FullPort {
    pub address: SocketAddr,
    _listener: TcpListener,
    _queued: Vec<TcpStream>,
}

impl FullPort {
    pub async fn new() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("loopback has ports");
        let listener = socket.listen(0).expect("it is bound");
        let address = listener.local_addr().expect("it is bound");
        // A queue of length 0 takes one connection.
        let queued = TcpStream::connect(address).await.expect("there is room for one");
        FullPort { address, _listener: listener, _queued: vec![queued] }
    }
}

/// A port on loopback that nobody listens to.
pub async fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has ports");
    listener.local_addr().expect("it is bound").port()
}

/// `status` with a body of a few letters.
pub fn plain(status: u16, body: &str) -> Answer {
    with_headers(status, "", body)
}

/// `headers` end with a line break each.
pub fn with_headers(status: u16, headers: &str, body: &str) -> Answer {
    let length = body.len();
    Answer::Keep(format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\n\r\n{body}"))
}

pub fn ok(_: &Received) -> Answer {
    plain(200, "")
}

pub fn post(url: &str) -> Request {
    Request {
        method: Method::Post,
        url: Secret::new(url),
        headers: vec![("Content-Type".into(), "application/json".into())],
        body: Bytes::from("{}"),
        timeout: None,
    }
}

/// Far enough away for a busy machine, near enough to end a test that hangs.
pub fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

pub fn client(change: impl FnOnce(&mut HttpConfig)) -> Client {
    client_with(&NetworkPolicy::default(), change)
}

pub fn client_with(policy: &NetworkPolicy, change: impl FnOnce(&mut HttpConfig)) -> Client {
    let mut config = HttpConfig::default();
    change(&mut config);
    Client::build(&config, policy, &Dials::default()).expect("a good configuration")
}

/// Posts to `url` and waits for the answer.
pub async fn post_to(client: &Client, url: &str) -> Result<Response, RequestError> {
    client.send(post(url), &Redactor::default(), soon()).await
}

/// The text of the transport error that `answer` must be.
#[track_caller]
pub fn transport_error(answer: Result<Response, RequestError>) -> String {
    match answer {
        Err(RequestError::Transport(text)) => text,
        other => panic!("not a transport error: {other:?}"),
    }
}

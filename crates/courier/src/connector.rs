//! Opens connections: to a receiver, or through a proxy, with TLS where the URL has it.
//!
//! In: scheme, host and port. Out: a [`Stream`], or the failure in the words of Go's `net` and
//! `net/http`, with the phase in which it happened.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bellwether_encoding::http1::first_line;
use http::Uri;
use http::header::HeaderMap;
use hyper_util::client::legacy::connect::proxy::SocksV5;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tower::{Service, service_fn};
use url::Url;

use crate::answers::{AnswerStream, StatusLine};
use crate::dials::{DialError, DialFailure, Dials, Established};
use crate::firewall::Firewall;
use crate::header::basic;
use crate::network::{self, ConnectError, causes, find, permitted};
use crate::progress::note_connecting;
use crate::proxy::ProxyRules;

/// Limit: for everything until the connection can be used.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Limit: bytes of a proxy's answer to `CONNECT`.
const TUNNEL_HEAD_BYTES_MAX: usize = 64 << 10;

/// Opens the connections of one client; cheap to clone.
#[derive(Clone)]
pub struct Connector {
    pub proxies: Arc<ProxyRules>,
    /// For receivers; says which versions of HTTP are offered.
    pub tls: Arc<ClientConfig>,
    /// For proxies.
    pub proxy_tls: Arc<ClientConfig>,
    /// Sent and expected instead of the URL's host.
    pub server_name: Option<ServerName<'static>>,
    pub firewall: Arc<Firewall>,
    /// Where connections are counted.
    pub dials: Dials,
}

/// An open connection.
pub struct Stream {
    io: AnswerStream<Box<dyn Duplex>>,
    _established: Established,
    /// Requests on it are in absolute form.
    is_for_proxy: bool,
    is_http2: bool,
    addresses: Addresses,
}

/// The other end: `10.0.0.1:443`, or all addresses that its name has.
#[derive(Clone)]
pub struct Addresses(pub Arc<str>);

trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// A connection before TLS.
struct Tcp<T> {
    io: T,
    addresses: Addresses,
    established: Established,
}

/// Host and port of a URL or URI.
struct Target {
    /// Without brackets.
    host: String,
    port: u16,
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let url = Url::parse(&uri.to_string()).map_err(|error| error.to_string())?;
            this.connect(&url).await.map(TokioIo::new)
        })
    }
}

impl Connector {
    async fn connect(&self, url: &Url) -> Result<Stream, ConnectError> {
        let deadline = Instant::now() + CONNECT_TIMEOUT;
        let target = Target::of(url);
        let has_tls = url.scheme() == "https";
        let Some(proxy) = self.proxies.proxy_for(url) else {
            let tcp = self.open(&target, Some(&self.firewall), deadline).await?;
            return Ok(self.secured(tcp, &target, has_tls, deadline).await?);
        };
        if let Ok(address) = target.host.parse()
            && let Some(reason) = self.firewall.refusal(address)
        {
            return Err(ConnectError::Denied(format!("dial tcp: {reason}")));
        }
        let proxy_target = Target::of(proxy);
        let through = |failure: String| format!("proxyconnect tcp: {failure}");
        let opening = self.open(&proxy_target, None, deadline).await;
        let Tcp { io: tcp, addresses, established } =
            opening.map_err(|error| through(error.to_string()))?;
        if proxy.scheme() == "socks5h" {
            let io = socks(tcp, proxy, url, &target, &addresses, deadline).await?;
            let tunnel = Tcp { io, addresses, established };
            return Ok(self.secured(tunnel, &target, has_tls, deadline).await?);
        }
        let mut io: Box<dyn Duplex> = Box::new(tcp);
        if proxy.scheme() == "https" {
            let name = self.name(&proxy_target).map_err(through)?;
            let connecting = TlsConnector::from(self.proxy_tls.clone()).connect(name, io);
            io = Box::new(handshake(connecting, &addresses, deadline).await.map_err(through)?);
        }
        if !has_tls {
            return Ok(Stream {
                io: AnswerStream::new(io),
                _established: established,
                is_for_proxy: true,
                is_http2: false,
                addresses,
            });
        }
        let headers = &self.proxies.connect_headers;
        note_connecting(|| format!("proxyconnect tcp: read tcp {}", addresses.0));
        let opening = tunnel(&mut io, &target, proxy, headers);
        let opened = timeout_at(deadline, opening).await;
        opened.unwrap_or_else(|_| Err(format!("read tcp {}: i/o timeout", addresses.0)))?;
        let tunnel = Tcp { io, addresses, established };
        Ok(self.secured(tunnel, &target, has_tls, deadline).await?)
    }

    /// A TCP connection to the receiver or a proxy, which is counted.
    async fn open(
        &self,
        target: &Target,
        firewall: Option<&Firewall>,
        deadline: Instant,
    ) -> Result<Tcp<TcpStream>, ConnectError> {
        let mut denied = None;
        let opening = async {
            let mut found = resolve(target, deadline).await?;
            if let Some(firewall) = firewall {
                found = permitted(found, firewall).map_err(|error| {
                    let text = error.to_string();
                    denied = Some(error);
                    DialError { failure: DialFailure::Other, text }
                })?;
            }
            dial(target, found, deadline).await
        };
        match self.dials.following(opening).await {
            Ok(((io, addresses), established)) => Ok(Tcp { io, addresses, established }),
            Err(error) => Err(denied.unwrap_or(ConnectError::Failed(error.text))),
        }
    }

    /// The connection to the receiver itself.
    async fn secured(
        &self,
        tcp: Tcp<impl Duplex + 'static>,
        target: &Target,
        has_tls: bool,
        deadline: Instant,
    ) -> Result<Stream, String> {
        let Tcp { io, addresses, established: _established } = tcp;
        let io: Box<dyn Duplex> = Box::new(io);
        let is_for_proxy = false;
        if !has_tls {
            let io = AnswerStream::new(io);
            return Ok(Stream { io, _established, is_for_proxy, is_http2: false, addresses });
        }
        let connecting = TlsConnector::from(self.tls.clone()).connect(self.name(target)?, io);
        let stream = handshake(connecting, &addresses, deadline).await?;
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let io: Box<dyn Duplex> = Box::new(stream);
        let io = if is_http2 { AnswerStream::untouched(io) } else { AnswerStream::new(io) };
        Ok(Stream { io, _established, is_for_proxy, is_http2, addresses })
    }

    fn name(&self, target: &Target) -> Result<ServerName<'static>, String> {
        match &self.server_name {
            Some(name) => Ok(name.clone()),
            None => ServerName::try_from(target.host.clone())
                .map_err(|_| "tls: the URL's host cannot be in a certificate".to_owned()),
        }
    }
}

impl Target {
    fn of(url: &Url) -> Self {
        let host = url.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        // A proxy's URL without a port means the one of SOCKS, as in Go.
        let default = if url.scheme() == "socks5h" { 1080 } else { 80 };
        Target { host, port: url.port_or_known_default().unwrap_or(default) }
    }

    /// As in the first line of `CONNECT`.
    fn authority(&self) -> String {
        let Target { host, port } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

async fn resolve(target: &Target, deadline: Instant) -> Result<Vec<SocketAddr>, DialError> {
    let looking = || format!("dial tcp: lookup {}", target.host);
    note_connecting(looking);
    let failed = |text| DialError { failure: DialFailure::Resolution, text };
    let lookup = timeout_at(deadline, network::lookup(&target.host, target.port)).await;
    lookup
        .map_err(|_| failed(format!("{}: i/o timeout", looking())))?
        .map_err(|error| failed(format!("dial tcp: {error}")))
}

/// A TCP connection to the first address that accepts one, IPv4 and IPv6 in parallel.
async fn dial(
    target: &Target,
    found: Vec<SocketAddr>,
    deadline: Instant,
) -> Result<(TcpStream, Addresses), DialError> {
    let addresses: Vec<String> = found.iter().map(SocketAddr::to_string).collect();
    let addresses = Addresses(addresses.join(", ").into());
    note_connecting(|| format!("dial tcp {}", addresses.0));
    let resolver =
        service_fn(move |_| std::future::ready(io::Result::Ok(found.clone().into_iter())));
    let mut connector = HttpConnector::new_with_resolver(resolver);
    connector.enforce_http(false);
    connector.set_nodelay(true);
    let uri = Uri::builder().scheme("http").authority(target.authority()).path_and_query("/");
    let failed = |failure, reason: &dyn std::fmt::Display| {
        Err(DialError { failure, text: format!("dial tcp {}: {reason}", addresses.0) })
    };
    let uri = match uri.build() {
        Ok(uri) => uri,
        Err(error) => return failed(DialFailure::Other, &error),
    };
    match timeout_at(deadline, connector.call(uri)).await {
        Ok(Ok(tcp)) => Ok((tcp.into_inner(), addresses)),
        Ok(Err(error)) => {
            let causes = causes(&error);
            let io_error = find::<io::Error>(&causes);
            let failure = match io_error.map(io::Error::kind) {
                Some(io::ErrorKind::ConnectionRefused) => DialFailure::Refused,
                _ => DialFailure::Other,
            };
            let reason = io_error.map_or_else(|| error.to_string(), network::describe);
            failed(failure, &format_args!("connect: {reason}"))
        }
        Err(_) => failed(DialFailure::Timeout, &"i/o timeout"),
    }
}

async fn handshake<T>(
    connecting: impl Future<Output = io::Result<T>>,
    addresses: &Addresses,
    deadline: Instant,
) -> Result<T, String> {
    note_connecting(|| format!("TLS handshake with {}", addresses.0));
    match timeout_at(deadline, connecting).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error))
            if error.get_ref().is_some_and(<dyn Error + Send + Sync>::is::<rustls::Error>) =>
        {
            Err(network::describe(&error))
        }
        Ok(Err(error)) => {
            Err(format!("TLS handshake with {}: {}", addresses.0, network::describe(&error)))
        }
        Err(_) => {
            Err(format!("TLS handshake with {}: net/http: TLS handshake timeout", addresses.0))
        }
    }
}

/// Asks a proxy for a connection to the target.
async fn tunnel(
    io: &mut Box<dyn Duplex>,
    target: &Target,
    proxy: &Url,
    headers: &HeaderMap,
) -> Result<(), String> {
    let authority = target.authority();
    let mut request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n").into_bytes();
    let credentials = credentials(proxy).map(|(user, password)| basic(&user, &password));
    let credentials = credentials.transpose().map_err(|_| "unusable proxy credentials")?;
    let own = credentials.iter().map(|value| ("Proxy-Authorization", value));
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value));
    for (name, value) in own.chain(headers) {
        request.extend_from_slice(name.as_bytes());
        request.extend_from_slice(b": ");
        request.extend_from_slice(value.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    let failed = |error: io::Error| format!("proxyconnect tcp: {}", network::describe(&error));
    io.write_all(&request).await.map_err(failed)?;
    io.flush().await.map_err(failed)?;
    let mut head = Vec::new();
    // One by one: what follows the head belongs to the receiver.
    while !head.ends_with(b"\n\n") && !head.ends_with(b"\n\r\n") {
        if head.len() >= TUNNEL_HEAD_BYTES_MAX {
            return Err("proxyconnect tcp: the proxy's answer is too long".to_owned());
        }
        head.push(io.read_u8().await.map_err(failed)?);
    }
    let line = StatusLine::parse(first_line(&head).0)
        .map_err(|fault| format!("proxyconnect tcp: {fault}"))?;
    match line {
        StatusLine { code: 200, .. } => Ok(()),
        StatusLine { reason, .. } if !reason.is_empty() => Err(reason),
        StatusLine { .. } => Err("unknown status code".to_owned()),
    }
}

/// Asks a SOCKS proxy for a connection to the target; the proxy resolves its name.
async fn socks(
    tcp: TcpStream,
    proxy: &Url,
    url: &Url,
    target: &Target,
    addresses: &Addresses,
    deadline: Instant,
) -> Result<TcpStream, String> {
    let step = format!("socks connect tcp {}->{}", addresses.0, target.authority());
    note_connecting(|| step.clone());
    let failed = |reason: &dyn std::fmt::Display| format!("{step}: {reason}");
    let mut tcp = Some(TokioIo::new(tcp));
    let connect = service_fn(move |_: Uri| {
        std::future::ready(tcp.take().ok_or(io::Error::from(io::ErrorKind::NotConnected)))
    });
    let mut socks = SocksV5::new(Uri::default(), connect);
    if let Some((user, password)) = credentials(proxy) {
        socks = socks.with_auth(user, password);
    }
    let uri = Uri::builder().scheme(url.scheme()).authority(target.authority()).path_and_query("/");
    let uri = uri.build().map_err(|error| failed(&error))?;
    match timeout_at(deadline, socks.call(uri)).await {
        Ok(Ok(tcp)) => Ok(tcp.into_inner()),
        Ok(Err(error)) => Err(failed(&error)),
        Err(_) => Err(failed(&"i/o timeout")),
    }
}

/// User and password of a proxy's URL.
pub fn credentials(proxy: &Url) -> Option<(String, String)> {
    if proxy.username().is_empty() && proxy.password().is_none() {
        return None;
    }
    let decoded = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
    Some((decoded(proxy.username()), decoded(proxy.password().unwrap_or_default())))
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        let connected = Connected::new().proxy(self.is_for_proxy).extra(self.addresses.clone());
        if self.is_http2 { connected.negotiated_h2() } else { connected }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, out)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

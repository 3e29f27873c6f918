//! Connections: a pool of them, through which proxy, and when they are replaced.
//!
//! In: one request, complete with its headers. Out: the head of its response. Connections are kept
//! for the next request; when a certificate file changes they are dropped, and new ones are made
//! with the new content. How one is opened is `connector`'s.

use std::convert::Infallible;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bellwether_integrations::http::{ProxyConfig, RequestError, TlsConfig};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderValue, PROXY_AUTHORIZATION};
use http::{Method, Request, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use url::Url;

use crate::connector::{Connector, credentials};
use crate::dials::Dials;
use crate::error::{BuildError, denied, transport, unusable};
use crate::firewall::Firewall;
use crate::header::basic;
use crate::progress::Progress;
use crate::proxy::ProxyRules;
use crate::redactor::Redactor;
use crate::tls::{self, TlsMaterial, reject_secret_refs};
use crate::transport_error;

/// An unused connection is closed after this time.
const IDLE_CONNECTION_MAX: Duration = Duration::from_secs(5 * 60);
/// An HTTP/2 connection without traffic is pinged this often, …
const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(60);
/// … and closed after this time without an answer.
const HTTP2_PING_TIMEOUT: Duration = Duration::from_secs(15);

/// The head of a response, and its body to be read.
pub type Answer = http::Response<Incoming>;

type HttpClient = legacy::Client<Connector, Full<Bytes>>;

/// The connections of one client.
pub struct Transport {
    tls: Arc<TlsConfig>,
    http2: Http2,
    proxies: Arc<ProxyRules>,
    firewall: Arc<Firewall>,
    dials: Dials,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Http2 {
    Offer,
    Avoid,
}

/// What is thrown away when a certificate file changes.
struct State {
    material: TlsMaterial,
    client: HttpClient,
}

/// One request as it goes on the connection.
pub struct OutgoingRequest {
    pub method: Method,
    /// Says where it goes; its path and query are those of a browser, and not sent.
    pub url: Url,
    /// Path and query as they are asked for.
    pub target: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Transport {
    /// # Errors
    /// If a file is unreadable or holds no certificate or key, and if a name or URL is none.
    pub fn build(
        tls: &TlsConfig,
        proxy: &ProxyConfig,
        http2: Http2,
        firewall: &Arc<Firewall>,
        dials: &Dials,
    ) -> Result<Self, BuildError> {
        reject_secret_refs(tls)?;
        let material = TlsMaterial::read(tls).map_err(|unreadable| BuildError::Unreadable {
            what: unreadable.what,
            path: unreadable.path,
            source: unreadable.source,
        })?;
        let settings = tls::client_config(tls, &material)?;
        let proxies = Arc::new(ProxyRules::build(proxy, |name| std::env::var(name).ok())?);
        let tls = Arc::new(tls.clone());
        let client = client(&tls, settings, http2, &proxies, firewall, dials);
        dials.begin();
        let (firewall, dials) = (Arc::clone(firewall), dials.clone());
        let state = Mutex::new(State { material, client });
        Ok(Transport { tls, http2, proxies, firewall, dials, state })
    }

    /// Sends one request and waits for the head of its answer, however long that takes; `progress`
    /// says what it is waiting for.
    pub async fn send(
        &self,
        outgoing: OutgoingRequest,
        progress: &Progress,
    ) -> Result<Answer, RequestError> {
        let OutgoingRequest { method, url, target, mut headers, body } = outgoing;
        let operation = transport_error::operation(&method, &url);
        let phase = progress.enter(&operation);
        if TlsMaterial::may_change(&self.tls) {
            self.refresh().await?;
        }
        // Some servers refuse a POST that does not say that it has no body.
        if body.is_empty() && matches!(method, Method::POST | Method::PUT) {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        if url.scheme() == "http"
            && let Some(proxy) = self.proxies.proxy_for(&url)
            && proxy.scheme() != "socks5h"
            && let Some((user, password)) = credentials(proxy)
        {
            headers.entry(PROXY_AUTHORIZATION).or_insert(basic(&user, &password)?);
        }
        let uri =
            uri(&url, &target).map_err(|_| unusable("\"<redacted>\" cannot stand in a request"))?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        let client = self.state.lock().unwrap_or_else(PoisonError::into_inner).client.clone();
        let failed = |error| {
            let text = format!("{operation}: {}", transport_error::describe(&error));
            if transport_error::is_denied(&error) { denied(text) } else { transport(text) }
        };
        let connected = capture_connection(&mut request);
        tokio::select! {
            answer = phase.following(client.request(request)) => answer.map_err(failed),
            never = note_connected(connected, &phase) => match never {},
        }
    }

    /// Adds the credentials that proxies are sent.
    pub fn add_proxy_secrets(&self, redactor: &Redactor) {
        self.proxies.add_secrets_to(redactor);
    }

    /// Reads the files of `tls_config`, and drops all connections if they have changed.
    async fn refresh(&self) -> Result<(), RequestError> {
        let tls = self.tls.clone();
        let read = tokio::task::spawn_blocking(move || TlsMaterial::read(&tls)).await;
        let material = read.map_err(|_| transport("reading TLS files was interrupted"))?.map_err(
            |unreadable| {
                transport(format!(
                    "unable to read {} {}: {}",
                    unreadable.what, unreadable.path, unreadable.source
                ))
            },
        )?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.material != material {
            let settings = tls::client_config(&self.tls, &material)
                .map_err(|error| transport(error.to_string()))?;
            let Transport { tls, http2, proxies, firewall, dials, state: _ } = self;
            let client = client(tls, settings, *http2, proxies, firewall, dials);
            *state = State { material, client };
        }
        Ok(())
    }
}

/// Says that the answer is waited for, once there is a connection.
async fn note_connected(mut connected: CaptureConnection, phase: &Progress) -> Infallible {
    if let Some(connection) = connected.wait_for_connection_metadata().await.as_ref() {
        let peer = transport_error::peer(connection);
        phase.set(format!("awaiting headers from{peer}"));
    }
    pending().await
}

/// Compat: spaces, quotes, angle brackets and what is not ASCII are escaped in a query; Go sends them as
/// they are, although they have no place in a request's first line.
fn uri(url: &Url, target: &str) -> http::Result<Uri> {
    let host = url.host_str().unwrap_or_default();
    let authority = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let target = utf8_percent_encode(target, NOT_IN_TARGET).to_string();
    Uri::builder().scheme(url.scheme()).authority(authority).path_and_query(target).build()
}

const NOT_IN_TARGET: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>');

fn client(
    tls: &TlsConfig,
    settings: ClientConfig,
    http2: Http2,
    proxies: &Arc<ProxyRules>,
    firewall: &Arc<Firewall>,
    dials: &Dials,
) -> HttpClient {
    let proxy_tls = Arc::new(settings.clone());
    let mut offering = settings;
    if http2 == Http2::Offer {
        offering.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    }
    let connector = Connector {
        proxies: Arc::clone(proxies),
        tls: Arc::new(offering),
        proxy_tls,
        // It has been parsed before, for the settings.
        server_name: ServerName::try_from(tls.server_name.clone()).ok(),
        firewall: Arc::clone(firewall),
        dials: dials.clone(),
    };
    legacy::Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_CONNECTION_MAX)
        .http1_title_case_headers(true)
        .http2_keep_alive_interval(HTTP2_PING_INTERVAL)
        .http2_keep_alive_timeout(HTTP2_PING_TIMEOUT)
        .build(connector)
}

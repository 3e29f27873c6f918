//! Connections: which there are, through what they lead, and when they must be made anew.
//!
//! In: one request, complete with its headers. Out: the beginning of its answer. Connections are
//! kept for the next request; when a certificate file changes they are left behind and new ones are
//! made with what the file says then.
//!
//! Requests travel in lanes, each with its own pool. Mostly there is one, the direct one. Requests
//! through a proxy have another, because whether to use the proxy is asked anew for each URL. And
//! with a `server_name` there is one for each real host: the HTTP library always shows the TLS peer
//! the URL's host, so there the URL carries `server_name`, resolved to the real host's addresses,
//! and the `Host` header carries the real one. Such a lane speaks HTTP/1.1 only, because in HTTP/2
//! host and URL cannot differ.
//! Limit: through a proxy the certificate is checked against `server_name` as well, but the name
//! shown to the peer is the URL's.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bellwether_integrations::http::{ProxyConfig, RequestError, TlsConfig};
use bytes::Bytes;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderValue};
use reqwest::{Method, Proxy};
use rustls::ClientConfig;
use url::{Host, Url};

use crate::error::{BuildError, described, transport, unusable};
use crate::proxy::ProxyRules;
use crate::redactor::Redactor;
use crate::tls::{self, TlsMaterial};

/// Limit: for a TCP connection and its TLS handshake together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// An unused connection is closed after this time.
const IDLE_CONNECTION_MAX: Duration = Duration::from_secs(5 * 60);
/// A silent HTTP/2 connection is asked for a sign of life this often, …
const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(60);
/// … and given up after this time without one.
const HTTP2_PING_TIMEOUT: Duration = Duration::from_secs(15);
/// Limit: lanes of one transport; more than a redirecting receiver with `server_name` needs.
const LANES_MAX: usize = 16;

/// The connections of one client.
pub struct Transport {
    tls: Arc<TlsConfig>,
    http2: Http2,
    proxies: ProxyRules,
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
    settings: ClientConfig,
    /// Made when they are first needed.
    lanes: BTreeMap<Lane, reqwest::Client>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    Direct,
    Proxied,
    /// To this host, which shows a certificate for `server_name`.
    Named(String),
}

/// One request as it goes on the wire.
pub struct Dispatch {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Transport {
    /// # Errors
    /// If a file is unreadable or holds no certificate or key, and if a name or URL is none.
    pub fn build(tls: &TlsConfig, proxy: &ProxyConfig, http2: Http2) -> Result<Self, BuildError> {
        reject_secret_refs(tls)?;
        let material = TlsMaterial::read(tls).map_err(|unreadable| BuildError::Unreadable {
            what: unreadable.what,
            path: unreadable.path,
            source: unreadable.source,
        })?;
        let settings = tls::client_config(tls, &material)?;
        Ok(Transport {
            tls: Arc::new(tls.clone()),
            http2,
            proxies: ProxyRules::build(proxy, |name| std::env::var(name).ok())?,
            state: Mutex::new(State { material, settings, lanes: BTreeMap::new() }),
        })
    }

    /// Sends one request and waits for the head of its answer, however long that takes.
    pub async fn send(&self, dispatch: Dispatch) -> Result<reqwest::Response, RequestError> {
        let Dispatch { method, mut url, mut headers, body } = dispatch;
        let verb = method.clone();
        if TlsMaterial::may_change(&self.tls) {
            self.refresh().await?;
        }
        let lane = self.lane(&url);
        if let Lane::Named(_) = lane {
            headers.insert(HOST, host_header(&url)?);
            url.set_host(Some(&self.tls.server_name))
                .map_err(|_| unusable("server_name cannot stand in a URL"))?;
        }
        // Some servers refuse a POST that does not say that it has no body.
        if body.is_empty() && matches!(method, Method::POST | Method::PUT) {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let client = self.client(lane).map_err(transport)?;
        let mut request = client.request(method, url).headers(headers);
        if !body.is_empty() {
            request = request.body(body);
        }
        let failed =
            |error| transport(format!("{} \"<redacted>\": {}", in_go(&verb), described(error)));
        request.send().await.map_err(failed)
    }

    /// Notes what proxies get to see.
    pub fn add_proxy_secrets(&self, redactor: &Redactor) {
        self.proxies.add_secrets_to(redactor);
    }

    /// Reads the files of `tls_config`, and begins anew if they have changed.
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
            *state = State { material, settings, lanes: BTreeMap::new() };
        }
        Ok(())
    }

    fn lane(&self, url: &Url) -> Lane {
        if self.proxies.apply_to(url) {
            return Lane::Proxied;
        }
        let named = matches!(Host::parse(&self.tls.server_name), Ok(Host::Domain(_)));
        match url.host_str() {
            Some(host) if named && url.scheme() == "https" && host != self.tls.server_name => {
                Lane::Named(host.to_owned())
            }
            _ => Lane::Direct,
        }
    }

    fn client(&self, lane: Lane) -> Result<reqwest::Client, String> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = state.lanes.get(&lane) {
            return Ok(client.clone());
        }
        let client = self.built(&lane, state.settings.clone()).map_err(described)?;
        if state.lanes.len() >= LANES_MAX {
            state.lanes.clear();
        }
        state.lanes.insert(lane, client.clone());
        Ok(client)
    }

    fn built(&self, lane: &Lane, mut settings: ClientConfig) -> reqwest::Result<reqwest::Client> {
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .http1_title_case_headers()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_CONNECTION_MAX)
            .http2_keep_alive_interval(HTTP2_PING_INTERVAL)
            .http2_keep_alive_timeout(HTTP2_PING_TIMEOUT);
        if self.http2 == Http2::Offer && !matches!(lane, Lane::Named(_)) {
            settings.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        } else {
            builder = builder.http1_only();
        }
        match lane {
            Lane::Direct => {}
            Lane::Proxied => {
                let ProxyRules { plain, tunnelled, connect_headers, .. } = &self.proxies;
                if let Some(url) = plain {
                    builder = builder.proxy(Proxy::http(url.clone())?);
                }
                if let Some(url) = tunnelled {
                    let proxy = Proxy::https(url.clone())?;
                    builder = builder.proxy(proxy.headers(connect_headers.clone()));
                }
            }
            Lane::Named(host) => builder = builder.dns_resolver(Alias { host: host.clone() }),
        }
        builder.tls_backend_preconfigured(settings).build()
    }
}

/// Resolves every name to the addresses of one host.
struct Alias {
    /// As in a URL: a name, an IPv4 address, or an IPv6 address in brackets.
    host: String,
}

impl Resolve for Alias {
    fn resolve(&self, _name: Name) -> Resolving {
        let host = self.host.clone();
        Box::pin(async move {
            // The port is the URL's, set by the caller.
            let found = tokio::net::lookup_host(format!("{host}:0")).await?;
            let found: Vec<SocketAddr> = found.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// What the `Host` header says about `url`.
fn host_header(url: &Url) -> Result<HeaderValue, RequestError> {
    let host = url.host_str().unwrap_or_default();
    let text = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    HeaderValue::from_str(&text).map_err(|_| unusable("the URL's host cannot stand in a header"))
}

/// `Post` for `POST`, as it stands in the texts of Go's errors.
fn in_go(method: &Method) -> String {
    let (first, rest) = method.as_str().split_at(1);
    first.to_owned() + &rest.to_lowercase()
}

pub fn reject_secret_refs(tls: &TlsConfig) -> Result<(), BuildError> {
    reject_secret_ref("ca_ref", &tls.ca_ref)?;
    reject_secret_ref("cert_ref", &tls.cert_ref)?;
    reject_secret_ref("key_ref", &tls.key_ref)
}

/// No build has a secret manager, nor has the Go Alertmanager.
pub fn reject_secret_ref(field: &str, value: &str) -> Result<(), BuildError> {
    if value.is_empty() {
        return Ok(());
    }
    let reason = "cannot use secret ref without manager";
    Err(BuildError::Unsupported { field: field.to_owned(), reason })
}

#[cfg(test)]
mod tests {
    use bellwether_integrations::http::{ProxyConfig, TlsConfig};

    use super::{Http2, LANES_MAX, Lane, Transport};

    #[test]
    fn lanes_are_kept_up_to_their_limit() {
        let build = Transport::build(&TlsConfig::default(), &ProxyConfig::default(), Http2::Offer);
        let transport = build.expect("the defaults are fine");
        let lanes = || transport.state.lock().expect("nothing panics with it").lanes.len();
        for host in 0..3 * LANES_MAX {
            transport.client(Lane::Named(host.to_string())).expect("a client");
            assert_eq!(lanes(), host % LANES_MAX + 1);
            transport.client(Lane::Named(host.to_string())).expect("the same client");
            assert_eq!(lanes(), host % LANES_MAX + 1);
        }
    }
}

//! Connections: pools of them, through which proxy, and when they are replaced.
//!
//! In: one request, complete with its headers. Out: the head of its response. Connections are kept
//! for the next request; when a certificate file changes they are dropped, and new ones are made
//! with the new content.
//!
//! There are several pools. Mostly one is used, for direct connections. Requests through a proxy
//! have their own, because whether to use the proxy is decided for each URL. And with a
//! `server_name` there is one for each real host: the HTTP library always sends the URL's host as
//! the TLS server name, so there the URL carries `server_name`, resolved to the real host's
//! addresses, and the `Host` header carries the real one. Such a pool uses HTTP/1.1 only, because
//! in HTTP/2 host and URL cannot differ.
//! Limit: through a proxy the certificate is checked against `server_name` as well, but the TLS
//! server name is the URL's host.

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

use crate::error::{BuildError, transport, unusable};
use crate::network;
use crate::proxy::ProxyRules;
use crate::redactor::Redactor;
use crate::tls::{self, TlsMaterial, reject_secret_refs};
use crate::transport_error::{self, Peer};

/// Limit: for a TCP connection and its TLS handshake together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// An unused connection is closed after this time.
const IDLE_CONNECTION_MAX: Duration = Duration::from_secs(5 * 60);
/// An HTTP/2 connection without traffic is pinged this often, …
const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(60);
/// … and closed after this time without an answer.
const HTTP2_PING_TIMEOUT: Duration = Duration::from_secs(15);
/// Limit: pools of one transport; more than a redirecting receiver with `server_name` needs.
const POOLS_MAX: usize = 16;
/// Limit: names whose addresses are remembered for each pool.
const RESOLVED_MAX: usize = 64;

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
    pools: BTreeMap<Pool, PooledClient>,
}

#[derive(Clone)]
struct PooledClient {
    client: reqwest::Client,
    /// The addresses of the names that were resolved last.
    found: Arc<Mutex<BTreeMap<String, Vec<SocketAddr>>>>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Pool {
    Direct,
    Proxied,
    /// To this host, which shows a certificate for `server_name`.
    ServerName(String),
}

/// One request as it goes on the connection.
pub struct OutgoingRequest {
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
            state: Mutex::new(State { material, settings, pools: BTreeMap::new() }),
        })
    }

    /// Sends one request and waits for the head of its answer, however long that takes.
    pub async fn send(&self, outgoing: OutgoingRequest) -> Result<reqwest::Response, RequestError> {
        let OutgoingRequest { method, mut url, mut headers, body } = outgoing;
        let operation = transport_error::operation(&method, &url);
        if TlsMaterial::may_change(&self.tls) {
            self.refresh().await?;
        }
        let pool = self.pool(&url);
        if let Pool::ServerName(_) = pool {
            headers.insert(HOST, host_header(&url)?);
            url.set_host(Some(&self.tls.server_name))
                .map_err(|_| unusable("server_name cannot stand in a URL"))?;
        }
        // Some servers refuse a POST that does not say that it has no body.
        if body.is_empty() && matches!(method, Method::POST | Method::PUT) {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let proxy = self.proxies.proxy_for(&url).cloned();
        let pooled = self.client(pool).map_err(transport)?;
        let mut request = pooled.client.request(method, url.clone()).headers(headers);
        if !body.is_empty() {
            request = request.body(body);
        }
        let failed = |error| {
            let target = proxy.as_ref().unwrap_or(&url);
            let peer = Peer {
                addresses: pooled.addresses(target),
                is_proxy: proxy.is_some(),
                has_tls: [target.scheme(), url.scheme()].contains(&"https"),
            };
            transport(format!("{operation}: {}", transport_error::describe(error, &peer)))
        };
        request.send().await.map_err(failed)
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
            *state = State { material, settings, pools: BTreeMap::new() };
        }
        Ok(())
    }

    fn pool(&self, url: &Url) -> Pool {
        if self.proxies.proxy_for(url).is_some() {
            return Pool::Proxied;
        }
        let named = matches!(Host::parse(&self.tls.server_name), Ok(Host::Domain(_)));
        match url.host_str() {
            Some(host) if named && url.scheme() == "https" && host != self.tls.server_name => {
                Pool::ServerName(host.to_owned())
            }
            _ => Pool::Direct,
        }
    }

    fn client(&self, pool: Pool) -> Result<PooledClient, String> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = state.pools.get(&pool) {
            return Ok(client.clone());
        }
        let client =
            self.build_client(&pool, state.settings.clone()).map_err(|error| error.to_string())?;
        if state.pools.len() >= POOLS_MAX {
            state.pools.clear();
        }
        state.pools.insert(pool, client.clone());
        Ok(client)
    }

    fn build_client(
        &self,
        pool: &Pool,
        mut settings: ClientConfig,
    ) -> reqwest::Result<PooledClient> {
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .http1_title_case_headers()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_CONNECTION_MAX)
            .http2_keep_alive_interval(HTTP2_PING_INTERVAL)
            .http2_keep_alive_timeout(HTTP2_PING_TIMEOUT);
        if self.http2 == Http2::Offer && !matches!(pool, Pool::ServerName(_)) {
            settings.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        } else {
            builder = builder.http1_only();
        }
        let mut fixed_host = None;
        match pool {
            Pool::Direct => {}
            Pool::Proxied => {
                let ProxyRules { plain, tunnelled, connect_headers, .. } = &self.proxies;
                if let Some(url) = plain {
                    builder = builder.proxy(Proxy::http(url.clone())?);
                }
                if let Some(url) = tunnelled {
                    let proxy = Proxy::https(url.clone())?;
                    builder = builder.proxy(proxy.headers(connect_headers.clone()));
                }
            }
            Pool::ServerName(host) => fixed_host = Some(host.clone()),
        }
        let found = Arc::default();
        let resolver = Resolver { fixed_host, found: Arc::clone(&found) };
        let builder = builder.dns_resolver(resolver).tls_backend_preconfigured(settings);
        Ok(PooledClient { client: builder.build()?, found })
    }
}

/// Resolves names, and remembers the addresses for the texts of failures.
struct Resolver {
    /// Resolved in place of every name: as in a URL a name, an IPv4 address, or an IPv6 address in
    /// brackets.
    fixed_host: Option<String>,
    found: Arc<Mutex<BTreeMap<String, Vec<SocketAddr>>>>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = self.fixed_host.clone().unwrap_or_else(|| name.as_str().to_owned());
        let found = Arc::clone(&self.found);
        Box::pin(async move {
            // The port is the URL's, set by the caller.
            let addresses = network::lookup(&host, 0).await?;
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            if found.len() >= RESOLVED_MAX {
                found.clear();
            }
            found.insert(name.as_str().to_owned(), addresses.clone());
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

impl PooledClient {
    /// The addresses of a URL's host, for the text of a failure.
    fn addresses(&self, url: &Url) -> String {
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or_default();
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        match found.get(host) {
            None => format!("{host}:{port}"),
            Some(addresses) => {
                let with_port = |address: &SocketAddr| SocketAddr::new(address.ip(), port);
                let texts: Vec<String> =
                    addresses.iter().map(|address| with_port(address).to_string()).collect();
                texts.join(", ")
            }
        }
    }
}

/// The `Host` header for `url`.
fn host_header(url: &Url) -> Result<HeaderValue, RequestError> {
    let host = url.host_str().unwrap_or_default();
    let text = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    HeaderValue::from_str(&text).map_err(|_| unusable("the URL's host cannot stand in a header"))
}

#[cfg(test)]
mod tests {
    use bellwether_integrations::http::{ProxyConfig, TlsConfig};

    use super::{Http2, POOLS_MAX, Pool, Transport};

    #[test]
    fn lanes_are_kept_up_to_their_limit() {
        let build = Transport::build(&TlsConfig::default(), &ProxyConfig::default(), Http2::Offer);
        let transport = build.expect("the defaults are fine");
        let pools = || transport.state.lock().expect("nothing panics with it").pools.len();
        for host in 0..3 * POOLS_MAX {
            transport.client(Pool::ServerName(host.to_string())).expect("a client");
            assert_eq!(pools(), host % POOLS_MAX + 1);
            transport.client(Pool::ServerName(host.to_string())).expect("the same client");
            assert_eq!(pools(), host % POOLS_MAX + 1);
        }
    }
}

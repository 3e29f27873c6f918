//! Which proxy a request goes through, if any.
//!
//! The rules are those of Go's `httpproxy`: a proxy named in the configuration takes everything,
//! unless `no_proxy` is set too, or the proxies come from the environment; then loopback and
//! the exceptions are reached directly. The environment is read once, when the rules are built.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bellwether_encoding::go_url::parse_url;
use bellwether_integrations::http::ProxyConfig;
use bellwether_model::Secret;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use url::{Host, Url};

use crate::error::BuildError;
use crate::redactor::Redactor;

/// The proxies of one client and who is exempt from them.
pub struct ProxyRules {
    /// For `http` URLs.
    pub plain: Option<Url>,
    /// For `https` URLs.
    pub tunnelled: Option<Url>,
    /// Sent along with `CONNECT`, hence only for `https` URLs.
    pub connect_headers: HeaderMap,
    /// `None`: not even loopback is exempt.
    exceptions: Option<Exceptions>,
}

/// What `no_proxy` lists.
#[derive(Default)]
struct Exceptions {
    all: bool,
    entries: Vec<Exception>,
}

struct Exception {
    host: Exempt,
    /// `None`: every port.
    port: Option<u16>,
}

enum Exempt {
    Address(IpAddr),
    Network {
        address: IpAddr,
        prefix_bits: u32,
    },
    /// The domain itself only if `itself`; always what lies below it.
    Domain {
        name: String,
        itself: bool,
    },
}

impl ProxyRules {
    /// `environment` gives the value of an environment variable.
    pub fn build(
        config: &ProxyConfig,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, BuildError> {
        let ProxyConfig { proxy_url, no_proxy, proxy_from_environment, proxy_connect_header } =
            config;
        let connect_headers = connect_headers(proxy_connect_header)?;
        if *proxy_from_environment {
            return Self::from_environment(environment, connect_headers);
        }
        let named = match proxy_url.as_ref().filter(|url| !url.is_empty()) {
            None => None,
            Some(url) => Some(parsed("proxy_url", url.reveal())?),
        };
        Ok(ProxyRules {
            plain: named.clone(),
            tunnelled: named,
            connect_headers,
            exceptions: (!no_proxy.is_empty()).then(|| Exceptions::parse(no_proxy)),
        })
    }

    fn from_environment(
        environment: impl Fn(&str) -> Option<String>,
        connect_headers: HeaderMap,
    ) -> Result<Self, BuildError> {
        let variable = |name: &str| {
            let value = environment(name).filter(|value| !value.is_empty());
            value.or_else(|| environment(&name.to_lowercase()).filter(|value| !value.is_empty()))
        };
        let proxy = |name: &'static str| {
            let Some(text) = variable(name) else { return Ok(None) };
            let text = if text.contains("://") { text } else { format!("http://{text}") };
            parsed(name, &text).map(Some)
        };
        // A CGI program's HTTP_PROXY is a header that a stranger sent.
        let is_cgi = environment("REQUEST_METHOD").is_some_and(|method| !method.is_empty());
        Ok(ProxyRules {
            plain: if is_cgi { None } else { proxy("HTTP_PROXY")? },
            tunnelled: proxy("HTTPS_PROXY")?,
            connect_headers,
            exceptions: Some(Exceptions::parse(&variable("NO_PROXY").unwrap_or_default())),
        })
    }

    /// The proxy for requests to `url`, if there is one.
    pub fn proxy_for(&self, url: &Url) -> Option<&Url> {
        let proxy = if url.scheme() == "https" { &self.tunnelled } else { &self.plain };
        let exempt = self.exceptions.as_ref().is_some_and(|exceptions| exceptions.cover(url));
        proxy.as_ref().filter(|_| !exempt)
    }

    /// Adds the credentials that proxies are sent.
    pub fn add_secrets_to(&self, redactor: &Redactor) {
        let urls = self.plain.iter().chain(&self.tunnelled);
        urls.for_each(|url| redactor.add_url(url.as_str()));
    }
}

impl Exceptions {
    fn parse(list: &str) -> Self {
        let mut exceptions = Exceptions::default();
        for entry in list.split(',').map(|entry| entry.trim().to_lowercase()) {
            match entry.as_str() {
                "" => {}
                "*" => exceptions.all = true,
                entry => exceptions.entries.extend(Exception::parse(entry)),
            }
        }
        exceptions
    }

    fn cover(&self, url: &Url) -> bool {
        let Some(host) = url.host() else { return false };
        let address = match host {
            Host::Domain("localhost") => return true,
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
        };
        if self.all || address.is_some_and(|address| address.is_loopback()) {
            return true;
        }
        let port = url.port_or_known_default();
        let name = url.host_str().unwrap_or_default();
        self.entries.iter().any(|entry| {
            let port_fits = entry.port.is_none_or(|only| Some(only) == port);
            port_fits && entry.host.covers(name, address)
        })
    }
}

impl Exception {
    /// `None` for what can match nothing.
    fn parse(entry: &str) -> Option<Self> {
        if let Some((address, bits)) = entry.split_once('/')
            && let (Ok(address), Ok(prefix_bits)) = (address.parse(), bits.parse())
        {
            return Some(Exception { host: Exempt::Network { address, prefix_bits }, port: None });
        }
        if let Ok(address) = entry.parse() {
            return Some(Exception { host: Exempt::Address(address), port: None });
        }
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (entry, None),
        };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse() {
            return Some(Exception { host: Exempt::Address(address), port });
        }
        let host = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
        let (name, itself) = match host.strip_prefix('.') {
            Some(name) => (name, false),
            None => (host, true),
        };
        let host = Exempt::Domain { name: name.to_owned(), itself };
        (!name.is_empty()).then_some(Exception { host, port })
    }
}

impl Exempt {
    fn covers(&self, name: &str, address: Option<IpAddr>) -> bool {
        match self {
            Exempt::Address(only) => address == Some(*only),
            Exempt::Network { address: network, prefix_bits } => {
                address.is_some_and(|address| in_network(address, *network, *prefix_bits))
            }
            Exempt::Domain { name: domain, itself } => match name.strip_suffix(domain.as_str()) {
                Some("") => *itself,
                Some(rest) => rest.ends_with('.'),
                None => false,
            },
        }
    }
}

fn in_network(address: IpAddr, network: IpAddr, prefix_bits: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) if prefix_bits <= 32 => {
            let differing = u32::from(address) ^ u32::from(network);
            differing.leading_zeros() >= prefix_bits
        }
        (IpAddr::V6(address), IpAddr::V6(network)) if prefix_bits <= 128 => {
            let differing = u128::from(address) ^ u128::from(network);
            differing.leading_zeros() >= prefix_bits
        }
        _ => false,
    }
}

/// A proxy's URL. With SOCKS the proxy always resolves names, as Go has it.
///
/// Compat: of the other schemes, and without one (`//proxy:3128`), each means `http`. A text without a
/// host (`proxy:3128`) is accepted, and every request through it fails.
fn parsed(field: &'static str, text: &str) -> Result<Url, BuildError> {
    let written = parse_url(text).map_err(|reason| BuildError::unusable(field, reason))?;
    let scheme = match written.scheme.as_str() {
        "https" => "https",
        "socks5" | "socks5h" => "socks5h",
        _ => "http",
    };
    let behind = match text.split_once("//") {
        Some((_, behind)) if !written.host.is_empty() => behind,
        _ => NO_HOST,
    };
    let url = Url::parse(&format!("{scheme}://{behind}"));
    url.map_err(|error| BuildError::unusable(field, error))
}

/// Stands for the host of a proxy that has none. RFC 6761 promises that no name server knows it, and
/// the text of the failure says what is missing.
const NO_HOST: &str = "proxy-url-without-host.invalid";

fn connect_headers(headers: &BTreeMap<String, Vec<Secret>>) -> Result<HeaderMap, BuildError> {
    let mut map = HeaderMap::new();
    for (name, values) in headers {
        let field = || format!("proxy_connect_header {name}");
        let header = HeaderName::from_bytes(name.as_bytes())
            .map_err(|error| BuildError::unusable(field(), error))?;
        for value in values {
            let mut value = HeaderValue::from_str(value.reveal())
                .map_err(|error| BuildError::unusable(field(), error))?;
            value.set_sensitive(true);
            map.append(header.clone(), value);
        }
    }
    Ok(map)
}

#[cfg(test)]
mod tests;

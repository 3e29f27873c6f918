//! Protects our own HTTP port: `--web.config.file`.
//!
//! In: the path of the file. Out: [`Web`], which always has the current settings of the file
//! and of the certificates that it names: a change takes effect with the next request and the next
//! connection, without a reload.
//!
//! Compat: while the file is invalid all requests are answered with 500, because it is not known who
//! has access. An invalid certificate does not replace a valid one. The rate limit, HTTP/2, and
//! whether there is TLS at all, are decided at the start.

mod guard;
mod handshake;
mod passwords;
mod rate;
mod turns;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use bellwether_config::WebConfig;
use rustls::ServerConfig;

use crate::file_backed::{FileBacked, Validity};
use crate::tls;

pub use guard::protect;
pub use handshake::secure;

/// The protection of the HTTP port.
pub struct Web(FileBacked<WebSettings>);

/// The settings of the file when it was last valid.
struct WebSettings {
    config: WebConfig,
    /// `None`: the port serves plain HTTP.
    tls: Option<FileBacked<ServerConfig>>,
}

impl Web {
    /// Reads everything for the first time; blocks on files. `None` without a path.
    pub fn open(path: &str) -> anyhow::Result<Option<Arc<Self>>> {
        if path.is_empty() {
            return Ok(None);
        }
        let path = PathBuf::from(path);
        let files = vec![path.clone()];
        let file_backed =
            FileBacked::new("web.config.file", files, move || WebSettings::read(&path))?;
        Ok(Some(Arc::new(Web(file_backed))))
    }

    /// Whether connections begin with a handshake; blocks on files.
    pub fn has_tls(&self) -> bool {
        self.0.now().value.tls.is_some()
    }

    /// The TLS settings for a new connection; blocks on files. `None` if TLS has been turned off.
    pub fn server_config(&self) -> Option<Arc<ServerConfig>> {
        Some(self.0.now().value.tls.as_ref()?.now().value)
    }

    /// Whether clients may choose HTTP/2; blocks on files.
    pub fn offers_http2(&self) -> bool {
        self.0.now().value.config.http.http2
    }

    /// The settings as of now; `None` if the file is invalid. Blocks on files.
    fn settings(&self) -> Option<Arc<WebSettings>> {
        let now = self.0.now();
        (now.validity == Validity::Valid).then_some(now.value)
    }
}

impl WebSettings {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("open {}", path.display()))?;
        let text = bellwether_config::decode(&bytes).with_context(|| path.display().to_string())?;
        let mut config = WebConfig::parse(&text).with_context(|| path.display().to_string())?;
        config.resolve_paths(path.parent().unwrap_or(Path::new("")));
        if config.tls.is_absent() {
            return Ok(WebSettings { config, tls: None });
        }
        let block = config.tls.clone();
        let http2 = config.http.http2;
        let make = move || {
            let mut made = tls::server_config(&block).context("invalid TLS config")?;
            let offered: &[&str] = if http2 { &["h2", "http/1.1"] } else { &["http/1.1"] };
            made.alpn_protocols = offered.iter().map(|name| name.as_bytes().to_vec()).collect();
            Ok(made)
        };
        let what = "tls_server_config of --web.config.file";
        let tls = FileBacked::new(what, tls::files(&config.tls), make)
            .with_context(|| path.display().to_string())?;
        Ok(WebSettings { config, tls: Some(tls) })
    }
}

#[cfg(test)]
mod tests;

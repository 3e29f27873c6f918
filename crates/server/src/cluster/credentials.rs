//! The TLS credentials of this server towards its peers, and which peers it trusts.
//!
//! In: the path of `--cluster.tls-config`. Out: [`PeerCredentials`], which the mesh asks for each new
//! connection. The file itself is read once; the certificates, keys and authorities that it names are
//! read again when they change, and invalid ones leave the credentials as they are.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use bellwether_config::{ClientAuth, ClusterTls};
use bellwether_mesh::Credentials;
use rustls::{ClientConfig, ServerConfig};

use crate::file_backed::FileBacked;
use crate::tls;

pub struct PeerCredentials {
    /// Whether each peer must show a certificate of the authority.
    verify_peers: bool,
    server: FileBacked<ServerConfig>,
    client: FileBacked<ClientConfig>,
}

impl PeerCredentials {
    /// Reads everything for the first time; blocks on files.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("open {}", path.display()))?;
        let text = bellwether_config::decode(&bytes).with_context(|| path.display().to_string())?;
        let mut config = ClusterTls::parse(&text).with_context(|| path.display().to_string())?;
        config.resolve_paths(path.parent().unwrap_or(Path::new("")));
        let ClusterTls { server, client } = config;
        let verify_peers = server.client_auth == Some(ClientAuth::RequireAndVerify);
        let client_files = [&client.ca_file, &client.cert_file, &client.key_file]
            .into_iter()
            .filter(|path| !path.is_empty())
            .map(PathBuf::from);
        let what = "tls_client_config of --cluster.tls-config";
        let client = FileBacked::new(what, client_files.collect(), move || {
            bellwether_courier::read_client_config(&client).context("invalid TLS client config")
        });
        let what = "tls_server_config of --cluster.tls-config";
        let server = FileBacked::new(what, tls::files(&server), move || {
            tls::server_config(&server).context("invalid TLS server config")
        });
        let file = || path.display().to_string();
        Ok(PeerCredentials {
            verify_peers,
            client: client.with_context(file)?,
            server: server.with_context(file)?,
        })
    }

    /// Whether only holders of a certificate of the authority can be peers. With TLS alone anyone who
    /// reaches the port can.
    pub fn verify_peers(&self) -> bool {
        self.verify_peers
    }
}

impl Credentials for PeerCredentials {
    fn server(&self) -> io::Result<Arc<ServerConfig>> {
        Ok(self.server.now().value)
    }

    fn client(&self) -> io::Result<Arc<ClientConfig>> {
        Ok(self.client.now().value)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use bellwether_e2e::certificates::Authority;

    use super::PeerCredentials;

    fn verify_peers(client_auth_type: &str) -> bool {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new();
        let identity = authority.sign(&["127.0.0.1"]);
        let files =
            [("ca.crt", &authority.pem), ("a.crt", &identity.cert), ("a.key", &identity.key)];
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let config = format!(
            "tls_server_config:\n  cert_file: a.crt\n  key_file: a.key\n{client_auth_type}\
             tls_client_config:\n  ca_file: ca.crt\n  cert_file: a.crt\n  key_file: a.key\n"
        );
        let path = folder.path().join("tls.yml");
        fs::write(&path, config).unwrap();
        PeerCredentials::open(&path).unwrap().verify_peers()
    }

    #[test]
    fn peers_are_verified_only_where_each_must_show_a_certificate_of_the_authority() {
        let with = |kind| format!("  client_auth_type: {kind}\n  client_ca_file: ca.crt\n");
        assert!(verify_peers(&with("RequireAndVerifyClientCert")));
        assert!(!verify_peers(&with("VerifyClientCertIfGiven")));
        for kind in ["NoClientCert", "RequestClientCert", "RequireAnyClientCert"] {
            assert!(!verify_peers(&format!("  client_auth_type: {kind}\n")), "{kind}");
        }
        assert!(!verify_peers(""));
    }
}

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_config::ServerTls;
use bellwether_courier::{parse_identity, read_client_config};
use bellwether_e2e::certificates::{
    Authority, Identity, self_signed, self_signed_small_rsa, self_signed_small_rsa_version_1,
    self_signed_version_1,
};
use bellwether_integrations::http::TlsConfig;
use rcgen::{ExtendedKeyUsagePurpose, IsCa, SanType};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection};

use super::{files, server_config};

/// A folder with an authority's certificate, and certificates that it has signed.
struct Folder {
    folder: tempfile::TempDir,
    authority: Authority,
}

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new();
        fs::write(folder.path().join("ca.crt"), &authority.pem).unwrap();
        let this = Folder { folder, authority };
        this.write("server", &this.authority.sign(&["127.0.0.1"]));
        this.write("client", &this.authority.sign(&["client.example"]));
        this
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    fn write(&self, name: &str, identity: &Identity) {
        fs::write(self.path(&format!("{name}.crt")), &identity.cert).unwrap();
        fs::write(self.path(&format!("{name}.key")), &identity.key).unwrap();
    }

    /// Our own certificate, and these lines.
    fn config(&self, lines: &str) -> ServerTls {
        let text =
            format!("tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n{lines}");
        let mut config = bellwether_config::WebConfig::parse(&text).unwrap().tls;
        config.resolve_paths(self.folder.path());
        config
    }

    /// Whether a client with this certificate is accepted, and what was negotiated.
    fn connect(&self, config: &ServerTls, shows: Option<&str>) -> Result<Agreed, rustls::Error> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.path("ca.crt")).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(
            rustls::crypto::aws_lc_rs::default_provider(),
        ))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
        let client = match shows {
            None => builder.with_no_client_auth(),
            Some(name) => {
                let text = |end| fs::read_to_string(self.path(&format!("{name}.{end}"))).unwrap();
                let identity = parse_identity(&text("crt"), &text("key")).unwrap();
                builder.with_client_cert_resolver(identity)
            }
        };
        handshake(client, server_config(config).unwrap())
    }
}

/// What both sides negotiated.
#[derive(Debug)]
struct Agreed {
    version: String,
    suite: String,
    group: String,
}

/// A whole handshake in memory.
fn handshake(client: ClientConfig, server: rustls::ServerConfig) -> Result<Agreed, rustls::Error> {
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
    let mut server = ServerConnection::new(Arc::new(server)).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        let mut read = wire.as_slice();
        while !read.is_empty() {
            server.read_tls(&mut read).unwrap();
            server.process_new_packets()?;
        }
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        let mut read = wire.as_slice();
        while !read.is_empty() {
            client.read_tls(&mut read).unwrap();
            client.process_new_packets()?;
        }
    }
    Ok(Agreed {
        version: format!("{:?}", server.protocol_version().unwrap()),
        suite: format!("{:?}", server.negotiated_cipher_suite().unwrap().suite()),
        group: format!("{:?}", server.negotiated_key_exchange_group().unwrap().name()),
    })
}

#[test]
fn each_policy_accepts_the_right_clients() {
    let folder = Folder::new();
    folder.write("untrusted", &self_signed(&[], |params| params.is_ca = IsCa::NoCa));
    let server_only = folder.authority.sign_with(&[], |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    folder.write("server-only", &server_only);
    let ca = "  client_ca_file: ca.crt\n";
    // Without a certificate, with a good one, with an untrusted one, with one for servers only.
    let table = [
        ("NoClientCert", "", [true, true, true, true]),
        ("RequestClientCert", ca, [true, true, true, true]),
        ("RequireAnyClientCert", ca, [false, true, true, true]),
        ("RequireClientCert", "", [false, true, true, true]),
        ("VerifyClientCertIfGiven", ca, [true, true, false, false]),
        ("RequireAndVerifyClientCert", ca, [false, true, false, false]),
    ];
    for (policy, ca, expected) in table {
        let config = folder.config(&format!("  client_auth_type: {policy}\n{ca}"));
        let shown = [None, Some("client"), Some("untrusted"), Some("server-only")];
        let found = shown.map(|shown| folder.connect(&config, shown).is_ok());
        assert_eq!(found, expected, "{policy}");
    }
}

#[test]
fn a_self_signed_certificate_is_its_own_authority() {
    let folder = Folder::new();
    folder.write("own", &self_signed(&["127.0.0.1"], |_| {}));
    let lines = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: own.crt\n";
    let config = folder.config(lines);
    assert!(folder.connect(&config, Some("own")).is_ok());
    assert!(folder.connect(&config, Some("client")).is_err());
}

#[test]
fn each_policy_accepts_old_certificates() {
    let folder = Folder::new();
    folder.write("vouched", &folder.authority.sign_version_1("client"));
    folder.write("untrusted", &self_signed_version_1("client"));
    folder.write("small", &self_signed_small_rsa(&["client.example"]));
    let old_ca = Authority::version_1();
    folder.write("of-old", &old_ca.sign(&["client.example"]));
    folder.write("old-of-old", &old_ca.sign_version_1("client"));
    let mut cas = folder.authority.pem.clone() + &old_ca.pem;
    cas += &fs::read_to_string(folder.path("small.crt")).unwrap();
    fs::write(folder.path("cas.crt"), cas).unwrap();
    let shown = ["vouched", "untrusted", "small", "of-old", "old-of-old"];
    for max_version in ["TLS12", "TLS13"] {
        let table = [
            ("RequestClientCert", [true; 5]),
            ("RequireAnyClientCert", [true; 5]),
            ("VerifyClientCertIfGiven", [true, false, true, true, true]),
            ("RequireAndVerifyClientCert", [true, false, true, true, true]),
        ];
        for (policy, expected) in table {
            let lines = format!(
                "  client_auth_type: {policy}\n  client_ca_file: cas.crt\n  \
                 max_version: {max_version}\n"
            );
            let config = folder.config(&lines);
            let found = shown.map(|shown| folder.connect(&config, Some(shown)).is_ok());
            assert_eq!(found, expected, "{policy} {max_version}");
        }
    }
}

#[test]
fn old_certificates_of_clients_must_be_valid_and_have_allowed_names() {
    let folder = Folder::new();
    folder.write("own", &self_signed_version_1("client"));
    folder.write("other", &self_signed_version_1("client"));
    let policy = "  client_auth_type: RequireAndVerifyClientCert\n";
    let config = folder.config(&format!("{policy}  client_ca_file: own.crt\n"));
    assert!(folder.connect(&config, Some("own")).is_ok());
    // The same name, signed by another key.
    assert!(folder.connect(&config, Some("other")).is_err());
    folder.write("expired", &folder.authority.sign_version_1_expired("client"));
    let config = folder.config(&format!("{policy}  client_ca_file: ca.crt\n"));
    let error = folder.connect(&config, Some("expired")).unwrap_err();
    assert!(error.to_string().contains("expired"), "{error}");
    let lines =
        "  client_auth_type: RequireAnyClientCert\n  client_allowed_sans: [client.example]\n";
    assert!(folder.connect(&folder.config(lines), Some("own")).is_err());
}

#[test]
fn old_certificates_are_shown() {
    let folder = Folder::new();
    for identity in [
        folder.authority.sign_version_1("server"),
        self_signed_version_1("server"),
        self_signed_small_rsa(&["127.0.0.1"]),
        self_signed_small_rsa_version_1("server"),
    ] {
        folder.write("server", &identity);
        folder.write("client", &identity);
        let text = |file: &str| folder.path(file).display().to_string();
        for max_version in ["TLS12", "TLS13"] {
            let lines =
                format!("  client_auth_type: RequireAnyClientCert\n  max_version: {max_version}\n");
            let server = server_config(&folder.config(&lines)).unwrap();
            let client = TlsConfig {
                cert_file: text("client.crt"),
                key_file: text("client.key"),
                insecure_skip_verify: true,
                ..TlsConfig::default()
            };
            handshake(read_client_config(&client).unwrap(), server).unwrap();
        }
    }
}

#[test]
fn only_clients_with_allowed_names_are_accepted() {
    let folder = Folder::new();
    let other = folder.authority.sign_with(&[], |params| {
        params.subject_alt_names = vec![SanType::URI("spiffe://other".try_into().unwrap())];
    });
    folder.write("other", &other);
    for policy in ["RequireAnyClientCert", "VerifyClientCertIfGiven", "RequestClientCert"] {
        let ca = if policy.starts_with("Verify") { "  client_ca_file: ca.crt\n" } else { "" };
        let lines = format!(
            "  client_auth_type: {policy}\n{ca}  client_allowed_sans: [a, client.example]\n"
        );
        let config = folder.config(&lines);
        assert!(folder.connect(&config, Some("client")).is_ok(), "{policy}");
        assert!(folder.connect(&config, Some("other")).is_err(), "{policy}");
        assert!(folder.connect(&config, None).is_err(), "{policy}");
    }
}

#[test]
fn versions_suites_and_curves_are_the_configured_ones() {
    let folder = Folder::new();
    let agreed = |lines: &str| folder.connect(&folder.config(lines), None).unwrap();
    assert_eq!(agreed("").version, "TLSv1_3");
    assert_eq!(agreed("  max_version: TLS12\n").version, "TLSv1_2");
    let suite = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256";
    let lines = format!("  max_version: TLS12\n  cipher_suites: [{suite}]\n");
    assert_eq!(agreed(&lines).suite, suite);
    // Suites of 1.3 cannot be chosen.
    assert_eq!(agreed(&format!("  cipher_suites: [{suite}]\n")).version, "TLSv1_3");
    assert_eq!(agreed("  curve_preferences: [CurveP384]\n").group, "secp384r1");
}

#[track_caller]
fn check_error(config: &ServerTls, expected: &str) {
    let error = format!("{:#}", server_config(config).unwrap_err());
    assert!(error.contains(expected), "{error}");
}

#[test]
fn what_the_library_does_not_support_is_refused() {
    let folder = Folder::new();
    for (lines, expected) in [
        ("  min_version: TLS10\n", "min_version below TLS12 is not possible here"),
        ("  max_version: TLS11\n  min_version: TLS10\n", "below TLS12 is not possible here"),
        ("  curve_preferences: [CurveP521]\n", "CurveP521 is not possible here"),
        (
            "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA]\n",
            "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA is not possible here",
        ),
        (
            "  max_version: TLS12\n  cipher_suites: [TLS_AES_128_GCM_SHA256]\n",
            "no connection is possible",
        ),
    ] {
        check_error(&folder.config(lines), expected);
    }
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let folder = Folder::new();
    let config = folder.config("  client_auth_type: RequireAnyClientCert\n");
    assert_eq!(files(&config), [folder.path("server.crt"), folder.path("server.key")]);
    let with = |cert_file: &str, key_file: &str| {
        let text = |file: &str| folder.path(file).display().to_string();
        ServerTls { cert_file: text(cert_file), key_file: text(key_file), ..config.clone() }
    };
    check_error(&with("none.crt", "server.key"), "failed to read cert_file (");
    check_error(&with("server.crt", "none.key"), "failed to read key_file (");
    check_error(&with("server.key", "server.key"), "failed to load X509KeyPair");
    check_error(&with("server.crt", "ca.crt"), "failed to load X509KeyPair");
    check_error(&with("server.crt", "client.key"), "failed to load X509KeyPair");
    fs::write(folder.path("empty"), "").unwrap();
    let empty =
        folder.config("  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: empty\n");
    let expected =
        format!("the client CAs in {} cannot be used: no certificate", empty.client_ca_file);
    check_error(&empty, &expected);
    assert!(Path::new(&empty.client_ca_file).exists());
}

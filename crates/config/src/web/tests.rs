use std::time::Duration;

use bellwether_integrations::http::TlsVersion;

use super::{RateLimit, WebConfig};
use crate::ClientAuth;

const HASH: &str = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";

#[track_caller]
fn check_error(text: &str, expected: &str) {
    assert_eq!(WebConfig::parse(text).unwrap_err().to_string(), expected, "{text}");
}

#[test]
fn all_fields_are_read() {
    let text = format!(
        "
tls_server_config:
  cert_file: c
  key_file: k
  client_auth_type: RequireClientCert
  client_ca_file: ca
  client_allowed_sans: [one, two]
  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]
  curve_preferences: [X25519, CurveP256]
  min_version: TLS12
  max_version: TLS13
  prefer_server_cipher_suites: true
http_server_config:
  http2: false
  headers: {{X-Frame-Options: deny, Content-Security-Policy: \"default-src 'self'\"}}
rate_limit: {{burst: 5, interval: 1s}}
basic_auth_users: {{alice: {HASH}}}
"
    );
    let config = WebConfig::parse(&text).unwrap();
    assert_eq!(config.tls.client_auth, Some(ClientAuth::RequireAny));
    assert_eq!(config.tls.client_allowed_sans, Some(vec!["one".into(), "two".into()]));
    assert_eq!(config.tls.cipher_suites, ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]);
    assert_eq!(config.tls.curve_preferences, ["X25519", "CurveP256"]);
    assert_eq!(config.tls.min_version, Some(TlsVersion::Tls12));
    assert_eq!((config.http.http2, config.http.headers.len()), (false, 2));
    let limit = RateLimit { burst: 5, interval: Duration::from_secs(1) };
    assert_eq!(config.rate_limit, limit);
    assert_eq!(config.users["alice"].reveal(), HASH);
}

#[test]
fn an_empty_file_protects_nothing() {
    for text in ["", "{}", "tls_server_config: {}", "tls_server_config: {min_version: TLS13}"] {
        let config = WebConfig::parse(text).unwrap();
        assert!(config.tls.is_absent() && config.users.is_empty(), "{text}");
        assert!(config.http.http2, "{text}");
    }
}

#[test]
fn mistakes_are_reported_with_their_lines() {
    check_error("\ntls_config: {}", "line 2: tls_config: field tls_config not found");
    check_error(
        "tls_server_config:\n  client_auth_type: Sometimes",
        "line 2: tls_server_config.client_auth_type: invalid ClientAuth: Sometimes",
    );
    check_error(
        "tls_server_config:\n  cipher_suites:\n  - TLS_RSA_WITH_RC4_128_SHA",
        "line 3: tls_server_config.cipher_suites[0]: unknown cipher: TLS_RSA_WITH_RC4_128_SHA",
    );
    check_error(
        "tls_server_config: {curve_preferences: [P256]}",
        "line 1: tls_server_config.curve_preferences[0]: unknown curve: P256",
    );
    check_error(
        "tls_server_config: {cert_file: c, key_file: k, min_version: TLS13, max_version: TLS12}",
        "line 1: tls_server_config.max_version: max_version is below min_version",
    );
    check_error(
        "tls_server_config: {key_file: k}",
        "line 1: tls_server_config: missing one of cert or cert_file",
    );
    check_error(
        "http_server_config:\n  headers: {Server: x}",
        "line 2: http_server_config.headers: HTTP header \"Server\" can not be configured",
    );
    check_error(
        "http_server_config: {headers: {X-Frame-Options: maybe}}",
        "line 1: http_server_config.headers: invalid value for X-Frame-Options. Expected one of: \
         [\"deny\", \"sameorigin\"], but got: \"maybe\"",
    );
    check_error(
        "http_server_config: {headers: {Content-Security-Policy: \"a\\r\\nb\"}}",
        "line 1: http_server_config.headers: a header's value must be a single line",
    );
}

#[test]
fn an_invalid_bcrypt_hash_is_refused_without_being_shown() {
    let short = &HASH[..59];
    let cost = HASH.replace("$10$", "$40$");
    let version = HASH.replace("$2y$", "$1$");
    for hash in ["hunter2", short, &cost, &version] {
        let text = format!("basic_auth_users:\n  bob: '{hash}'");
        let expected = "line 1: basic_auth_users: the password of \"bob\" is not a bcrypt hash";
        check_error(&text, expected);
    }
}

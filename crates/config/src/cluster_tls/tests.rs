use std::path::Path;

use super::ClusterTls;

#[track_caller]
fn check_error(text: &str, expected: &str) {
    assert_eq!(ClusterTls::parse(text).unwrap_err().to_string(), expected, "{text}");
}

#[test]
fn both_halves_are_read_and_their_paths_made_relative_to_the_file() {
    let text = "
tls_server_config: {cert_file: node.crt, key_file: /abs/node.key, client_ca_file: ca.crt,
                    client_auth_type: RequireAndVerifyClientCert}
tls_client_config: {cert_file: node.crt, key_file: node.key, ca_file: ca.crt, server_name: peer}
";
    let mut tls = ClusterTls::parse(text).unwrap();
    tls.resolve_paths(Path::new("/etc/am"));
    let server = [&tls.server.cert_file, &tls.server.key_file, &tls.server.client_ca_file];
    assert_eq!(server, ["/etc/am/node.crt", "/abs/node.key", "/etc/am/ca.crt"]);
    let client = [&tls.client.cert_file, &tls.client.key_file, &tls.client.ca_file];
    assert_eq!(client, ["/etc/am/node.crt", "/etc/am/node.key", "/etc/am/ca.crt"]);
    assert_eq!(tls.client.server_name, "peer");
}

#[test]
fn an_absent_client_section_is_an_empty_one() {
    let tls = ClusterTls::parse("tls_server_config: {cert_file: c, key_file: k}").unwrap();
    assert_eq!(tls.client.ca_file, "");
}

#[test]
fn a_missing_section_is_reported() {
    let no_server = "missing 'tls_server_config' entry in the TLS configuration";
    check_error("", no_server);
    check_error("~", no_server);
    let placed = format!("line 1: tls_server_config: {no_server}");
    check_error("tls_client_config: {}", &placed);
    check_error("tls_server_config:\n", &placed);
    check_error(
        "tls_server_config: {cert_file: c, key_file: k}\ntls_client_config:\n",
        "line 2: tls_client_config: missing 'tls_client_config' entry in the TLS configuration",
    );
    check_error("tls_server_config: {}", "line 1: tls_server_config: TLS config is not present");
}

#[test]
fn an_invalid_section_is_reported_with_its_line() {
    check_error("\ncert: x", "line 2: cert: field cert not found");
    check_error(
        "tls_server_config: {cert_file: c}",
        "line 1: tls_server_config: missing one of key or key_file",
    );
    check_error(
        "tls_server_config:\n  cert_file: c\n  key_file: k\n  client_ca_file: ca",
        "line 1: tls_server_config: client CA's have been configured without a Client Auth Policy",
    );
    check_error(
        "tls_server_config: {cert_file: c, key_file: k}\ntls_client_config: {cert_file: c}",
        "line 2: tls_client_config: exactly one of key or key_file must be configured when a \
         client certificate is configured",
    );
}

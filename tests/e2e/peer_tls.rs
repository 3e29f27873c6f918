//! Peers that trust each other by certificate, ours and Debian's Go servers.
//!
//! If they do not understand each other, every server notifies for itself; if they admit every
//! peer, anyone who can connect can silence everything.

use std::net::Ipv4Addr;
use std::process::Command;

use bellwether_e2e::Program::{Bellwether, Go};
use bellwether_e2e::certificates::{AuthorityFolder, replace};
use bellwether_e2e::cluster::free_peer_address;
use bellwether_e2e::{Cluster, Setup, programs, wait};

use bellwether_e2e::fixtures::silence;

const CONFIG: &str = "{route: {receiver: none}, receivers: [{name: none}]}";

/// Servers and clients alike show the certificate of this name.
pub fn settings(authority: &AuthorityFolder, name: &str) -> String {
    let [cert, key, ca] = [format!("{name}.crt"), format!("{name}.key"), "ca.crt".to_owned()]
        .map(|file| authority.path(&file));
    format!(
        "tls_server_config:\n  cert_file: {cert}\n  key_file: {key}\n  client_ca_file: {ca}\n  \
         client_auth_type: RequireAndVerifyClientCert\ntls_client_config:\n  cert_file: {cert}\n  \
         key_file: {key}\n  ca_file: {ca}\n  server_name: peer.example\n"
    )
}

#[test]
fn one_of_ours_and_two_go_servers_trust_only_each_other() {
    let folder = tempfile::tempdir().expect("the temporary folder is writable");
    let authority = AuthorityFolder::new(folder.path());
    let mut cluster = Cluster::new(&[Go, Bellwether, Go], CONFIG);
    for node in 0..cluster.len() {
        let name = format!("node{node}");
        authority.sign(&name, &["peer.example"]);
        let file = folder.path().join(format!("{name}.yml"));
        replace(&file, &settings(&authority, &name));
        cluster = cluster.flag_of(node, &format!("--cluster.tls-config={}", file.display()));
    }
    cluster.start();
    silences_reach_all(&mut cluster);

    // Certificates are replaced one by one; a peer that comes back is admitted by the new one.
    authority.sign("node1", &["peer.example"]);
    cluster.node(2).kill();
    cluster.node(2).start();
    cluster.wait_until_settled();
    silences_reach_all(&mut cluster);

    for (_, address) in cluster.server(1).members() {
        let refusal = knock(&authority, &address, None);
        let is_about_it =
            refusal.contains("certificate required") || refusal.contains("bad certificate");
        assert!(is_about_it, "{address} to a client without a certificate: {refusal}");
        let refusal = knock(&authority, &address, Some("node0"));
        assert!(!refusal.contains("certificate"), "{address} to a client with one: {refusal}");
    }
}

#[test]
fn a_stranger_with_a_certificate_of_its_own_stays_outside() {
    let (folder, strange) = (tempfile::tempdir(), tempfile::tempdir());
    let folder = folder.expect("the temporary folder is writable");
    let strange = strange.expect("the temporary folder is writable");
    let authorities = [AuthorityFolder::new(folder.path()), AuthorityFolder::new(strange.path())];
    let mut cluster = Cluster::new(&[Bellwether, Bellwether, Bellwether], CONFIG);
    for (node, authority) in [&authorities[0], &authorities[0], &authorities[1]].iter().enumerate()
    {
        let name = format!("node{node}");
        authority.sign(&name, &["peer.example"]);
        let file = authority.path(&format!("{name}.yml"));
        replace(file.as_ref(), &settings(authority, &name));
        cluster = cluster.flag_of(node, &format!("--cluster.tls-config={file}"));
    }
    for node in [2, 0, 1] {
        cluster.node(node).start();
    }
    wait::until("two have found each other", || {
        (cluster.server(0).members().len() == 2 && cluster.server(1).members().len() == 2)
            .then_some(())
    });
    for node in 0..2 {
        cluster.server(node).process.wait_for_line("that a peer was refused", |line| {
            line.contains("TLS handshake with peer failed").then_some(())
        });
        assert_eq!(cluster.server(node).members().len(), 2);
    }
    assert_eq!(cluster.server(2).members().len(), 1, "the refused node is alone");
    let remedy = "--cluster.tls-config must be set on all nodes";
    cluster.server(2).process.wait_for_line("why it is alone", |line| {
        let is_it = line.contains("level=WARN") && line.contains("failed to join cluster");
        (is_it && line.contains(remedy)).then_some(())
    });

    // Once it has a certificate of the right authority, it is let in without a restart.
    authorities[0].sign_into(strange.path(), "node2", &["peer.example"]);
    cluster.wait_until_settled();
}

#[test]
fn a_bad_file_keeps_the_server_from_starting() {
    let folder = tempfile::tempdir().expect("the temporary folder is writable");
    let file = folder.path().join("tls.yml");
    for (text, expected) in [
        ("tls_client_config: {}", "missing 'tls_server_config' entry in the TLS configuration"),
        ("tls_server_config: {cert_file: a, key_file: b}", "failed to read cert_file"),
        ("tls_server_config:\n  certfile: a", "line 2: tls_server_config.certfile: field certfile"),
        (
            "tls_server_config: {cert_file: a, key_file: b, min_version: TLS10}",
            "min_version below TLS12 is not possible here",
        ),
    ] {
        replace(&file, text);
        let setup = Setup::ours(CONFIG)
            .in_cluster(free_peer_address(Ipv4Addr::LOCALHOST.into()))
            .flag(&format!("--cluster.tls-config={}", file.display()));
        let (status, lines) = setup.run_to_end();
        let text = lines.join("\n");
        assert_eq!(status.code(), Some(1), "{text}");
        let context = "unable to initialize TLS transport configuration for gossip mesh";
        assert!(text.contains(context) && text.contains(expected), "{text}");
    }
}

/// What a client gets that opens a TLS connection, with or without a certificate.
fn knock(authority: &AuthorityFolder, address: &str, shows: Option<&str>) -> String {
    let mut curl = Command::new(programs::debian("curl"));
    curl.args(["-sS", "--max-time", "20", "--cacert", &authority.path("ca.crt")]);
    if let Some(name) = shows {
        curl.args(["--cert", &authority.path(&format!("{name}.crt"))]);
        curl.args(["--key", &authority.path(&format!("{name}.key"))]);
    }
    curl.args(["--connect-to", &format!("peer.example:443:{address}"), "https://peer.example/"]);
    let output = curl.output().unwrap_or_else(|error| panic!("run curl: {error}"));
    assert!(!output.status.success(), "peers do not speak HTTP");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A small and a large silence from each server to each.
fn silences_reach_all(cluster: &mut Cluster) {
    for at in 0..cluster.len() {
        for comment in ["small".to_owned(), "a long comment, ".repeat(100)] {
            let id = cluster.server(at).post_silence(&silence(&format!("Quiet{at}"), &comment));
            cluster.wait_on_each("the silence has arrived", |server| {
                server.get(&format!("/api/v2/silence/{id}")).status == 200
            });
        }
    }
}

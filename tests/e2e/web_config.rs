//! Our own HTTP port behind TLS and passwords (`--web.config.file`), compared with Debian's Go server.
//!
//! If it admits too many clients, anyone can silence everything; if too few, Prometheus is refused
//! and no notification is sent.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use bellwether_e2e::Program::{Bellwether, Go};
use bellwether_e2e::certificates::{AuthorityFolder, replace};
use bellwether_e2e::{Client, Program, Running, Setup, programs};
use tempfile::TempDir;

const CONFIG: &str = "{route: {receiver: none}, receivers: [{name: none}]}";
/// Of `correct horse`, at the least cost.
const HASH: &str = "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e";
const ALICE: &[&str] = &["-u", "alice:correct horse"];

/// A server's port, and what a client needs to connect to it.
struct Port {
    folder: TempDir,
    authority: AuthorityFolder,
    setup: Setup,
}

impl Port {
    fn new(program: Program, web: &str) -> Self {
        let folder = tempfile::tempdir().expect("the temporary folder is writable");
        let authority = AuthorityFolder::new(folder.path());
        authority.sign("web", &["127.0.0.1"]);
        let file = folder.path().join("web.yml");
        replace(&file, web);
        let setup =
            Setup::detailed(program, CONFIG).flag(&format!("--web.config.file={}", file.display()));
        Self { folder, authority, setup }
    }

    /// Asks with curl, which must succeed in speaking.
    #[track_caller]
    fn ask(&self, server: &Running, path: &str, arguments: &[&str]) -> Answer {
        match self.try_to_ask(server.address(), path, arguments) {
            Ok(answer) => answer,
            Err(error) => panic!("curl {path} {arguments:?}: {error}"),
        }
    }

    fn try_to_ask(&self, to: SocketAddr, path: &str, arguments: &[&str]) -> Result<Answer, String> {
        let output = Command::new(programs::debian("curl"))
            .args(["-sSi", "-g", "--max-time", "30", "--cacert", &self.authority.path("ca.crt")])
            .args(["-w", "%{stderr}%{http_version}"])
            .args(arguments)
            .arg(format!("https://{to}{path}"))
            .output()
            .unwrap_or_else(|error| panic!("run curl: {error}"));
        let verbose = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            return Err(verbose);
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").expect("an answer has a head");
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
        let headers = lines.map(|line| line.to_lowercase()).collect();
        Ok(Answer { status: status.to_owned(), headers, body: body.to_owned(), version: verbose })
    }
}

struct Answer {
    status: String,
    /// As `name: value` in lower case.
    headers: Vec<String>,
    body: String,
    /// Of HTTP.
    version: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

fn tls_and_alice() -> String {
    format!(
        "tls_server_config: {{cert_file: web.crt, key_file: web.key}}\nhttp_server_config: \
         {{headers: {{X-Frame-Options: deny}}}}\nbasic_auth_users: {{alice: {HASH}}}\n"
    )
}

#[test]
fn tls_and_passwords_are_asked_for_as_the_go_server_does() {
    for program in [Bellwether, Go] {
        let mut port = Port::new(program, &tls_and_alice());
        port.setup = port.setup.expect_log("TLS handshake failed");
        let server = port.setup.start();
        for path in ["/-/healthy", "/api/v2/status", "/metrics", "/nowhere"] {
            for wrong in [&[][..], &["-u", "alice:wrong"], &["-u", "bob:correct horse"]] {
                let refused = port.ask(&server, path, wrong);
                assert_eq!(refused.status, "401", "{program:?} {path} {wrong:?}");
                assert_eq!(refused.header("www-authenticate"), Some("basic"), "{program:?}");
                assert_eq!(refused.header("content-type"), Some("text/plain; charset=utf-8"));
                assert_eq!(refused.header("x-content-type-options"), Some("nosniff"));
                assert_eq!(refused.header("x-frame-options"), Some("deny"));
                assert_eq!(refused.body, "Unauthorized\n", "{program:?}");
            }
        }
        for (version, arguments) in [("2", &["--http2"]), ("1.1", &["--http1.1"])] {
            let arguments = [ALICE, arguments].concat();
            let healthy = port.ask(&server, "/-/healthy", &arguments);
            assert_eq!((healthy.status.as_str(), healthy.version.as_str()), ("200", version));
            assert_eq!(healthy.header("x-frame-options"), Some("deny"));
            assert!(healthy.body.starts_with("OK"), "{program:?}: {}", healthy.body);
        }
        // Quotes as users type them.
        let path = "/api/v2/alerts?filter=alertname=\"X\"";
        let listed = port.ask(&server, path, &[ALICE, &["--http1.1"]].concat());
        assert_eq!((listed.status.as_str(), listed.body.trim()), ("200", "[]"));
        let alerts = "[{\"labels\":{\"alertname\":\"Secure\"}}]";
        let json = ["-H", "Content-Type: application/json", "-d", alerts];
        assert_eq!(port.ask(&server, "/api/v2/alerts", &[ALICE, &json].concat()).status, "200");

        let plain = Client::new(server.address()).get("/-/healthy");
        assert_eq!(plain.status, 400);
        assert_eq!(plain.text(), "Client sent an HTTP request to an HTTPS server.\n");
        assert_eq!(server.stop().code(), Some(0), "{program:?}");
    }
}

#[test]
fn passwords_alone_work_without_tls() {
    for program in [Bellwether, Go] {
        let port = Port::new(program, &format!("basic_auth_users: {{alice: {HASH}}}"));
        let mut server = port.setup.start();
        let refused = server.get("/-/healthy");
        assert_eq!((refused.status, refused.text()), (401, "Unauthorized\n".to_owned()));
        assert_eq!(refused.header("www-authenticate"), Some("Basic"));
        let header = ("Authorization", "Basic YWxpY2U6Y29ycmVjdCBob3JzZQ==");
        let answer = server.new_client().request("GET", "/-/healthy", &[header], b"");
        assert_eq!(answer.expect("the server answers").status, 200);
    }
}

#[test]
fn amtool_finds_its_way_with_its_http_configuration() {
    let port = Port::new(Bellwether, &tls_and_alice());
    let server = port.setup.start();
    let file = port.folder.path().join("client.yml");
    let text = format!(
        "basic_auth: {{username: alice, password: correct horse}}\ntls_config: {{ca_file: {}}}\n",
        port.authority.path("ca.crt")
    );
    fs::write(&file, text).expect("the test's folder is writable");
    let run = |arguments: &[&str]| {
        Command::new(programs::debian("amtool"))
            .arg(format!("--alertmanager.url=https://{}", server.address()))
            .args(arguments)
            .output()
            .unwrap_or_else(|error| panic!("run amtool: {error}"))
    };
    let with = format!("--http.config.file={}", file.display());
    let added = run(&[&with, "silence", "add", "-a", "me", "-c", "why", "alertname=Disk"]);
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    let id = String::from_utf8_lossy(&added.stdout).trim().to_owned();
    let shown = port.ask(&server, &format!("/api/v2/silence/{id}"), ALICE);
    assert_eq!(shown.status, "200", "{}", shown.body);
}

#[test]
fn clients_show_certificates_and_what_is_replaced_counts_at_once() {
    let web = "tls_server_config: {cert_file: web.crt, key_file: web.key, client_ca_file: ca.crt, \
               client_auth_type: RequireAndVerifyClientCert, client_allowed_sans: [prometheus]}";
    let mut port = Port::new(Bellwether, web);
    let cannot = "Failed to reload changed files";
    port.setup = port.setup.expect_log("TLS handshake failed").expect_log(cannot);
    let server = port.setup.start();
    let asks = |port: &Port, name: &str| {
        let cert = port.authority.path(&format!("{name}.crt"));
        let key = port.authority.path(&format!("{name}.key"));
        port.try_to_ask(server.address(), "/-/healthy", &["--cert", &cert, "--key", &key])
    };
    port.authority.sign("good", &["prometheus"]);
    port.authority.sign("other", &["grafana"]);
    assert_eq!(asks(&port, "good").expect("it is let in").status, "200");
    assert!(asks(&port, "other").is_err(), "its name is not allowed");
    let bare = port.try_to_ask(server.address(), "/-/healthy", &[]);
    assert!(bare.is_err(), "a client without a certificate is let in");

    // A new authority, with certificates for both sides.
    let new = AuthorityFolder::new(port.folder.path());
    new.sign("web", &["127.0.0.1"]);
    new.sign("good", &["prometheus"]);
    assert_eq!(asks(&port, "good").expect("it is let in again").status, "200");

    // While the file is invalid no request is answered, but connections are still accepted.
    replace(&port.folder.path().join("web.yml"), "tls_server_config: [");
    assert_eq!(asks(&port, "good").expect("it is let in still").status, "500");
}

#[test]
fn a_bad_file_keeps_the_server_from_starting() {
    for (web, expected) in [
        ("tls_server: {}", "web.yml: line 1: tls_server: field tls_server not found"),
        ("basic_auth_users: {alice: secret}", "the password of \\\"alice\\\" is not a bcrypt hash"),
        ("tls_server_config: {cert_file: none, key_file: web.key}", "failed to read cert_file"),
        (
            "tls_server_config: {cert_file: web.crt, key_file: web.key, curve_preferences: \
             [CurveP521]}",
            "CurveP521 is not possible here",
        ),
    ] {
        let port = Port::new(Bellwether, web);
        let (status, lines) = port.setup.run_to_end();
        let text = lines.join("\n");
        assert_eq!(status.code(), Some(1), "{text}");
        assert!(text.contains(expected), "{text}");
    }
}

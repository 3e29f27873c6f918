//! Connections that are opened and not used.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bellwether_e2e::certificates::AuthorityFolder;
use bellwether_e2e::fixtures::{alert, group_name, one_webhook};
use bellwether_e2e::http::connect;
use bellwether_e2e::{Program, Setup, Sink, programs, wait};
use serde_json::json;

use crate::bystander::{Bystander, Victim};

#[test]
fn half_heads_beyond_the_limit_of_open_files() {
    attack(b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nX-Slow:");
}

#[test]
fn silent_connections_beyond_the_limit_of_open_files() {
    attack(b"");
}

#[test]
fn prefaces_of_http2_beyond_the_limit_of_open_files() {
    attack(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
}

#[test]
fn bodies_that_stop_beyond_the_limit_of_open_files() {
    attack(
        b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
          Content-Length: 1000\r\n\r\n[",
    );
}

#[test]
fn a_head_that_does_not_come_ends_its_connection_and_a_busy_one_goes_on() {
    let mut bystander = Bystander::start(&Victim::default(), |setup| setup);
    let mut silent = begin(bystander.server.address(), b"");
    let mut half = begin(bystander.server.address(), b"GET / HTTP/1.1\r\nHost:");
    let mut kept = begin(bystander.server.address(), b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n");
    for client in [&mut silent, &mut half] {
        let begun = Instant::now();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).expect("an end");
        assert!(answer.is_empty(), "as in Go, there is no answer");
        assert!(begun.elapsed() < Duration::from_secs(14), "after {:?}", begun.elapsed());
    }
    // This one has had a request; it may wait for 90 s.
    kept.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .expect("sent");
    let mut answers = String::new();
    kept.read_to_string(&mut answers).expect("an end");
    assert_eq!(answers.matches("200 OK").count(), 2, "{answers}");
    bystander.is_served("afterwards");
    assert_eq!(
        bystander.server.metric("alertmanager_http_connections_ended_total", "head_timeout"),
        Some(2.0)
    );
}

#[test]
fn handshakes_that_do_not_begin_beyond_the_limit_of_open_files() {
    let pages = Sink::start();
    let setup = Setup::new(Program::Bellwether, &one_webhook(&pages.url("/bystander")));
    let authority = AuthorityFolder::new(setup.folder());
    authority.sign("web", &["127.0.0.1"]);
    let file = setup.folder().join("web.yml");
    fs::write(&file, "tls_server_config: {cert_file: web.crt, key_file: web.key}\n")
        .expect("our folder is writable");
    let setup = with_open_files(setup, 200).flag(&format!("--web.config.file={}", file.display()));
    let server = setup.start();
    let flood = Flood::start(server.address(), b"");
    wait::until("more connections have been opened than there may be", || {
        (flood.opened.load(Ordering::Relaxed) > 260).then_some(())
    });
    for name in ["During", "AndLater"] {
        let begun = Instant::now();
        let posted = Command::new(programs::debian("curl"))
            .args(["-sS", "--fail", "--max-time", "30", "--cacert", &authority.path("ca.crt")])
            .args(["-H", "Content-Type: application/json", "-d", &json!([alert(name)]).to_string()])
            .arg(format!("https://{}/api/v2/alerts", server.address()))
            .output()
            .expect("curl runs");
        let error = String::from_utf8_lossy(&posted.stderr);
        assert!(posted.status.success(), "{error}");
        let answered = begun.elapsed();
        assert!(answered < Duration::from_secs(1), "a good POST was answered after {answered:?}");
        pages.wait_for("the page", |pages| {
            pages.iter().any(|page| group_name(page) == name).then_some(())
        });
    }
    drop(flood);
}

/// Opens connections again and again, each with these first bytes, at a server that may have few.
fn attack(first: &'static [u8]) {
    let mut bystander = Bystander::start(&Victim::default(), |setup| with_open_files(setup, 200));
    let flood = Flood::start(bystander.server.address(), first);
    wait::until("more connections have been opened than there may be", || {
        (flood.opened.load(Ordering::Relaxed) > 260).then_some(())
    });
    bystander.is_served("during the flood");
    let mut client = bystander.server.new_client();
    client.get("/-/healthy").expect_status(200);
    drop(flood);
    bystander.is_served("afterwards");
    let ended = bystander.server.metric("alertmanager_http_connections_ended_total", "no_room");
    assert!(ended > Some(100.0), "{ended:?}");
}

fn with_open_files(setup: Setup, count: usize) -> Setup {
    let script = format!("ulimit -n {count}; exec \"$0\" \"$@\"");
    setup.wrapped(&["sh", "-c", &script]).expect_log("Too many HTTP connections")
}

fn begin(address: SocketAddr, first: &[u8]) -> TcpStream {
    let mut client = connect(address, Duration::from_secs(60)).expect("it listens");
    client.write_all(first).expect("sent");
    client
}

/// Holds 260 connections, and replaces the oldest ones without end.
struct Flood {
    opened: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Flood {
    fn start(address: SocketAddr, first: &'static [u8]) -> Self {
        let (opened, is_over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let thread = thread::spawn({
            let (opened, is_over) = (Arc::clone(&opened), Arc::clone(&is_over));
            move || {
                let mut held = std::collections::VecDeque::new();
                while !is_over.load(Ordering::Relaxed) {
                    if held.len() >= 260 {
                        held.pop_front();
                        // A few hundred new ones each second.
                        thread::park_timeout(Duration::from_millis(3));
                    }
                    let Ok(mut client) = connect(address, Duration::from_secs(1)) else { continue };
                    // It may be closed already.
                    let _ = client.write_all(first);
                    held.push_back(client);
                    opened.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Flood { opened, is_over, thread: Some(thread) }
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

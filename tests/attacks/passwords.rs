//! Wrong passwords, of which each costs tens of milliseconds.

use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bellwether_e2e::{Client, Program, Setup, wait};

#[test]
fn a_flood_of_wrong_passwords() {
    let setup = Setup::new(Program::Bellwether, CONFIG);
    let file = setup.folder().join("web.yml");
    fs::write(&file, format!("basic_auth_users: {{alice: '{HASH}', bob: '{HASH}'}}\n"))
        .expect("our folder is writable");
    let setup = setup.flag(&format!("--web.config.file={}", file.display()));
    let server = setup.start_at("[::]:0");
    let port = server.address().port();
    // Two addresses of this host, so that the guesses come from another client.
    let good = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
    let bad = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let (is_over, refused) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let guessing: Vec<_> = (0..48)
        .map(|guesser| {
            let (is_over, refused) = (Arc::clone(&is_over), Arc::clone(&refused));
            thread::spawn(move || {
                let mut client = client(bad);
                for number in 0.. {
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    let status = get(&mut client, &format!("alice:{guesser} {number}"));
                    assert!([401, 429].contains(&status), "{status}");
                    refused.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    wait::until("some guesses have been refused", || {
        (refused.load(Ordering::Relaxed) > 4).then_some(())
    });
    // Alice has never been here before, and then is known.
    for when in ["the first time", "the second time", "the third time"] {
        let begun = Instant::now();
        assert_eq!(get(&mut client(good), "alice:correct horse"), 200);
        assert!(begun.elapsed() < Duration::from_secs(1), "{when}: after {:?}", begun.elapsed());
    }
    is_over.store(true, Ordering::Relaxed);
    for guesser in guessing {
        guesser.join().expect("no panic");
    }
    let begun = Instant::now();
    assert_eq!(get(&mut client(good), "bob:correct horse"), 200);
    assert!(begun.elapsed() < Duration::from_secs(1), "afterwards: {:?}", begun.elapsed());
}

fn client(address: SocketAddr) -> Client {
    Client::new(address).with_timeout(Duration::from_secs(60))
}

fn get(client: &mut Client, both: &str) -> u16 {
    let value = format!("Basic {}", STANDARD.encode(both));
    let headers = [("Authorization", value.as_str())];
    client.request("GET", "/-/healthy", &headers, b"").expect("an answer").status
}

const CONFIG: &str = "{route: {receiver: none}, receivers: [{name: none}]}";
/// Of `correct horse`.
const HASH: &str = "$2b$10$abcdefghijklmnopqrstuu23JPZtHcGhwXSF41f93o/7vBdDut3Xu";

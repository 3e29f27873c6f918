//! Pure crates reach no clock, file, socket, thread or source of randomness.

use std::fs;

use crate::sources::{product_files, shown, source_folder};

#[test]
fn pure_crates_reach_no_clock_file_or_socket() {
    let mut looked_at = 0;
    for name in ["encoding", "model", "template", "memberlist", "engine", "integrations", "config"]
    {
        for file in product_files(&source_folder(name)) {
            looked_at += 1;
            let text = fs::read_to_string(&file).expect("a source file");
            for (number, line) in text.lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                for word in OUTSIDE {
                    let place = format!("{}:{}", shown(&file), number + 1);
                    assert!(!code.contains(word), "{place} reaches outside by {word}");
                }
            }
        }
    }
    assert!(looked_at > 50, "only {looked_at} files were found");
}

/// Names that lead out of a pure crate.
///
/// `std::net` is not among them: its addresses are plain values.
const OUTSIDE: [&str; 20] = [
    "std::fs",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "ToSocketAddrs",
    "std::io",
    "std::thread",
    "std::process",
    "std::env",
    "std::sync::Mutex",
    "Instant::now",
    "SystemTime",
    "Timestamp::now",
    "Zoned::now",
    "tokio",
    "hyper",
    "RandomState",
    "thread_rng",
    "rand::",
    "getrandom",
];

//! What does the journal cost? Run with
//! `cargo run --release -p bellwether-journal --example journal-load -- <dir> <step> <records> <batch>`.
//!
//! Steps: `generate` (the load alone, to be subtracted), `put`, `overwrite` (other values for the
//! same keys), `delete`, `load` (open and read everything), `idle` (open only).
//! Records are ~700 bytes, keys are 17 bytes in random order; each batch is one durable commit.
//! Prints wall time, CPU time, peak and present resident memory, bytes written and bytes on disk.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use bellwether_journal::{Change, Journal, JournalError, JournalOptions, open};

const VALUE_BYTES: usize = 700;
/// The kernel counts CPU time in hundredths of a second on every common platform.
const TICKS_PER_SECOND: f64 = 100.0;

fn main() -> Result<(), JournalError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [dir, step, records, batch] = arguments.as_slice() else {
        eprintln!(
            "usage: journal-load <dir> generate|put|overwrite|delete|load|idle <records> <batch>"
        );
        std::process::exit(2);
    };
    let records: u64 = records.parse().expect("<records> is a number");
    let batch: u64 = batch.parse().expect("<batch> is a number");
    let started = Instant::now();
    match step.as_str() {
        "generate" => (0..records).for_each(|record| drop(black_box(change(record, 1)))),
        "load" => {
            let opened = open(Path::new(dir), JournalOptions::default())?;
            println!("opened after {:?}", started.elapsed());
            let mut bytes = 0;
            let mut entries = 0;
            for entry in opened.entries {
                bytes += entry?.value.len();
                entries += 1;
            }
            println!("{entries} entries, {bytes} bytes of values");
        }
        "idle" => drop(open(Path::new(dir), JournalOptions::default())?.entries),
        _ => {
            let mut journal = open(Path::new(dir), JournalOptions::default())?.journal;
            let mut slowest = std::time::Duration::ZERO;
            for first in (0..records).step_by(batch.max(1) as usize) {
                let keys = first..(first + batch).min(records);
                let changes: Vec<Change> = match step.as_str() {
                    "put" => keys.map(|key| change(key, 1)).collect(),
                    "overwrite" => keys.map(|key| change(key, 2)).collect(),
                    _ => keys.map(|record| Change::delete(key(record))).collect(),
                };
                let begun = Instant::now();
                journal.commit(&changes)?;
                slowest = slowest.max(begun.elapsed());
            }
            println!("slowest commit {slowest:?}, {:?}", journal.status());
            print_cost("before close", started);
        }
    }
    print_cost(step, started);
    Ok(())
}

fn key(record: u64) -> [u8; 17] {
    let mut key = [b'a'; 17];
    key[1..9].copy_from_slice(&record.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    key[9..].copy_from_slice(&record.to_be_bytes());
    key
}

/// A value that looks like JSON labels.
fn change(record: u64, generation: u64) -> Change {
    let mut value = String::with_capacity(VALUE_BYTES + 64);
    let mut random = record.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ generation;
    while value.len() < VALUE_BYTES {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        value.push_str(&format!("\"label_{}\":\"{:x}\",", random % 17, random >> 32));
    }
    value.truncate(VALUE_BYTES);
    Change::put(key(record), value.into_bytes())
}

fn print_cost(step: &str, started: Instant) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let io = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = |field| {
        let fields = stat.rsplit(") ").next().unwrap_or_default();
        fields.split(' ').nth(field).and_then(|ticks| ticks.parse().ok()).unwrap_or(0.0)
    };
    println!(
        "{step}: wall {:.2?}, cpu {:.2} s (user {:.2} s), peak {}, now {}, written {}",
        started.elapsed(),
        (ticks(11) + ticks(12)) / TICKS_PER_SECOND,
        ticks(11) / TICKS_PER_SECOND,
        line(&status, "VmHWM:"),
        line(&status, "VmRSS:"),
        line(&io, "write_bytes:"),
    );
}

fn line<'a>(text: &'a str, name: &str) -> &'a str {
    text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("?").trim()
}

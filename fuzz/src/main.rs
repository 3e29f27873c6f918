//! Tries all decoders on all processors for some hours: `make fuzz HOURS=8`.
//!
//! Each thread takes the decoders in turn, a minute each, with seeds that no run has had. An input that
//! fails is kept in `corpus/`, where every later run, and `make test`, begins with it.

use std::env;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bellwether_fuzz::{TARGETS, run_until};

fn main() -> ExitCode {
    let hours = env::args().nth(1).and_then(|text| text.parse::<f64>().ok());
    let time = hours.and_then(|hours| Duration::try_from_secs_f64(hours * 3600.0).ok());
    let Some(time) = time else {
        eprintln!("for how many hours? bellwether-fuzz 0.5");
        return ExitCode::from(2);
    };
    let end = Instant::now() + time;
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while Instant::now() < end {
                    let target = &TARGETS[next.fetch_add(1, Ordering::Relaxed) % TARGETS.len()];
                    let until = end.min(Instant::now() + SLICE);
                    let (tried, kept) = run_until(target, new_seed(), until);
                    println!("{}: {tried} inputs", target.name);
                    if let Some(path) = kept {
                        println!("{}: one failed, and is kept as {}", target.name, path.display());
                        failed.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    ExitCode::from(u8::from(failed.load(Ordering::Relaxed)))
}

fn new_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or_default()
}

/// How long one decoder is tried before the next one.
const SLICE: Duration = Duration::from_secs(60);

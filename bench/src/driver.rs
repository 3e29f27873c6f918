//! How are bodies sent and lists read so that the driver does not compete with the server?
//!
//! Both run on the same two cores. The driver therefore writes prepared bytes, reads answers into
//! memory without looking into them, and takes the server's CPU time from `/proc`, not its own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bellwether_e2e::Running;

/// What a piece of work took: on the clock, and in CPU time of the server.
#[derive(Clone, Copy)]
pub struct Cost {
    pub wall: Duration,
    pub cpu: Duration,
}

impl Cost {
    pub fn plus(self, other: Self) -> Self {
        Self { wall: self.wall + other.wall, cpu: self.cpu + other.cpu }
    }
}

/// Connections that alerts are sent over, about what a few senders open.
const SENDERS: usize = 4;

/// Posts all bodies over a few kept connections. The CPU time counts until the server is quiet.
pub fn send(server: &Running, bodies: &[Vec<u8>]) -> Cost {
    let before = server.process.cpu();
    let start = Instant::now();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..SENDERS.min(bodies.len()) {
            scope.spawn(|| {
                let mut client = server.new_client();
                while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                    client.post_json("/api/v2/alerts", body).expect_status(200);
                }
            });
        }
    });
    let wall = start.elapsed();
    settle(server);
    Cost { wall, cpu: server.process.cpu() - before }
}

/// Reads `path` again and again for a while: the median on the clock, the mean in CPU time.
pub fn read(server: &mut Running, path: &str, for_at_least: Duration) -> Cost {
    server.get(path).expect_status(200);
    settle(server);
    let before = server.process.cpu();
    let start = Instant::now();
    let mut walls = Vec::new();
    while walls.len() < READS_MIN || start.elapsed() < for_at_least {
        let one = Instant::now();
        server.get(path).expect_status(200);
        walls.push(one.elapsed());
    }
    let cpu = (server.process.cpu() - before) / walls.len() as u32;
    walls.sort_unstable();
    Cost { wall: walls[walls.len() / 2], cpu }
}

/// Waits until the server does nothing more for what it was sent.
pub fn settle(server: &Running) {
    let mut last = server.process.cpu();
    for _ in 0..SETTLE_ROUNDS_MAX {
        thread::sleep(SETTLE_ROUND);
        let now = server.process.cpu();
        if now - last <= ONE_TICK {
            return;
        }
        last = now;
    }
}

/// The entries of a list.
pub fn count(server: &mut Running, path: &str) -> usize {
    server.get(path).expect_status(200).json().as_array().map_or(0, Vec::len)
}

const READS_MIN: usize = 5;
const SETTLE_ROUND: Duration = Duration::from_millis(200);
const SETTLE_ROUNDS_MAX: usize = 150;
/// The grain of CPU times in `/proc`.
const ONE_TICK: Duration = Duration::from_millis(10);

//! Limits the memory of all request bodies together.
//!
//! In: how many bytes a body is about to take, each time that it grows. Out: its [`Room`], or the
//! refusal of that body or of another one.
//!
//! A body is charged for the bytes that it takes, not for those that it announces. If there is no
//! room left, the body that has taken the most for the longest time (bytes × age) loses its room: so
//! clients that send a part of a body and then nothing, or very slowly, cannot keep out those that
//! send all of theirs. A body that is complete keeps its room until it has been answered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// Limit: bytes of all bodies that are being read, decoded or answered.
#[derive(Clone)]
pub(crate) struct BodyBudget {
    shared: Arc<Shared>,
    bytes_max: usize,
}

struct Shared {
    held: Mutex<Held>,
    /// Told each time that room becomes free.
    freed: Notify,
}

#[derive(Default)]
struct Held {
    bytes: usize,
    /// The sequence number of the next body.
    next: u64,
    bodies: BTreeMap<u64, Body>,
}

struct Body {
    bytes: usize,
    since: Instant,
    stage: Stage,
    /// Told when the room is lost.
    lost: Arc<Notify>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Reading,
    /// It is all there.
    Complete,
    /// Its room is lost, and free again as soon as its reader has noticed.
    Lost,
}

/// What one body takes; returned when it is dropped.
pub(crate) struct Room {
    shared: Arc<Shared>,
    bytes_max: usize,
    number: u64,
    lost: Arc<Notify>,
}

/// There is no room for this body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoRoom {
    pub bytes_max: usize,
}

impl BodyBudget {
    pub fn new(bytes_max: usize) -> Self {
        let shared = Shared { held: Mutex::default(), freed: Notify::new() };
        BodyBudget { shared: Arc::new(shared), bytes_max }
    }

    /// Begins a body that has taken nothing yet.
    pub fn open(&self) -> Room {
        let lost = Arc::new(Notify::new());
        let body = Body {
            bytes: 0,
            since: Instant::now(),
            stage: Stage::Reading,
            lost: Arc::clone(&lost),
        };
        let mut held = self.shared.lock();
        let number = held.next;
        held.next += 1;
        held.bodies.insert(number, body);
        Room { shared: Arc::clone(&self.shared), bytes_max: self.bytes_max, number, lost }
    }
}

impl Room {
    /// Takes so many bytes more. Waits for bodies that have just lost their room, or that are being
    /// answered.
    ///
    /// # Errors
    /// If this body has lost its room, or there is none for [`WAIT_MAX`].
    pub async fn take(&self, bytes: usize) -> Result<(), NoRoom> {
        let mut deadline = None;
        loop {
            // Before the look, so that nothing that becomes free after it is missed.
            let freed = self.shared.freed.notified();
            match self.shared.lock().take(self.number, bytes, self.bytes_max) {
                Taken::Yes => return Ok(()),
                Taken::Lost => break,
                Taken::NotYet => {}
                // It may be waiting itself.
                Taken::NotYetButSoon => self.shared.freed.notify_waiters(),
            }
            let deadline = *deadline.get_or_insert_with(|| Instant::now() + WAIT_MAX);
            if timeout_at(deadline, freed).await.is_err() {
                break;
            }
        }
        Err(NoRoom { bytes_max: self.bytes_max })
    }

    /// Resolves when this body has lost its room to others.
    pub async fn lost(&self) -> NoRoom {
        self.lost.notified().await;
        NoRoom { bytes_max: self.bytes_max }
    }

    /// The body is all there: it keeps its room until this is dropped.
    pub fn complete(&self) {
        if let Some(body) = self.shared.lock().bodies.get_mut(&self.number)
            && body.stage == Stage::Reading
        {
            body.stage = Stage::Complete;
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut held = self.shared.lock();
        if let Some(body) = held.bodies.remove(&self.number) {
            held.bytes -= body.bytes;
            if body.bytes > 0 {
                self.shared.freed.notify_waiters();
            }
        }
    }
}

enum Taken {
    Yes,
    NotYet,
    /// Another one has just lost its room.
    NotYetButSoon,
    Lost,
}

impl Held {
    fn take(&mut self, number: u64, bytes: usize, bytes_max: usize) -> Taken {
        let Some(body) = self.bodies.get_mut(&number) else { return Taken::Lost };
        if body.stage == Stage::Lost {
            return Taken::Lost;
        }
        let is_small = body.bytes + bytes <= SMALL_BYTES_MAX;
        let most = if is_small { bytes_max } else { bytes_max - bytes_max / 4 };
        if self.bytes + bytes <= most {
            body.bytes += bytes;
            self.bytes += bytes;
            return Taken::Yes;
        }
        let lost = self.bodies.values().filter(|body| body.stage == Stage::Lost);
        let lost: usize = lost.map(|body| body.bytes).sum();
        if self.bytes - lost + bytes <= most {
            return Taken::NotYet;
        }
        match self.free_one() {
            Some(freed) if freed == number => Taken::Lost,
            Some(_) => Taken::NotYetButSoon,
            None => Taken::NotYet,
        }
    }

    /// Takes the room of the body that is being read and has taken the most for the longest time.
    fn free_one(&mut self) -> Option<u64> {
        let now = Instant::now();
        let cost = |body: &Body| body.bytes as u128 * (now - body.since).as_micros();
        let reading = self.bodies.iter_mut().filter(|(_, body)| body.stage == Stage::Reading);
        let (number, body) = reading
            .filter(|(_, body)| body.bytes > 0)
            .max_by_key(|(number, body)| (cost(body), u64::MAX - **number))?;
        body.stage = Stage::Lost;
        body.lost.notify_one();
        Some(*number)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Larger bodies leave a quarter of the room to smaller ones.
const SMALL_BYTES_MAX: usize = 1024 * 1024;
/// Limit: how long a body waits until others have been answered.
const WAIT_MAX: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{advance, timeout};

    use super::{BodyBudget, NoRoom, WAIT_MAX};

    const MIB: usize = 1 << 20;

    #[tokio::test(start_paused = true)]
    async fn the_body_that_has_taken_the_most_for_the_longest_time_loses_its_room() {
        let budget = BodyBudget::new(8 * MIB);
        let (large, old) = (budget.open(), budget.open());
        large.take(4 * MIB).await.unwrap();
        old.take(MIB).await.unwrap();
        advance(Duration::from_secs(1)).await;
        // Its own age is nothing: it waits for the room of the large one.
        let young = budget.open();
        let asked = young.take(3 * MIB);
        tokio::pin!(asked);
        assert!(timeout(Duration::from_millis(1), &mut asked).await.is_err());
        assert_eq!(large.lost().await, NoRoom { bytes_max: 8 * MIB });
        assert!(large.take(1).await.is_err());
        drop(large);
        asked.await.unwrap();
        old.take(1).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_complete_body_keeps_its_room_and_others_wait_for_it() {
        let budget = BodyBudget::new(MIB);
        let complete = budget.open();
        complete.take(MIB).await.unwrap();
        complete.complete();
        let other = budget.open();
        assert!(timeout(WAIT_MAX / 2, other.take(1)).await.is_err());
        assert!(other.take(1).await.is_err(), "the wait has an end");
        let asked = other.take(1);
        tokio::pin!(asked);
        assert!(timeout(WAIT_MAX / 2, &mut asked).await.is_err());
        drop(complete);
        asked.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn large_bodies_leave_room_for_small_ones() {
        let budget = BodyBudget::new(8 * MIB);
        let large = budget.open();
        large.take(6 * MIB).await.unwrap();
        large.complete();
        assert!(budget.open().take(2 * MIB).await.is_err());
        budget.open().take(MIB).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_alone_that_is_too_large_is_refused() {
        let budget = BodyBudget::new(MIB);
        let room = budget.open();
        room.take(MIB / 2).await.unwrap();
        assert!(room.take(MIB).await.is_err());
    }
}

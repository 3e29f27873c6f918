//! What one connection is doing, and for whom it waits.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// One connection.
pub struct Connection {
    pub from: IpAddr,
    state: Mutex<State>,
    /// Told when it must end.
    ended: Notify,
}

struct State {
    /// Requests that have begun and are not answered.
    requests: usize,
    /// Of these, how many wait for a part of their body.
    reading: usize,
    /// Whether a request has begun, or a connection with HTTP/2.
    is_established: bool,
    /// When it was accepted, or `requests` became zero.
    since: Instant,
    /// When the head began that is being received.
    head_since: Option<Instant>,
    head_bytes: usize,
    /// When `reading` became what `requests` is.
    reading_since: Instant,
    /// Since when the client has taken nothing of what was sent.
    stalled_since: Option<Instant>,
    end: Option<End>,
}

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The head of a request did not come in time.
    Head,
    /// There was no request for a long time.
    Idle,
    /// The client takes nothing of an answer.
    Stalled,
    /// There are too many.
    NoRoom,
}

/// What a connection waits for its client to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// To complete the first bytes, a handshake or a head.
    Head,
    /// To send another request.
    Idle,
    /// To send more of a body, or to take more of an answer.
    Transfer,
}

/// A connection waits for its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub stage: Stage,
    pub since: Instant,
}

impl Stage {
    /// By how much a second of waiting counts.
    pub fn impatience(self) -> u32 {
        match self {
            Stage::Idle => 1,
            Stage::Head | Stage::Transfer => 4,
        }
    }
}

impl Connection {
    pub fn new(from: IpAddr, now: Instant) -> Self {
        let state = State {
            requests: 0,
            reading: 0,
            is_established: false,
            since: now,
            head_since: None,
            head_bytes: 0,
            reading_since: now,
            stalled_since: None,
            end: None,
        };
        Connection { from, state: Mutex::new(state), ended: Notify::new() }
    }

    /// Resolves with the reason when it must end; again only if another reason comes up.
    pub async fn ended(&self) -> End {
        loop {
            self.ended.notified().await;
            if let Some(end) = self.lock().end {
                return end;
            }
        }
    }

    /// Ends it; says whether it was not ending already.
    pub fn end(&self, end: End) -> bool {
        let mut state = self.lock();
        let is_new = match state.end {
            None => true,
            Some(before) => before == End::Idle && end != End::Idle,
        };
        if is_new {
            state.end = Some(end);
            self.ended.notify_one();
        }
        is_new
    }

    pub fn has_made_room(&self) -> bool {
        self.lock().end == Some(End::NoRoom)
    }

    pub fn end_if_overdue(&self, now: Instant) -> Option<End> {
        let end = self.lock().overdue(now)?;
        self.end(end).then_some(end)
    }

    /// What it waits for its client to do; `None` if the server is at work, or it ends already.
    pub fn waiting(&self) -> Option<Waiting> {
        let state = self.lock();
        let is_ending = state.end.is_some_and(|end| end != End::Idle);
        if is_ending { None } else { state.waiting() }
    }

    pub fn is_idle(&self) -> bool {
        self.lock().waiting().is_some_and(|waiting| waiting.stage == Stage::Idle)
    }

    pub fn head_bytes(&self) -> usize {
        self.lock().head_bytes
    }

    /// So many bytes of a head have come so far; 0 if none is being received.
    pub fn head_grows(&self, bytes: usize) {
        let mut state = self.lock();
        state.head_bytes = bytes;
        if bytes == 0 {
            state.head_since = None;
        } else if state.head_since.is_none() {
            state.head_since = Some(Instant::now());
        }
    }

    /// It does not carry HTTP/1, and has begun.
    pub fn establish(&self) {
        self.lock().is_established = true;
    }

    pub fn request_begins(&self) {
        let mut state = self.lock();
        state.requests += 1;
        state.is_established = true;
    }

    pub fn request_ends(&self) {
        let mut state = self.lock();
        state.requests = state.requests.saturating_sub(1);
        if state.requests == 0 {
            state.since = Instant::now();
        }
    }

    pub fn body_waits(&self) {
        let mut state = self.lock();
        state.reading += 1;
        state.reading_since = Instant::now();
    }

    pub fn body_goes_on(&self) {
        let mut state = self.lock();
        state.reading = state.reading.saturating_sub(1);
    }

    /// The client takes what is sent, or not.
    pub fn stalls(&self, stalls: bool) {
        let mut state = self.lock();
        match (stalls, state.stalled_since) {
            (true, None) => state.stalled_since = Some(Instant::now()),
            (true, Some(_)) => {}
            (false, _) => state.stalled_since = None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn waiting(&self) -> Option<Waiting> {
        let (stage, since) = if let Some(since) = self.stalled_since {
            (Stage::Transfer, since)
        } else if self.requests > 0 {
            if self.reading < self.requests {
                return None;
            }
            (Stage::Transfer, self.reading_since)
        } else if !self.is_established {
            (Stage::Head, self.since)
        } else if let Some(since) = self.head_since {
            (Stage::Head, since)
        } else {
            (Stage::Idle, self.since)
        };
        Some(Waiting { stage, since })
    }

    fn overdue(&self, now: Instant) -> Option<End> {
        let Waiting { stage, since } = self.waiting()?;
        let (most, end) = match stage {
            Stage::Head => (HEAD_MAX, End::Head),
            Stage::Idle => (IDLE_MAX, End::Idle),
            Stage::Transfer if self.stalled_since.is_some() => (STALL_MAX, End::Stalled),
            // Whoever reads the body gives it up.
            Stage::Transfer => return None,
        };
        (now.saturating_duration_since(since) > most).then_some(end)
    }
}

impl End {
    /// The label of the metric.
    pub fn reason(self) -> &'static str {
        match self {
            End::Head => "head_timeout",
            End::Idle => "idle",
            End::Stalled => "stalled",
            End::NoRoom => "no_room",
        }
    }
}

/// Limit: from the first byte of a head, or from the beginning of a connection, to the end of the
/// head, as in Go.
const HEAD_MAX: Duration = Duration::from_secs(10);
/// Limit: between two requests, as in Go.
const IDLE_MAX: Duration = Duration::from_secs(90);
/// Limit: for a client to take anything of an answer.
const STALL_MAX: Duration = Duration::from_secs(60);

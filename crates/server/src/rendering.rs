//! The threads that render notifications.
//!
//! In: work of one integration. Out: its result, as soon as a thread has done it. Templates can take
//! seconds, so no notification is rendered by a thread that answers requests.
//!
//! Threads are shared fairly: an integration has at most [`Limits::share`] of them at a time, and of
//! those that wait, the one that has used the least time is next. So a page whose template is cheap does
//! not wait behind the notifications of a receiver whose template is slow. If all threads are taken by
//! slow ones and another receiver waits, a rendering may only take [`Limits::crowded_time`].

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use bellwether_model::IntegrationId;
use bellwether_model::duration::format_go;
use tokio::sync::oneshot;
use tracing::warn;

use crate::metrics::Metrics;

/// How much may be rendered at a time, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Limit: threads.
    pub threads: usize,
    /// Limit: threads of one integration.
    pub share: usize,
    /// Limit: for one rendering.
    pub time: Duration,
    /// Limit: for one rendering while another integration waits for a thread.
    pub crowded_time: Duration,
}

/// The threads; they end when the last handle is dropped.
#[derive(Clone)]
pub struct Rendering {
    handle: Arc<Handle>,
    metrics: Arc<Metrics>,
}

/// The time that one rendering has, from its beginning.
pub struct Allowance<'a> {
    pool: &'a Pool,
    begun: Instant,
    deadline: Instant,
    is_over: Cell<bool>,
}

struct Handle(Arc<Pool>);

struct Pool {
    limits: Limits,
    state: Mutex<State>,
    work: Condvar,
    /// How much would be begun if there were more threads.
    crowd: AtomicUsize,
}

#[derive(Default)]
struct State {
    /// Those with work that waits or is being done.
    integrations: BTreeMap<IntegrationId, Share>,
    threads: usize,
    idle: usize,
    is_closed: bool,
}

#[derive(Default)]
struct Share {
    waiting: VecDeque<Job>,
    running: usize,
    /// Time used, so far as it counts: an integration that comes anew begins with the least of the others'.
    used: Duration,
}

type Job = Box<dyn FnOnce(&Pool) + Send>;

impl Limits {
    pub fn new(time: Duration) -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        Limits {
            threads: THREADS_MAX,
            share: (processors / 2).clamp(1, THREADS_MAX / 4),
            time,
            crowded_time: time.min(CROWDED_TIME_MAX),
        }
    }
}

impl Rendering {
    pub fn new(limits: Limits, metrics: Arc<Metrics>) -> Self {
        let pool = Pool {
            limits,
            state: Mutex::default(),
            work: Condvar::new(),
            crowd: AtomicUsize::new(0),
        };
        Rendering { handle: Arc::new(Handle(Arc::new(pool))), metrics }
    }

    /// Does `work` for this integration once it is its turn, until `deadline` at the latest. If the
    /// caller does not wait any longer, what has not begun is not done. `None` if the work panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        integration: &IntegrationId,
        deadline: Instant,
        work: impl FnOnce(&Allowance<'_>) -> T + Send + 'static,
    ) -> Option<T> {
        let (done, result) = oneshot::channel();
        let waiting = Waiting::begin(&self.metrics);
        let (metrics, id) = (Arc::clone(&self.metrics), integration.clone());
        let job = move |pool: &Pool| {
            drop(waiting);
            if done.is_closed() {
                return;
            }
            let begun = Instant::now();
            let allowance = Allowance { pool, begun, deadline, is_over: Cell::new(false) };
            let result = catch_unwind(AssertUnwindSafe(|| work(&allowance)));
            if allowance.is_over.get() {
                let labels = metrics.integration_labels(&id.kind, &id.receiver);
                metrics.render_timeouts.with(&labels).increment();
            }
            if let Ok(result) = result {
                // The caller may have gone.
                let _ = done.send(result);
            }
        };
        self.handle.0.submit(integration, Box::new(job));
        result.await.ok()
    }
}

impl Allowance<'_> {
    /// Why the rendering is to end, once it is.
    pub fn interrupt(&self) -> Option<String> {
        let limits = &self.pool.limits;
        let now = Instant::now();
        let used = now.duration_since(self.begun);
        let crowded = used > limits.crowded_time && self.pool.crowd.load(Ordering::Relaxed) > 0;
        let reason = if used > limits.time {
            let time = shown(limits.time);
            format!(
                "rendering took longer than {time}: make the template cheaper (a loop inside a loop \
                 over all alerts?) or raise --receivers.render-timeout"
            )
        } else if used > AT_LEAST && now > self.deadline {
            "rendering was not finished when half of the attempt's time was over: make the template \
             cheaper"
                .into()
        } else if crowded {
            let time = shown(limits.crowded_time);
            format!(
                "rendering took longer than {time} while other receivers waited for a thread: make \
                 the template cheaper"
            )
        } else {
            return None;
        };
        self.is_over.set(true);
        Some(reason)
    }
}

/// Counts what waits for as long as it lives.
struct Waiting(Arc<Metrics>);

impl Waiting {
    fn begin(metrics: &Arc<Metrics>) -> Self {
        metrics.renders_waiting.add(1.0);
        Waiting(Arc::clone(metrics))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.renders_waiting.add(-1.0);
    }
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn submit(self: &Arc<Self>, integration: &IntegrationId, job: Job) {
        let mut state = self.lock();
        let least = state.least_used();
        let share = state
            .integrations
            .entry(integration.clone())
            .or_insert_with(|| Share { used: least, ..Share::default() });
        share.waiting.push_back(job);
        // Idle threads that have been woken may not have taken their work yet.
        if state.jobs(self.limits.share) > state.idle && state.threads < self.limits.threads {
            state.threads += 1;
            let pool = Arc::clone(self);
            let started =
                thread::Builder::new().name("rendering".into()).spawn(move || pool.work());
            if let Err(error) = started {
                state.threads -= 1;
                warn!(err = %error, "Cannot start a thread to render notifications");
            }
        }
        self.look_around(&state);
        drop(state);
        self.work.notify_one();
    }

    /// What each thread does.
    fn work(&self) {
        let mut state = self.lock();
        loop {
            if state.is_closed {
                return;
            }
            let Some((integration, job)) = state.take_next(self.limits.share) else {
                state.idle += 1;
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
                continue;
            };
            self.look_around(&state);
            drop(state);
            let begun = Instant::now();
            job(self);
            state = self.lock();
            state.finish(&integration, begun.elapsed());
            self.look_around(&state);
        }
    }

    /// Notes whether somebody waits for a thread who could have one.
    fn look_around(&self, state: &State) {
        let free = state.idle + self.limits.threads.saturating_sub(state.threads);
        let waiting = if free > 0 { 0 } else { state.jobs(self.limits.share) };
        self.crowd.store(waiting, Ordering::Relaxed);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        self.0.work.notify_all();
    }
}

impl State {
    /// Those that may have another thread, and have work for it.
    fn eligible(&self, share: usize) -> impl Iterator<Item = (&IntegrationId, &Share)> {
        self.integrations.iter().filter(move |(_, of)| !of.waiting.is_empty() && of.running < share)
    }

    /// How much could be begun if there were threads enough.
    fn jobs(&self, share: usize) -> usize {
        self.eligible(share).map(|(_, of)| of.waiting.len().min(share - of.running)).sum()
    }

    fn least_used(&self) -> Duration {
        self.integrations.values().map(|share| share.used).min().unwrap_or_default()
    }

    fn next(&self, share: usize) -> Option<&IntegrationId> {
        let least = self.eligible(share).min_by_key(|(_, of)| (of.used, of.running));
        least.map(|(integration, _)| integration)
    }

    fn take_next(&mut self, share: usize) -> Option<(IntegrationId, Job)> {
        let integration = self.next(share)?.clone();
        let of = self.integrations.get_mut(&integration)?;
        let job = of.waiting.pop_front()?;
        of.running += 1;
        Some((integration, job))
    }

    fn finish(&mut self, integration: &IntegrationId, took: Duration) {
        let Some(share) = self.integrations.get_mut(integration) else { return };
        share.running -= 1;
        share.used += took;
        if share.running == 0 && share.waiting.is_empty() {
            self.integrations.remove(integration);
        }
    }
}

fn shown(time: Duration) -> String {
    format_go(i64::try_from(time.as_nanos()).unwrap_or(i64::MAX))
}

/// Limit: threads that render. More than processors: the kernel shares those out evenly, so a cheap
/// rendering is soon done beside slow ones.
const THREADS_MAX: usize = 16;

/// What a rendering may take even if it begins too late: ten times what most take.
const AT_LEAST: Duration = Duration::from_millis(20);

/// Limit: for one rendering while others wait: half of what a page may be late.
const CROWDED_TIME_MAX: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;

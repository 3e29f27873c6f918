//! What is a child process doing: what did it log, does it run, how much did it cost?
//!
//! A [`Process`] owns one child. Both its output streams are read by threads, so it never blocks on
//! a full pipe, and every line wakes those who wait for one. When the value is dropped the child is
//! killed and reaped; nothing survives its test.
//!
//! CPU time and memory are read from `/proc`, which makes this module Linux only, as the tests are.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::wait::WAIT_MAX;

/// A child and what it has written so far.
pub struct Process {
    name: String,
    child: Child,
    output: Arc<Output>,
    /// Fragments of WARN and ERROR lines that the test expects. `None`: lines are not judged.
    expected: Option<Vec<String>>,
    status: Option<ExitStatus>,
}

/// The lines of both streams in the order of arrival.
#[derive(Default)]
struct Output {
    state: Mutex<OutputState>,
    grew: Condvar,
}

#[derive(Default)]
struct OutputState {
    lines: Vec<String>,
    /// How many of the two streams have ended.
    ended: usize,
}

impl Process {
    pub fn start(name: &str, command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("start {name} ({command:?}): {error}"));
        let output = Arc::new(Output::default());
        follow(child.stdout.take().expect("stdout is piped"), &output);
        follow(child.stderr.take().expect("stderr is piped"), &output);
        Self { name: name.to_owned(), child, output, expected: None, status: None }
    }

    /// From now on WARN and ERROR lines without one of these fragments fail the test at the end.
    pub fn expect_silence_except(&mut self, fragments: &[String]) {
        self.expected = Some(fragments.to_vec());
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `find` recognises a line, looking at all lines from the first on.
    pub fn wait_for_line<T>(&self, what: &str, mut find: impl FnMut(&str) -> Option<T>) -> T {
        let deadline = Instant::now() + WAIT_MAX;
        let mut seen = 0;
        let mut state = self.output.lock();
        loop {
            if let Some(found) = state.lines[seen..].iter().find_map(|line| find(line)) {
                return found;
            }
            seen = state.lines.len();
            let left = deadline.saturating_duration_since(Instant::now());
            let is_over = state.ended == 2 || left.is_zero();
            assert!(
                !is_over,
                "{} did not log {what}; it logged:\n{}",
                self.name,
                state.lines.join("\n")
            );
            state = self.output.wait(state, left);
        }
    }

    /// All lines until now.
    pub fn lines(&self) -> Vec<String> {
        self.output.lock().lines.clone()
    }

    /// Waits until it ends by itself and has logged its last line.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + WAIT_MAX;
        let mut state = self.output.lock();
        while state.ended < 2 {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{} does not end:\n{}", self.name, state.lines.join("\n"));
            state = self.output.wait(state, left);
        }
        drop(state);
        let status = self.child.wait().expect("the child is ours and not reaped elsewhere");
        self.status = Some(status);
        status
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// `kill -9`: no last words. Returns once the process is gone.
    pub fn kill(&mut self) {
        // An error means that it is gone already, which is what was asked for.
        let _ = self.child.kill();
        self.status = self.child.wait().ok();
    }

    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    pub fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a child has a positive id"), signal)
            .unwrap_or_else(|error| panic!("signal {}: {error}", self.name));
    }

    /// User and system time of the whole process since its start.
    pub fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id())).expect("it runs");
        // The name in parentheses may contain anything; the numbers begin behind it.
        let numbers = stat.rsplit_once(')').expect("stat has a name").1;
        let ticks = |at: usize| -> u64 {
            numbers.split_whitespace().nth(at).and_then(|n| n.parse().ok()).expect("stat's form")
        };
        Duration::from_millis((ticks(11) + ticks(12)) * 1000 / TICKS_PER_SECOND)
    }

    /// Resident memory in bytes.
    pub fn resident_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes: u64 = line
            .and_then(|line| line.split_whitespace().next())
            .and_then(|number| number.parse().ok())
            .expect("status has VmRSS");
        kilobytes * 1024
    }

    /// WARN and ERROR lines that no test expects.
    fn alarms(&self) -> Vec<String> {
        let Some(expected) = &self.expected else { return Vec::new() };
        let is_known = |line: &String| expected.iter().any(|fragment| line.contains(fragment));
        let alarming = |line: &String| {
            // Tests ask for a silence until a node has it.
            let is_alarm =
                crate::log::is_alarming(line) && !line.contains("Failed to find silence");
            is_alarm || line.contains("panicked")
        };
        self.output.lock().lines.iter().filter(|l| alarming(l) && !is_known(l)).cloned().collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.status.is_none() {
            self.kill();
        }
        if thread::panicking() {
            eprintln!("--- {} logged:\n{}", self.name, last(&self.lines(), 60).join("\n"));
            return;
        }
        let alarms = self.alarms();
        assert!(alarms.is_empty(), "{} has alarming log lines:\n{}", self.name, alarms.join("\n"));
    }
}

impl Output {
    /// A test that gives up panics while it looks at the lines, which harms nothing in here.
    fn lock(&self) -> MutexGuard<'_, OutputState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a change of what `state` holds, but no longer than `left`.
    fn wait<'a>(
        &self,
        state: MutexGuard<'a, OutputState>,
        left: Duration,
    ) -> MutexGuard<'a, OutputState> {
        let woken = self.grew.wait_timeout(state, left);
        woken.unwrap_or_else(PoisonError::into_inner).0
    }
}

fn follow(stream: impl Read + Send + 'static, output: &Arc<Output>) {
    let output = Arc::clone(output);
    thread::spawn(move || {
        let mut lines = BufReader::new(stream).split(b'\n');
        while let Some(Ok(line)) = lines.next() {
            output.lock().lines.push(String::from_utf8_lossy(&line).into_owned());
            output.grew.notify_all();
        }
        output.lock().ended += 1;
        output.grew.notify_all();
    });
}

fn last(lines: &[String], count: usize) -> &[String] {
    &lines[lines.len().saturating_sub(count)..]
}

/// What Linux shows to user space on every architecture, whatever the kernel's own tick is.
const TICKS_PER_SECOND: u64 = 100;

//! How is an Alertmanager started, stopped and started again on the same data?
//!
//! A [`Setup`] is everything that outlives one run: the program, its configuration file, its data
//! directory and its flags. [`Setup::start`] gives a [`Running`] server that has logged where it
//! listens. Dropping the `Running` kills it; the `Setup` can start it again, which is how the tests
//! play a crash.
//!
//! Both servers are started with the same command line, as the promise to be drop-in demands.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use serde_json::Value;
use tempfile::TempDir;

use crate::http::{Client, Response};
use crate::log;
use crate::process::Process;
use crate::programs::Program;
use crate::wait;

/// What one server is started from, again and again.
pub struct Setup {
    program: Program,
    folder: TempDir,
    /// Where it listens for peers; empty for a server that is alone.
    peers_listen: String,
    flags: Vec<String>,
    /// A program and arguments that the server is run by, such as a shell that sets a limit.
    wrapper: Vec<String>,
    /// Fragments of WARN and ERROR lines that belong to this test.
    expected: Vec<String>,
}

/// A server that listens.
pub struct Running {
    pub process: Process,
    address: SocketAddr,
    client: Client,
}

impl Setup {
    /// A fresh folder with this configuration file. The server runs alone, without a cluster.
    pub fn new(program: Program, config: &str) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("bellwether-e2e-")
            .tempdir()
            .expect("the temporary folder is writable");
        let setup = Self {
            program,
            folder,
            peers_listen: String::new(),
            flags: Vec::new(),
            wrapper: Vec::new(),
            expected: Vec::new(),
        };
        setup.write_config(config);
        setup
    }

    /// A server that logs in detail, so that a test can wait for what happens inside.
    pub fn detailed(program: Program, config: &str) -> Self {
        Self::new(program, config).flag("--log.level=debug")
    }

    /// Ours, logging in detail.
    pub fn ours(config: &str) -> Self {
        Self::detailed(Program::Bellwether, config)
    }

    #[must_use]
    pub fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    /// Listens for peers on this address instead of being alone.
    #[must_use]
    pub fn in_cluster(mut self, listen: SocketAddr) -> Self {
        self.peers_listen = listen.to_string();
        self
    }

    /// From the next start on another program runs on the same data with the same flags.
    pub fn replace_program(&mut self, program: Program) {
        self.program = program;
    }

    /// Runs the server through another program.
    #[must_use]
    pub fn wrapped(mut self, wrapper: &[&str]) -> Self {
        self.wrapper = wrapper.iter().map(|&word| word.to_owned()).collect();
        self
    }

    /// A WARN or ERROR line with this fragment is part of the test.
    #[must_use]
    pub fn expect_log(mut self, fragment: &str) -> Self {
        self.expected.push(fragment.to_owned());
        self
    }

    pub fn program(&self) -> Program {
        self.program
    }

    /// The data directory; the server makes it.
    pub fn storage(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn config_file(&self) -> PathBuf {
        self.folder.path().join("alertmanager.yml")
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn write_config(&self, config: &str) {
        fs::write(self.config_file(), config).expect("our temporary folder is writable");
    }

    /// The command line but for the address to listen on.
    pub fn command(&self) -> Command {
        let program = self.program.path();
        let mut command = match self.wrapper.split_first() {
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
            None => Command::new(program),
        };
        if self.program == Program::Bellwether {
            command.arg("server");
        }
        command.arg(format!("--config.file={}", self.config_file().display()));
        command.arg(format!("--storage.path={}", self.storage().display()));
        command.arg(format!("--cluster.listen-address={}", self.peers_listen));
        command.args(&self.flags);
        command
    }

    /// Starts it on a port that the kernel chooses and waits until it listens.
    pub fn start(&self) -> Running {
        self.start_at("127.0.0.1:0")
    }

    /// Starts it on this address and waits until it listens.
    pub fn start_at(&self, listen: &str) -> Running {
        let mut process = self.spawn_at(listen);
        let address = process.wait_for_line("where it listens", listening_address);
        if self.program == Program::Bellwether {
            process.expect_silence_except(&self.expected);
        }
        Running { process, address, client: Client::new(address) }
    }

    /// Starts it without the hope that it will listen.
    pub fn spawn(&self) -> Process {
        self.spawn_at("127.0.0.1:0")
    }

    fn spawn_at(&self, listen: &str) -> Process {
        let mut command = self.command();
        command.arg(format!("--web.listen-address={listen}"));
        Process::start(self.program.name(), &mut command)
    }

    /// Starts it, waits until it has ended by itself, and returns its status and its log.
    pub fn run_to_end(&self) -> (ExitStatus, Vec<String>) {
        let mut process = self.spawn();
        let status = process.wait();
        (status, process.lines())
    }
}

impl Running {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client of its own, for another thread or other habits.
    pub fn new_client(&self) -> Client {
        Client::new(self.address)
    }

    pub fn get(&mut self, path: &str) -> Response {
        self.client.get(path)
    }

    pub fn post(&mut self, path: &str, body: &str) -> Response {
        self.client.post_json(path, body.as_bytes())
    }

    pub fn delete(&mut self, path: &str) -> Response {
        self.client.delete(path)
    }

    /// Posts alerts, all of which must be taken.
    #[track_caller]
    pub fn post_alerts(&mut self, alerts: &Value) {
        self.post("/api/v2/alerts", &alerts.to_string()).expect_status(200);
    }

    /// Posts a silence and returns its id.
    #[track_caller]
    pub fn post_silence(&mut self, silence: &Value) -> String {
        let answer = self.post("/api/v2/silences", &silence.to_string()).expect_status(200).json();
        answer["silenceID"].as_str().expect("the answer names the silence").to_owned()
    }

    /// The sum of a metric over the samples whose labels contain `labels`, if it has any.
    pub fn metric(&mut self, name: &str, labels: &str) -> Option<f64> {
        let text = self.get("/metrics").expect_status(200).text();
        let samples = text.lines().filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let of_name = series.split('{').next() == Some(name);
            (of_name && series.contains(labels)).then(|| value.parse::<f64>().ok())?
        });
        samples.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
    }

    /// Waits until a metric, summed as by [`Running::metric`], has this value.
    #[track_caller]
    pub fn wait_for_metric(&mut self, name: &str, labels: &str, value: f64) {
        wait::until(&format!("{name}{{{labels}}} is {value}"), || {
            (self.metric(name, labels) == Some(value)).then_some(())
        });
    }

    /// Waits until the group of this alert name has been flushed again, so that it has sent what it
    /// had to send. Needs a server that logs in detail.
    pub fn wait_for_another_flush(&self, name: &str) {
        let is_flush = |line: &str| {
            log::field(line, "msg").is_some_and(|message| message == "flushing")
                && line.contains(name)
        };
        let before = self.process.lines().iter().filter(|line| is_flush(line)).count();
        let mut seen = 0;
        // The first may have begun already, and a group flushes one batch at a time: when the third
        // one begins, the second has ended, and it began after this call.
        self.process.wait_for_line("that the group is flushed again", |line| {
            seen += usize::from(is_flush(line));
            (seen >= before + 3).then_some(())
        });
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.process.kill();
    }

    /// SIGTERM; returns how it ended.
    pub fn stop(mut self) -> ExitStatus {
        self.process.terminate();
        self.process.wait()
    }
}

/// The address in the line that both servers write once they are bound.
pub fn listening_address(line: &str) -> Option<SocketAddr> {
    if log::field(line, "msg")? != "Listening on" {
        return None;
    }
    log::field(line, "address")?.parse().ok()
}

//! Runs the program for one case: the Go one as a process, ours as a function.

use std::fs;
use std::io::{Cursor, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use bellwether_amtool::{Stdin, Surroundings, Version};
use bellwether_model::Timestamp;
use bellwether_model::interval::Location;

use crate::case::{Answer, Case, Done};
use crate::masks::Masks;
use crate::server::Server;

pub enum Player {
    Ours,
    /// The path of a program.
    Program(PathBuf),
}

pub fn play(case: &Case, player: &Player) -> Done {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start();
    let masks = Masks {
        server: server.address.to_string(),
        folder: folder.path().display().to_string(),
        now: match player {
            Player::Ours => Timestamp::from_unix(NOW, 0),
            Player::Program(_) => present(),
        },
    };
    for (path, text) in &case.files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the test's own folder");
        fs::write(path, masks.filled(text)).expect("the test's own folder");
    }
    let answers = case.answers.iter().cloned();
    server.answer(
        answers.map(|answer| Answer { body: masks.filled(&answer.body), ..answer }).collect(),
    );
    let words: Vec<String> = case.words().iter().map(|word| masks.filled(word)).collect();
    let mut environment = vec![("HOME".to_owned(), masks.folder.clone())];
    let given = case.environment.iter();
    environment.extend(given.map(|(name, value)| (name.clone(), masks.filled(value))));
    let stdin = case.stdin.as_deref().map(|text| masks.filled(text));
    let (stdout, stderr, exit) = match player {
        Player::Ours => ours(&words, &environment, stdin, masks.now),
        Player::Program(path) => theirs(path, &words, &environment, stdin),
    };
    let requests = server.requests().into_iter();
    let mut done = Done {
        requests: requests.map(|(line, body)| (masks.masked(&line), masks.masked(&body))).collect(),
        stdout: masks.masked(&stdout),
        stderr: masks.masked(&stderr),
        exit,
    };
    if case.is_unordered {
        done.requests.sort();
        done.stdout = sorted(&done.stdout);
        done.stderr = sorted(&done.stderr);
    }
    done
}

fn sorted(text: &str) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    lines.sort_unstable();
    lines.concat()
}

fn present() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let seconds = i64::try_from(since.as_secs()).expect("before the end of time");
    Timestamp::from_unix(seconds, since.subsec_nanos())
}

fn ours(
    words: &[String],
    environment: &[(String, String)],
    stdin: Option<String>,
    now: Timestamp,
) -> (String, String, u8) {
    let variable = |name: &str| {
        let found = environment.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone())
    };
    let place = Location::parse(&variable("TZ").unwrap_or_default()).expect("a known place");
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let is_device = stdin.is_none();
    let mut stream = Cursor::new(stdin.unwrap_or_default());
    let exit = bellwether_amtool::run(
        words,
        &mut Surroundings {
            variable: &variable,
            user: "root".to_owned(),
            now,
            place,
            width: None,
            stdin: Stdin { stream: &mut stream, is_device },
            stdout: &mut stdout,
            stderr: &mut stderr,
            version: Version { number: "0.35.0".to_owned(), text: VERSION.to_owned() },
        },
    );
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is text");
    (text(stdout), text(stderr), exit)
}

fn theirs(
    path: &PathBuf,
    words: &[String],
    environment: &[(String, String)],
    stdin: Option<String>,
) -> (String, String, u8) {
    let mut command = Command::new(path);
    command.args(words).env_clear().stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env("TZ", "UTC").envs(environment.iter().cloned());
    command.stdin(if stdin.is_some() { Stdio::piped() } else { Stdio::null() });
    let mut child = command.spawn().expect("AMTOOL is a program");
    if let (Some(text), Some(mut stream)) = (stdin, child.stdin.take()) {
        // A program that does not read its input to the end is no fault.
        let _ = stream.write_all(text.as_bytes());
    }
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let exit = output.status.code().and_then(|code| u8::try_from(code).ok());
    (text(&output.stdout), text(&output.stderr), exit.expect("it exits by itself"))
}

/// 2026-06-01T12:00:00Z
const NOW: i64 = 1_780_315_200;

/// What the recorded program says that it is.
const VERSION: &str = "\
amtool, version 0.35.0 (branch: HEAD, revision: 0123abc)
  build user:       root@build
  build date:       20261109-10:00:00
  go version:       go1.26.8
  platform:         linux/amd64
  tags:             unknown
";

//! The surroundings of a real process.

use std::fs;
use std::io::{self, IsTerminal};
use std::os::unix::fs::FileTypeExt;
use std::process::ExitCode;
use std::time::SystemTime;

use bellwether_model::Timestamp;
use bellwether_model::interval::Location;
use rustix::process::getuid;
use rustix::termios::tcgetwinsize;

use crate::{Stdin, Surroundings, Version, run};

/// Runs the program in this process; `arguments` follow its name.
pub fn main(arguments: &[String], version: Version) -> ExitCode {
    let variable = |name: &str| std::env::var(name).ok();
    let is_device = fs::metadata("/dev/stdin")
        .map_or_else(|_| io::stdin().is_terminal(), |it| it.file_type().is_char_device());
    let exit = run(
        arguments,
        &mut Surroundings {
            variable: &variable,
            user: user(),
            now: now(),
            place: Location::parse("Local").unwrap_or_default(),
            width: tcgetwinsize(io::stdout()).ok().map(|size| size.ws_col),
            stdin: Stdin { stream: &mut io::stdin().lock(), is_device },
            stdout: &mut io::stdout().lock(),
            stderr: &mut io::stderr().lock(),
            version,
        },
    );
    ExitCode::from(exit)
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_unix(seconds, since.subsec_nanos())
}

/// The name of who runs this: from the list of users, or else what the environment says.
fn user() -> String {
    let id = getuid().as_raw().to_string();
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == id).then(|| name.to_owned())
    });
    named.or_else(|| std::env::var("USER").ok()).unwrap_or_default()
}

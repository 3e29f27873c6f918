//! The one binary. What it does depends on how it is called; see [`bellwether_server::run`].

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> =
        std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
    bellwether_server::run(&arguments)
}

//! The one binary. What it does depends on how it is called; see [`bellwether_server::run`], and
//! [`bellwether_amtool`] for `amtool`.

use std::path::Path;
use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Faster with many small texts than the system's; without huge pages, which would double what an
/// idle server takes.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let arguments: Vec<String> =
        std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
    match amtool_arguments(&arguments) {
        Some(rest) => {
            let version = bellwether_amtool::Version {
                number: bellwether_server::COMPATIBLE_VERSION.to_owned(),
                text: bellwether_server::version_text("amtool"),
            };
            bellwether_amtool::main(rest, version)
        }
        None => bellwether_server::run(&arguments),
    }
}

/// What follows `amtool`, which is the program's own name through a symlink, or else its first
/// argument.
fn amtool_arguments(arguments: &[String]) -> Option<&[String]> {
    let is_amtool = |name: &String| Path::new(name).file_name().is_some_and(|it| it == AMTOOL);
    match arguments {
        [program, rest @ ..] if is_amtool(program) => Some(rest),
        [_, command, rest @ ..] if command == AMTOOL => Some(rest),
        _ => None,
    }
}

const AMTOOL: &str = "amtool";

//! The one binary. What it does depends on how it is called; see [`bellwether_server::run`].

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Faster with many small texts than the system's; without huge pages, which would double what an
/// idle server takes.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let arguments: Vec<String> =
        std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
    bellwether_server::run(&arguments)
}

//! Which of its jobs the program was called for.
//!
//! In: all arguments, the program's own name first. Out: an exit code. Called as `alertmanager`
//! (through a symlink) it is the server and takes exactly that program's flags; called by any other
//! name, its first argument says what it is.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::clock::Clock;
use crate::flags::{self, Flags, Parsed};
use crate::{boot, demo_webhook, export, logging, receiver_test};

/// Does what the arguments say.
pub fn run(arguments: &[String]) -> ExitCode {
    let called = arguments.first().map_or("bellwether", |path| base_name(path));
    let rest = arguments.get(1..).unwrap_or_default();
    if called == "alertmanager" {
        return serve(called, called, rest);
    }
    match rest.split_first() {
        Some((command, rest)) if command == "server" => serve("bellwether server", called, rest),
        Some((command, rest)) if command == "export" => export(rest),
        Some((command, rest)) if command == "receivers" => receivers(rest),
        Some((command, rest)) if command == "demo-webhook" => demo_webhook::run(rest),
        Some((option, _)) if option == "--version" => {
            print!("{}", flags::version_text(called));
            ExitCode::SUCCESS
        }
        Some((option, _)) if ["-h", "--help", "help"].contains(&option.as_str()) => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        Some((other, _)) => refused(called, &format!("unexpected {other}")),
        None => {
            eprint!("{USAGE}");
            ExitCode::FAILURE
        }
    }
}

fn serve(program: &str, called: &str, arguments: &[String]) -> ExitCode {
    let read = |path: &str| {
        std::fs::read_to_string(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => format!("open {path}: no such file or directory"),
            _ => format!("open {path}: {error}"),
        })
    };
    match flags::parse(arguments, read) {
        Ok(Parsed::Run(flags)) => start(*flags),
        Ok(Parsed::Version) => {
            print!("{}", flags::version_text(called));
            ExitCode::SUCCESS
        }
        Ok(Parsed::Help) => {
            print!("{}", flags::usage(program));
            ExitCode::SUCCESS
        }
        Ok(Parsed::ManPage) => {
            print!("{}", flags::man_page(program));
            ExitCode::SUCCESS
        }
        Err(message) => refused(program, &message),
    }
}

fn start(flags: Flags) -> ExitCode {
    let clock = Clock::start();
    logging::start(flags.log_level, flags.log_format, clock.clone());
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(processors.clamp(2, WORKERS_MAX))
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .enable_all()
        .build();
    let ended = match runtime {
        Ok(runtime) => {
            let ended = runtime.block_on(boot::serve(flags, clock));
            // Whatever is still under way has had its time.
            runtime.shutdown_background();
            ended
        }
        Err(error) => Err(error.into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(err = format!("{error:#}"), "alertmanager exited with error");
            ExitCode::FAILURE
        }
    }
}

fn export(arguments: &[String]) -> ExitCode {
    let mut storage = PathBuf::from("data/");
    let mut output = None;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let (name, attached) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (argument.as_str(), None),
        };
        let value = match name {
            "--format" | "--storage.path" | "--output" => attached.or_else(|| rest.next().cloned()),
            _ => return refused(EXPORT, &format!("unexpected {argument}")),
        };
        let Some(value) = value else {
            return refused(EXPORT, &format!("expected argument for flag '{name}'"));
        };
        match name {
            "--storage.path" => storage = value.into(),
            "--output" => output = Some(PathBuf::from(value)),
            _ if value != "alertmanager" => {
                return refused(EXPORT, &format!("unknown format {value:?}: only alertmanager"));
            }
            _ => {}
        }
    }
    let output = output.unwrap_or_else(|| storage.clone());
    match export::export(&storage, &output) {
        Ok(exported) => {
            let export::Exported { silences, log_entries } = exported;
            let output = output.display();
            println!("{silences} silences and {log_entries} log entries written to {output}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{EXPORT}: error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn receivers(arguments: &[String]) -> ExitCode {
    match arguments.split_first() {
        Some((command, rest)) if command == "test" => receiver_test::run(rest),
        Some((other, _)) => refused("bellwether receivers", &format!("unexpected {other}")),
        None => refused("bellwether receivers", "expected test"),
    }
}

fn refused(program: &str, message: &str) -> ExitCode {
    eprintln!("{program}: error: {message}, try --help");
    ExitCode::FAILURE
}

fn base_name(path: &str) -> &str {
    Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or("bellwether")
}

const EXPORT: &str = "bellwether export";

/// Limit: threads that run tasks.
const WORKERS_MAX: usize = 8;
/// Limit: threads that serialise large answers and read files.
const BLOCKING_THREADS_MAX: usize = 16;

const USAGE: &str = "\
usage: bellwether <command> [<flags>]

Commands:
  server   Run the server. Takes the flags of Alertmanager; see bellwether server --help.
  export   Write silences and notification log as files of an Alertmanager:
             bellwether export [--storage.path=data/] [--format=alertmanager] [--output=DIR]
           The server must not run. The default output is the storage path itself.
  receivers test
           Tell a receiver a sample, or show what it would be told:
             bellwether receivers test --config.file=FILE --receiver=NAME [--dry-run]
           See bellwether receivers test --help.

Called as alertmanager, through a symlink, it is the server.
";

//! The subcommands of the program.
//!
//! In: all arguments, the program's own name first. Out: an exit code. Called as `alertmanager` or
//! `prometheus-alertmanager` (Debian's name), through a symlink, it is the server and takes exactly
//! that program's flags; called by any other name, its first argument is the subcommand.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lexopt::{Arg, ValueExt};

use crate::checks::Refused;
use crate::clock::Clock;
use crate::flags::{self, Flags, Parsed};
use crate::{boot, check_config, demo_webhook, export, logging, receiver_test};

/// Runs the subcommand.
pub fn run(arguments: &[String]) -> ExitCode {
    let called = arguments.first().map_or("bellwether", |path| base_name(path));
    let rest = arguments.get(1..).unwrap_or_default();
    if ALERTMANAGER_NAMES.contains(&called) {
        return serve(called, ALERTMANAGER_NAMES[0], rest);
    }
    match rest.split_first() {
        Some((command, rest)) if command == "server" => serve("bellwether server", called, rest),
        Some((command, rest)) if command == "export" => export(rest),
        Some((command, rest)) if command == "check-config" => check_config::run(rest),
        Some((command, rest)) if command == "receivers" => receivers(rest),
        Some((command, rest)) if command == "demo-webhook" => demo_webhook::run(rest),
        Some((command, rest)) if command == "version" && wants_help(rest) => {
            print!("{VERSION_USAGE}");
            ExitCode::SUCCESS
        }
        Some((command, _)) if ["--version", "version"].contains(&command.as_str()) => {
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
            // Tasks that are still running have had their time.
            runtime.shutdown_background();
            ended
        }
        Err(error) => Err(error.into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log_refusal(&error);
            ExitCode::FAILURE
        }
    }
}

fn log_refusal(error: &anyhow::Error) {
    match error.downcast_ref::<Refused>() {
        Some(Refused { message, reason }) if reason.is_empty() => tracing::error!("{message}"),
        Some(Refused { message, reason }) => tracing::error!(err = reason, "{message}"),
        None => tracing::error!(err = format!("{error:#}"), "alertmanager exited with error"),
    }
}

fn export(arguments: &[String]) -> ExitCode {
    if wants_help(arguments) {
        print!("{EXPORT_USAGE}");
        return ExitCode::SUCCESS;
    }
    let (storage, output) = match export_options(arguments) {
        Ok(options) => options,
        Err(error) => return refused(EXPORT, &error.to_string()),
    };
    match export::export(&storage, &output) {
        Ok(None) => {
            println!(
                "Another Alertmanager has changed the files in {} since this server ran; \
                 they are left as they are.",
                output.display()
            );
            ExitCode::SUCCESS
        }
        Ok(Some(exported)) => {
            let export::Exported { silences, log_entries, is_running, is_failing } = exported;
            let output = output.display();
            println!("{silences} silences and {log_entries} log entries written to {output}");
            if is_running {
                println!("The server is running: what it does from now on is not in these files.");
            }
            if is_failing {
                println!(
                    "Its journal cannot be written at present: what changed since that began is \
                     missing. GET /api/v2/silences has all silences."
                );
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{EXPORT}: error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The storage directory, and the directory to write to.
fn export_options(arguments: &[String]) -> Result<(PathBuf, PathBuf), lexopt::Error> {
    let mut storage = PathBuf::from("data/");
    let mut output = None;
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("storage.path") => storage = parser.value()?.into(),
            Arg::Long("output") => output = Some(PathBuf::from(parser.value()?)),
            Arg::Long("format") => {
                let format = parser.value()?.string()?;
                if format != "alertmanager" {
                    let message = format!("unknown format {format:?}: only alertmanager");
                    return Err(message.into());
                }
            }
            other => return Err(other.unexpected()),
        }
    }
    let output = output.unwrap_or_else(|| storage.clone());
    Ok((storage, output))
}

fn receivers(arguments: &[String]) -> ExitCode {
    match arguments.split_first() {
        Some((option, _)) if ["-h", "--help"].contains(&option.as_str()) => {
            print!("{RECEIVERS_USAGE}");
            ExitCode::SUCCESS
        }
        Some((command, rest)) if command == "test" => receiver_test::run(rest),
        Some((other, _)) => refused("bellwether receivers", &format!("unexpected {other}")),
        None => refused("bellwether receivers", "expected test"),
    }
}

fn wants_help(arguments: &[String]) -> bool {
    arguments.iter().any(|argument| ["-h", "--help"].contains(&argument.as_str()))
}

fn refused(program: &str, message: &str) -> ExitCode {
    eprintln!("{program}: error: {message}, try --help");
    ExitCode::FAILURE
}

fn base_name(path: &str) -> &str {
    Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or("bellwether")
}

/// Names by which the program is the server; the first one is in the version that tools look for.
const ALERTMANAGER_NAMES: [&str; 2] = ["alertmanager", "prometheus-alertmanager"];

const EXPORT: &str = "bellwether export";

/// Limit: threads that run tasks.
const WORKERS_MAX: usize = 8;
/// Limit: threads that serialise large answers and read files.
const BLOCKING_THREADS_MAX: usize = 16;

const USAGE: &str = "\
usage: bellwether <command> [<flags>]

Commands, each with --help:
  server          Run the server. Takes the flags of Alertmanager.
  amtool          Talk to a server: alerts, silences, routes, templates. Takes what amtool takes.
  check-config    Say whether the server would start with a configuration file.
  export          Write silences and notification log as files of an Alertmanager.
  receivers test  Send a sample to a receiver, or show the request that would be sent.
  demo-webhook    Print the notifications that are sent to an address.
  version         Show the version.

Called as alertmanager or prometheus-alertmanager, through a symlink, it is the server; called as
amtool, it is that.
";

const EXPORT_USAGE: &str = "\
usage: bellwether export [<flags>]

Writes silences and notification log as the files silences and nflog of an Alertmanager. Owner and
mode are those of the files that are replaced, or of the directory.

Stop the server before: then what an Alertmanager does with the files counts when the server is
started again on the same directory. Files that an Alertmanager has changed since this server ran
are left as they are, so that an export may be repeated. Of a running server a copy of this moment is written, with
--output for another directory.

Flags:
  --storage.path=data/       The directory of the server's data.
  --output=DIR               Where to write the files; by default the storage path itself.
  --format=alertmanager      The only one.
";

const RECEIVERS_USAGE: &str = "\
usage: bellwether receivers test --receiver=NAME [<flags>]

Sends a sample to a receiver, or shows the request; see bellwether receivers test --help.
";

const VERSION_USAGE: &str = "\
usage: bellwether version

Shows the version, like --version.
";

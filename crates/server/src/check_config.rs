//! `bellwether check-config`: would the server start with this configuration?
//!
//! In: the names of files. Out: for each what `amtool check-config` prints, and an exit code: 0 if all
//! can be loaded. Unlike amtool it builds everything that a start builds: receivers, their
//! credentials and certificates, templates. Warnings go to standard error, as at a start.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use lexopt::{Arg, ValueExt};

use crate::clock::Clock;
use crate::features::{self, Features};
use crate::load::{CurrentConfig, Loader};
use crate::logging::{self, Format, Level};
use crate::metrics::Metrics;
use crate::receivers::ReceiverSettings;

/// Runs the subcommand.
pub fn run(arguments: &[String]) -> ExitCode {
    match parse(arguments) {
        Ok(Parsed::Help) => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        Ok(Parsed::Check { files, features }) => check_all(&files, features),
        Err(reason) => refused(&format!("{reason}, try --help")),
    }
}

enum Parsed {
    Help,
    Check { files: Vec<PathBuf>, features: Features },
}

fn parse(arguments: &[String]) -> Result<Parsed, String> {
    let mut files = Vec::new();
    let mut features = Features::default();
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(Parsed::Help),
            Arg::Value(file) => files.push(file.into()),
            Arg::Long("config.file") => {
                files.push(parser.value().map_err(|error| error.to_string())?.into());
            }
            Arg::Long("enable-feature") => {
                let list = parser.value().and_then(ValueExt::string);
                (features, _) = features::parse(&list.map_err(|error| error.to_string())?)?;
            }
            other => return Err(other.unexpected().to_string()),
        }
    }
    if files.is_empty() {
        files.push("alertmanager.yml".into());
    }
    Ok(Parsed::Check { files, features })
}

fn check_all(files: &[PathBuf], features: Features) -> ExitCode {
    let clock = Clock::start();
    logging::start(Level::Warn, Format::Logfmt, clock.clone());
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return refused(&error.to_string()),
    };
    // Clients of receivers are built, though they connect to nothing.
    let _entered = runtime.enter();
    let failed = files.iter().filter(|file| !check(file, features, &clock)).count();
    if failed > 0 {
        return refused(&format!("failed to validate {failed} file(s)"));
    }
    ExitCode::SUCCESS
}

/// Prints what is found in one file; returns whether the server would start with it.
fn check(file: &Path, features: Features, clock: &Clock) -> bool {
    let metrics = Arc::new(Metrics::new(features));
    let loader = Loader {
        path: file.to_path_buf(),
        features,
        external_url: "http://localhost:9093".to_owned(),
        retention: DEFAULT_RETENTION,
        receivers: ReceiverSettings::usual(Arc::clone(&metrics)),
        metrics,
        clock: clock.clone(),
        current: CurrentConfig::default(),
    };
    let loaded = loader.load();
    let verdict = match &loaded {
        Ok(_) => "SUCCESS".to_owned(),
        Err(reason) => format!("FAILED: {reason}"),
    };
    println!("Checking '{}'  {verdict}", file.display());
    let Ok(loaded) = loaded else {
        println!();
        return false;
    };
    let found = loaded.contents();
    println!("Found:\n - global config\n - route");
    println!(" - {} inhibit rules", found.inhibit_rules);
    println!(" - {} receivers", found.receivers);
    println!(" - {} templates", found.templates);
    if found.template_faults > 0 {
        println!("  FAILED: {} invalid templates", found.template_faults);
    } else if found.templates > 0 {
        println!("  SUCCESS");
    }
    println!();
    found.template_faults == 0
}

fn refused(message: &str) -> ExitCode {
    eprintln!("bellwether check-config: error: {message}");
    ExitCode::FAILURE
}

/// That of `--data.retention`.
const DEFAULT_RETENTION: Duration = Duration::from_secs(120 * 3600);

const USAGE: &str = "\
usage: bellwether check-config [<flags>] [FILE...]

Says whether the server would start with each configuration file, and what is in it. Receivers and
templates are built as at a start; nothing is connected or sent. Warnings go to standard error.

Flags:
  --config.file=alertmanager.yml     A configuration file, like FILE. May be repeated.
  --enable-feature=LIST              The features that the server is started with.

Exit code: 0 if all files can be loaded; 1 if one cannot, or a template in it is invalid.
";

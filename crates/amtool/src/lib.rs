//! `amtool`: the command line client of Alertmanager.
//!
//! In: arguments, and everything [around](Surroundings) the process. Out: what the Go program prints,
//! byte for byte, and its exit code.
//!
//! The walk of a call: [`run`] reads the arguments (`line`) and the configuration files
//! (`config_files`), sets the options, and runs the command (`commands`), which talks to a server
//! (`api`) about alerts and silences (`wire`) and prints them (`output`).
//!
//! Differences from the Go program are in docs/compat.md#amtool.

mod api;
mod commands;
mod config_files;
mod date_time;
mod files;
mod line;
mod log;
mod matchers;
mod output;
mod process;
mod server_url;
mod surroundings;
mod template_files;
mod wire;

pub use process::main;
pub use surroundings::{Stdin, Surroundings, Version};

use commands::{Session, Stop};
use line::elements::{Leaving, parse};
use line::table::{Action, Print, Target};
use line::usage::Page;
use line::{Defaults, Element, Invocation, Options, completion, manual, set_all, set_defaults};

/// Runs the program; `arguments` follow its name. Returns the exit code.
pub fn run(arguments: &[String], around: &mut Surroundings<'_>) -> u8 {
    match run_until_stopped(arguments, around) {
        Ok(()) => 0,
        Err(Stop::Printed(code)) => code,
        Err(Stop::Failed(message)) => {
            around.warn(&format!("amtool: error: {message}\n\n"));
            1
        }
        Err(Stop::Fatal(message)) => {
            around.warn(&format!("amtool: error: {message}\n"));
            1
        }
    }
}

fn run_until_stopped(arguments: &[String], around: &mut Surroundings<'_>) -> Result<(), Stop> {
    let settings = config_files::read(around.variable)
        .map_err(|reason| Stop::Failed(format!("could not load config file: {reason}")))?;
    let invocation = parse(arguments, Leaving::NothingOut, &files::read);
    if let Some(error) = invocation.error {
        return Err(Stop::Failed(error));
    }
    let mut defaults = Defaults::new(&around.user);
    config_files::apply(&settings, &invocation, &mut defaults);
    let mut options = Options::default();
    set_defaults(&mut options, &invocation, &defaults).map_err(Stop::Failed)?;
    // A value that is wrong is reported only after what is asked for at once.
    let values = set_all(&mut options, &invocation);
    let page = Page { defaults: &defaults, width: around.columns() };
    if options.completes {
        around.print(&completion::completions(&invocation, arguments).join("\n"));
        return Ok(());
    }
    if let Some(text) = asked_for(&invocation, &options, &page, around)? {
        around.print(&text);
        return Ok(());
    }
    if invocation.flags_given().any(|flag| matches!(flag.target, Target::Print(Print::Help))) {
        let invocation = parse(arguments, Leaving::OutDefaults, &files::read);
        around.print(&page.help(&invocation));
        return Ok(());
    }
    values.map_err(Stop::Failed)?;
    check_required(&invocation, &defaults)?;
    let action = invocation.command().and_then(|command| command.action);
    let session = Session::new(options, around)?;
    match action {
        Some(action) => commands::run(action, session),
        None => {
            around.print(&page.help(&invocation));
            Ok(())
        }
    }
}

/// The text that one of the elements asks for, in the order in which they stand; a command that needs a
/// server and has none is in that order too.
fn asked_for(
    invocation: &Invocation,
    options: &Options,
    page: &Page<'_>,
    around: &Surroundings<'_>,
) -> Result<Option<String>, Stop> {
    let wants_help = invocation.flags_given().any(|flag| {
        matches!(flag.target, Target::Print(Print::Help | Print::LongHelp | Print::Manual))
    });
    for element in &invocation.elements {
        match element {
            Element::Flag(flag, _) => {
                let Target::Print(print) = flag.target else { continue };
                let version = around.version.text.trim_end_matches('\n');
                return Ok(Some(match print {
                    Print::Help => continue,
                    Print::LongHelp => page.long_help(invocation),
                    Print::Manual => manual::manual(page, version),
                    Print::BashScript => completion::BASH_SCRIPT.to_owned(),
                    Print::ZshScript => completion::ZSH_SCRIPT.to_owned(),
                    Print::Version => format!("{version}\n"),
                }));
            }
            Element::Command { command, .. } if command.action == Some(Action::Help) => {
                let about = parse(&options.words, Leaving::OutDefaults, &files::read);
                return match &about.error {
                    Some(error) => Err(Stop::Fatal(error.clone())),
                    None => Ok(Some(page.help(&about))),
                };
            }
            Element::Command { command, .. } => {
                if command.needs_server && options.url.is_none() && !wants_help {
                    let message = "required flag --alertmanager.url not provided";
                    return Err(Stop::Fatal(message.to_owned()));
                }
            }
            Element::Argument(..) => {}
        }
    }
    Ok(None)
}

fn check_required(invocation: &Invocation, defaults: &Defaults) -> Result<(), Stop> {
    let is_given = |name| invocation.flags_given().any(|flag| flag.name == name);
    let missing = invocation.flags.iter().filter(|flag| {
        let is_needed = flag.need == line::table::Need::Required && defaults.of(flag).is_none();
        is_needed && !is_given(flag.name)
    });
    let missing: Vec<String> = missing.map(|flag| format!("'--{}'", flag.name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Stop::Failed(format!("required flag(s) {} not provided", missing.join(", "))))
}

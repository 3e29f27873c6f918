//! `bellwether receivers test`: a test of a receiver, without a server.
//!
//! In: the arguments after these two words. Out: a table of what each integration answered, and an
//! exit code: 0 if all attempts succeeded, 1 if one failed or none could be made, 2 if all succeeded
//! but a template failed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use bellwether_api::{DryRunRequest, IntegrationTest, ReceiverTest, TestResult};
use bellwether_model::duration::{format_go, parse_prometheus};
use bellwether_model::{MatcherMode, Outcome};
use lexopt::{Arg, ValueExt};

use crate::clock::Clock;
use crate::features::Features;
use crate::load;
use crate::metrics::Metrics;
use crate::receivers::{self, ReceiverSettings};

/// Runs the subcommand.
pub fn run(arguments: &[String]) -> ExitCode {
    if arguments.iter().any(|argument| ["-h", "--help"].contains(&argument.as_str())) {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let tested = parse(arguments)
        .map_err(|reason| format!("{reason}, try --help"))
        .and_then(|options| test(&options));
    match tested {
        Ok(tested) => {
            print!("{}", table(&tested));
            ExitCode::from(code(&tested))
        }
        Err(reason) => {
            eprintln!("bellwether receivers test: error: {reason}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Debug, PartialEq)]
pub(super) struct Options {
    pub config_file: PathBuf,
    pub external_url: String,
    pub test: ReceiverTest,
    pub deny_networks: Vec<String>,
    pub allow_networks: Vec<String>,
    pub deny_private: bool,
    pub deny_plaintext_auth: bool,
}

pub(super) fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options {
        config_file: "alertmanager.yml".into(),
        external_url: "http://localhost:9093".into(),
        test: ReceiverTest::default(),
        deny_networks: Vec::new(),
        allow_networks: Vec::new(),
        deny_private: false,
        deny_plaintext_auth: false,
    };
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
        match argument {
            Arg::Long("dry-run") => options.test.dry_run = true,
            Arg::Long("receivers.deny-private") => options.deny_private = true,
            Arg::Long("receivers.deny-plaintext-auth") => options.deny_plaintext_auth = true,
            Arg::Long(name) => {
                let name = name.to_owned();
                let Some(name) = NAMES.into_iter().find(|known| *known == name) else {
                    return Err(format!("unexpected --{name}"));
                };
                let value = parser.value().and_then(ValueExt::string);
                let value = value.map_err(|error| error.to_string())?;
                set(&mut options, name, &value).map_err(|reason| format!("--{name}: {reason}"))?;
            }
            Arg::Short(letter) => return Err(format!("unexpected -{letter}")),
            Arg::Value(value) => return Err(format!("unexpected {}", value.display())),
        }
    }
    if options.test.receiver.is_empty() {
        return Err("required flag --receiver not provided".into());
    }
    Ok(options)
}

fn set(options: &mut Options, name: &str, value: &str) -> Result<(), String> {
    let test = &mut options.test;
    match name {
        "receivers.deny-cidr" => options.deny_networks.push(value.to_owned()),
        "receivers.allow-cidr" => options.allow_networks.push(value.to_owned()),
        "config.file" => options.config_file = value.into(),
        "web.external-url" => value.trim_end_matches('/').clone_into(&mut options.external_url),
        "receiver" => value.clone_into(&mut test.receiver),
        "integration" => value.clone_into(&mut test.integration),
        "label" => test.labels.push(pair(value)?),
        "annotation" => test.annotations.push(pair(value)?),
        "alerts" => {
            test.alerts = value.parse().map_err(|_| format!("{value:?} is not a number"))?
        }
        "timeout" => {
            test.timeout = parse_prometheus(value).map_err(|error| error.to_string())?;
        }
        _ => match value {
            "firing" => test.resolved = false,
            "resolved" => test.resolved = true,
            _ => return Err(format!("{value:?} is neither firing nor resolved")),
        },
    }
    Ok(())
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) =
        text.split_once('=').ok_or_else(|| format!("{text:?} is not name=value"))?;
    Ok((name.to_owned(), value.to_owned()))
}

fn test(options: &Options) -> Result<Vec<IntegrationTest>, String> {
    let Options {
        config_file,
        external_url,
        test,
        deny_networks,
        allow_networks,
        deny_private,
        deny_plaintext_auth,
    } = options;
    let network =
        receivers::network(deny_networks, allow_networks, *deny_private, *deny_plaintext_auth)?;
    let (_, mut parsed) = load::read(config_file, MatcherMode::default())?;
    parsed.config.resolve_paths(config_file.parent().unwrap_or(Path::new("")));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let now = Clock::start().now().wall;
    let usual = ReceiverSettings::usual(Arc::new(Metrics::new(Features::default())));
    let settings = ReceiverSettings { network, ..usual };
    runtime.block_on(super::receiver(Arc::new(parsed.config), external_url, settings, test, now))
}

fn code(tested: &[IntegrationTest]) -> u8 {
    if !tested.iter().all(IntegrationTest::is_ok) {
        1
    } else if tested.iter().any(|tested| !tested.template_faults.is_empty()) {
        2
    } else {
        0
    }
}

/// One line for each integration, with its template faults and the request below it.
pub(super) fn table(tested: &[IntegrationTest]) -> String {
    let widest = tested.iter().map(|tested| tested.integration.len()).max().unwrap_or(0);
    let width = widest.max("INTEGRATION".len());
    let mut out = format!("{:width$}  {:9}  DETAIL\n", "INTEGRATION", "RESULT");
    for IntegrationTest { integration, result, template_faults } in tested {
        let (result, detail) = describe(result);
        let row = format!("{integration:width$}  {result:9}  {}", one_line(&detail));
        out.push_str(row.trim_end());
        out.push('\n');
        for (field, reason) in template_faults {
            out.push_str(&format!("  template of {field} failed: {}\n", one_line(reason)));
        }
    }
    let shown = tested.iter().filter_map(|tested| match &tested.result {
        TestResult::DryRun(request) => Some((&tested.integration, request)),
        TestResult::Attempted(_) | TestResult::Skipped => None,
    });
    for (integration, DryRunRequest { method, headers, body }) in shown {
        out.push_str(&format!("\n# {integration}\n{method} <secret>\n"));
        for (name, value) in headers {
            out.push_str(&format!("{name}: {value}\n"));
        }
        out.push_str(&format!("\n{}\n", body.trim_end()));
    }
    out
}

fn describe(result: &TestResult) -> (&'static str, String) {
    match result {
        TestResult::DryRun(_) => ("shown", "not sent; see below".into()),
        TestResult::Skipped => ("skipped", "send_resolved is false".into()),
        TestResult::Attempted(Outcome::Delivered { .. }) => ("delivered", String::new()),
        TestResult::Attempted(Outcome::Refused { reason, detail }) => {
            ("refused", format!("{}: {detail}", reason.label()))
        }
        TestResult::Attempted(Outcome::Retry { after, reason, detail }) => {
            let nanos = after.and_then(|after| i64::try_from(after.as_nanos()).ok());
            let when = nanos.map(|nanos| format!(" after {}", format_go(nanos)));
            let when = when.unwrap_or_default();
            ("failed", format!("{}: {detail} (a server would try again{when})", reason.label()))
        }
    }
}

/// A response may have line ends or control characters.
fn one_line(text: &str) -> String {
    text.trim().chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

const NAMES: [&str; 11] = [
    "receivers.deny-cidr",
    "receivers.allow-cidr",
    "config.file",
    "web.external-url",
    "receiver",
    "integration",
    "status",
    "label",
    "annotation",
    "alerts",
    "timeout",
];

const USAGE: &str = "\
usage: bellwether receivers test --receiver=NAME [<flags>]

Sends a sample to each integration of a receiver, once, and prints the results.

Flags:
  --config.file=alertmanager.yml     The configuration file.
  --receiver=NAME                    The receiver; no route needs to use it.
  --integration=KIND[INDEX]          Only this one of its integrations, such as slack[0].
  --dry-run                          Show the first request to each instead of sending it.
  --status=firing                    Whether the sample's alerts are firing or resolved.
  --label=NAME=VALUE                 A label of the alerts. May be repeated.
  --annotation=NAME=VALUE            An annotation of the alerts. May be repeated.
  --alerts=1                         How many alerts the sample has, up to 1000; several differ in
                                     the label instance.
  --timeout=10s                      How long each integration may take, up to 60s.
  --receivers.deny-cidr, --receivers.deny-private, --receivers.allow-cidr,
  --receivers.deny-plaintext-auth    As for the server: which addresses may be sent to, and how.
  --web.external-url=http://localhost:9093
                                     Where links in the notification lead to.

Exit code: 0 if all attempts succeeded; 1 if one failed, or none could be made; 2 if all succeeded,
but a template failed and a plain-text fallback was sent.
";

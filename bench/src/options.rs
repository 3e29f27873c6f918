//! What is to be measured?

use std::time::Duration;

use anyhow::bail;
use bellwether_e2e::Program;
use lexopt::{Arg, ValueExt};

pub struct Options {
    pub mode: Mode,
    pub programs: Vec<Program>,
    /// Groups of the notification run, each with one alert.
    pub groups: usize,
    /// How many notifications of each large group are measured.
    pub rounds: usize,
    /// Each read is repeated for at least this long.
    pub read_for: Duration,
    /// How long single alerts are posted while large groups fail.
    pub stalls_for: Duration,
}

pub enum Mode {
    /// Both servers, once per number of alerts.
    Compare { sizes: Vec<usize> },
    /// Ours with very many alerts.
    OneNode { alerts: usize },
    /// Both servers, only notifications of large groups.
    Rendering,
    /// Both servers, only the waits of a client while large groups fail.
    Stalls,
    /// Both servers, with so many groups due at once.
    Burst { groups: usize },
    /// Three nodes of each.
    Cluster { scenarios: Vec<Scenario> },
}

/// A part of the comparison of clusters.
#[derive(Clone, Copy, Debug)]
pub enum Scenario {
    Spread,
    Idle,
    Failover,
    Duplicates,
    NotificationLog,
}

const SCENARIOS: [(&str, Scenario); 5] = [
    ("spread", Scenario::Spread),
    ("idle", Scenario::Idle),
    ("failover", Scenario::Failover),
    ("duplicates", Scenario::Duplicates),
    ("notification-log", Scenario::NotificationLog),
];

const HELP: &str = "\
usage: bellwether-bench [--quick] [--only bellwether|go] [--rendering | --stalls | --burst N | --alerts N | --cluster [SCENARIO]]
  --quick       10,000 alerts only, fewer repetitions
  --only WHICH  measure one of the two servers
  --rendering   only what a notification of a large group costs
  --stalls      only how long a client waits while large groups fail
  --burst N     only how soon N groups that are due at once are notified
  --alerts N    only Bellwether with N alerts: ingestion, memory, the first filtered read
  --cluster     three nodes of each; only one SCENARIO of spread, idle, failover, duplicates and
                notification-log";

impl Options {
    pub fn parse(mut arguments: lexopt::Parser) -> anyhow::Result<Self> {
        let mut options = Self {
            mode: Mode::Compare { sizes: vec![10_000, 100_000] },
            programs: vec![Program::Bellwether, Program::Go],
            groups: 3_000,
            rounds: 5,
            read_for: Duration::from_secs(2),
            stalls_for: Duration::from_secs(30),
        };
        while let Some(argument) = arguments.next()? {
            match argument {
                Arg::Long("quick") => {
                    if let Mode::Compare { sizes } = &mut options.mode {
                        *sizes = vec![10_000];
                    }
                    options.read_for = Duration::from_millis(500);
                    options.rounds = 2;
                    options.stalls_for = Duration::from_secs(10);
                }
                Arg::Long("only") => {
                    options.programs = match arguments.value()?.string()?.as_str() {
                        "bellwether" => vec![Program::Bellwether],
                        "go" => vec![Program::Go],
                        other => bail!("--only is bellwether or go, not {other}"),
                    };
                }
                Arg::Long("rendering") => options.mode = Mode::Rendering,
                Arg::Long("stalls") => options.mode = Mode::Stalls,
                Arg::Long("burst") => {
                    options.mode = Mode::Burst { groups: arguments.value()?.parse()? };
                }
                Arg::Long("alerts") => {
                    options.mode = Mode::OneNode { alerts: arguments.value()?.parse()? };
                    options.programs = vec![Program::Bellwether];
                }
                Arg::Long("cluster") => {
                    let scenarios = SCENARIOS.map(|(_, scenario)| scenario).to_vec();
                    options.mode = Mode::Cluster { scenarios };
                }
                Arg::Value(value) => {
                    let name = value.string()?;
                    let Mode::Cluster { scenarios } = &mut options.mode else {
                        bail!("unexpected argument {name}\n{HELP}");
                    };
                    let Some((_, scenario)) = SCENARIOS.iter().find(|(known, _)| *known == name)
                    else {
                        bail!("--cluster has no scenario {name}\n{HELP}");
                    };
                    *scenarios = vec![*scenario];
                }
                Arg::Short('h') | Arg::Long("help") => {
                    println!("{HELP}");
                    std::process::exit(0);
                }
                other => bail!("{}\n{HELP}", other.unexpected()),
            }
        }
        Ok(options)
    }
}

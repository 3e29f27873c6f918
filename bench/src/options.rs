//! What is to be measured?

use std::time::Duration;

use anyhow::{Context, bail};
use bellwether_e2e::Program;

pub struct Options {
    pub mode: Mode,
    pub programs: Vec<Program>,
    /// Groups of the notification run, each with one alert.
    pub groups: usize,
    /// How often each large group is told about.
    pub rounds: usize,
    /// Each read is repeated for at least this long.
    pub read_for: Duration,
}

pub enum Mode {
    /// The servers side by side, once per number of alerts.
    Compare { sizes: Vec<usize> },
    /// Ours with very many alerts.
    Alone { alerts: usize },
    /// The servers side by side, only telling about large groups.
    Rendering,
    /// Three nodes of each.
    Cluster { stories: Vec<Story> },
}

/// A part of the comparison of clusters.
#[derive(Clone, Copy, Debug)]
pub enum Story {
    Spread,
    Idle,
    Failover,
    Ledger,
    Chorus,
}

const HELP: &str =
    "usage: bellwether-bench [--quick] [--only bellwether|go] [--rendering] [--alerts N] [--cluster [STORY]]
  --quick       10,000 alerts only, fewer repetitions
  --only WHICH  measure one of the two servers
  --rendering   only what a notification about a large group costs
  --alerts N    Bellwether alone with N alerts: ingestion, memory, the first filtered read
  --cluster     three nodes of each; of spread, idle, failover, ledger and chorus only the STORY";

impl Options {
    pub fn parse(arguments: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let mut arguments = arguments.peekable();
        let mut options = Self {
            mode: Mode::Compare { sizes: vec![10_000, 100_000] },
            programs: vec![Program::Bellwether, Program::Go],
            groups: 3_000,
            rounds: 5,
            read_for: Duration::from_secs(2),
        };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--quick" => {
                    if let Mode::Compare { sizes } = &mut options.mode {
                        *sizes = vec![10_000];
                    }
                    options.read_for = Duration::from_millis(500);
                    options.rounds = 2;
                }
                "--only" => {
                    options.programs = match arguments.next().as_deref() {
                        Some("bellwether") => vec![Program::Bellwether],
                        Some("go") => vec![Program::Go],
                        _ => bail!("--only wants bellwether or go\n{HELP}"),
                    };
                }
                "--rendering" => options.mode = Mode::Rendering,
                "--alerts" => {
                    let number = arguments.next().context("--alerts wants a number")?;
                    let alerts = number.parse().context("--alerts wants a number")?;
                    options.mode = Mode::Alone { alerts };
                    options.programs = vec![Program::Bellwether];
                }
                "--cluster" => {
                    let story = arguments.next_if(|next| !next.starts_with('-'));
                    options.mode = Mode::Cluster { stories: stories(story.as_deref())? };
                }
                "--help" | "-h" => {
                    println!("{HELP}");
                    std::process::exit(0);
                }
                other => bail!("unknown argument {other}\n{HELP}"),
            }
        }
        Ok(options)
    }
}

fn stories(named: Option<&str>) -> anyhow::Result<Vec<Story>> {
    use Story::{Chorus, Failover, Idle, Ledger, Spread};
    Ok(match named {
        None => vec![Spread, Idle, Failover, Chorus, Ledger],
        Some("spread") => vec![Spread],
        Some("idle") => vec![Idle],
        Some("failover") => vec![Failover],
        Some("ledger") => vec![Ledger],
        Some("chorus") => vec![Chorus],
        Some(other) => bail!("--cluster knows no {other}\n{HELP}"),
    })
}

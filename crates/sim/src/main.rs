//! Replays one simulated run step by step, or searches many for one that breaks a rule.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use bellwether_sim::{Size, Violation, measure, run};

fn main() -> ExitCode {
    let command = match Command::parse(lexopt::Parser::from_env()) {
        Ok(command) => command,
        Err(error) => {
            eprintln!("{error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let is_good = match command {
        Command::Help => {
            println!("{USAGE}");
            true
        }
        Command::Replay { seed, size } => replay(seed, size),
        Command::Search { from, to, size } => search(from, to, size),
        Command::Measure => print_measures(),
    };
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

enum Command {
    Help,
    Replay {
        seed: u64,
        size: Size,
    },
    /// All seeds from `from` to before `to`.
    Search {
        from: u64,
        to: u64,
        size: Size,
    },
    Measure,
}

impl Command {
    fn parse(mut parser: lexopt::Parser) -> Result<Self, lexopt::Error> {
        use lexopt::{Arg, ValueExt};
        let (mut name, mut numbers) = (None, BTreeMap::new());
        let mut cluster = Size::Cluster;
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help),
                Arg::Long(option @ ("seed" | "from" | "to" | "nodes")) => {
                    let option = option.to_owned();
                    numbers.insert(option, parser.value()?.parse::<u64>()?);
                }
                Arg::Long("one-target") => cluster = Size::OneTarget,
                Arg::Long("hostile") => cluster = Size::Hostile,
                Arg::Value(value) if name.is_none() => name = Some(value.string()?),
                other => return Err(other.unexpected()),
            }
        }
        let size = match numbers.remove("nodes") {
            None => cluster,
            Some(1) => Size::OneNode,
            Some(_) => return Err("--nodes is 1, or left out: the seed decides the size".into()),
        };
        let mut number = |option: &str| {
            numbers.remove(option).ok_or_else(|| lexopt::Error::from(format!("missing --{option}")))
        };
        let command = match name.as_deref() {
            Some("replay") => Command::Replay { seed: number("seed")?, size },
            Some("search") => Command::Search { from: number("from")?, to: number("to")?, size },
            Some("measure") => Command::Measure,
            Some(other) => return Err(format!("unknown command {other:?}").into()),
            None => return Err("missing command".into()),
        };
        match numbers.keys().next() {
            Some(option) => Err(format!("--{option} does not belong to this command").into()),
            None => Ok(command),
        }
    }
}

fn replay(seed: u64, size: Size) -> bool {
    match run(seed, size, Some(&mut |line| println!("{line}"))) {
        Ok(run) => {
            println!("{run:?}");
            true
        }
        Err(violation) => {
            eprintln!("{violation}");
            false
        }
    }
}

/// Simulates one run for each seed, on all cores, and prints those that break a rule as it finds
/// them.
fn search(from: u64, to: u64, size: Size) -> bool {
    let next = AtomicU64::new(from);
    let broken = Mutex::new(Vec::new());
    let search_some = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= to {
                return;
            }
            if let Err(Violation { what, .. }) = run(seed, size, None) {
                println!("{seed}: {}", what.lines().next().unwrap_or_default());
                broken.lock().unwrap_or_else(PoisonError::into_inner).push(seed);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(search_some);
        }
    });
    let mut broken = broken.into_inner().unwrap_or_else(PoisonError::into_inner);
    broken.sort_unstable();
    let runs = to.saturating_sub(from);
    let mut summary = format!("{} of {runs} runs ({from} to {to}) break a rule", broken.len());
    for (number, seed) in broken.iter().enumerate() {
        let separator = if number == 0 { ": " } else { ", " };
        write!(summary, "{separator}{seed}").expect("a string takes everything");
    }
    println!("{summary}");
    broken.is_empty()
}

fn print_measures() -> bool {
    let measures = measures();
    match &measures {
        Ok(table) => print!("{table}"),
        Err(what) => eprintln!("{what}"),
    }
    measures.is_ok()
}

/// How fast clusters are, in virtual time.
fn measures() -> Result<String, String> {
    let rows = [
        ("a silence reaches all of 3", measure::silence_reaches_all(3, 50)?),
        ("a silence reaches all of 10", measure::silence_reaches_all(10, 20)?),
        ("a silence reaches all of 50", measure::silence_reaches_all(50, 1)?),
        ("3 nodes find each other", measure::all_converge(3, 50)?),
        ("10 nodes find each other", measure::all_converge(10, 20)?),
        ("50 nodes find each other", measure::all_converge(50, 3)?),
        ("failover of 2", measure::failover(2, 100)?),
        ("failover of 3", measure::failover(3, 100)?),
    ];
    let lines = rows.map(|(what, measured)| format!("{what:<28} | {measured}\n"));
    Ok(format!("{:<28} |   tries |    median |       99% |   longest\n{}", "", lines.concat()))
}

const USAGE: &str = "\
usage: bellwether-sim replay --seed NUMBER [--nodes 1 | --one-target | --hostile]
       bellwether-sim search --from NUMBER --to NUMBER [--nodes 1 | --one-target | --hostile]
       bellwether-sim measure

replay   print a run step by step
search   simulate all seeds from FROM to before TO, and print those that break a rule
measure  print how fast clusters are, in virtual time

--nodes 1     one node instead of a cluster, whose size the seed decides
--one-target  some alerts are posted to one node only; seeds are known that break a rule
--hostile     a peer, a receiver or a client is hostile";

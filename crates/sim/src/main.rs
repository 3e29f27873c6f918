//! Replays one life, step by step: `cargo run -p bellwether-sim -- --flock --seed 7`.

use std::fmt::Debug;
use std::ops::Range;
use std::process::ExitCode;

use bellwether_sim::{Broken, alone, flock};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut print = |line| println!("{line}");
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--seed", seed] => seed.parse().ok().map(|seed| show(alone::live(seed, Some(&mut print)))),
        ["--flock", "--seed", seed] => {
            seed.parse().ok().map(|seed| show(flock::live(seed, Some(&mut print))))
        }
        ["--flock", "--seeds", from, to] => match (from.parse(), to.parse()) {
            (Ok(from), Ok(to)) => Some(search(from..to)),
            _ => None,
        },
        ["--flock", "--measure"] => Some(table().map_or_else(refuse, print_table)),
        _ => None,
    }
    .unwrap_or_else(|| {
        eprintln!("usage: bellwether-sim [--flock] --seed NUMBER | --flock --seeds FROM TO | --flock --measure");
        ExitCode::from(2)
    })
}

/// How fast clusters are, in virtual time.
fn table() -> Result<String, String> {
    use bellwether_sim::flock::measure;
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

fn print_table(table: String) -> ExitCode {
    print!("{table}");
    ExitCode::SUCCESS
}

fn refuse(why: String) -> ExitCode {
    eprintln!("{why}");
    ExitCode::FAILURE
}

/// Lives many lives, and says which of them broke a promise.
fn search(seeds: Range<u64>) -> ExitCode {
    let mut broken = 0;
    for seed in seeds {
        if let Err(what) = flock::live(seed, None) {
            broken += 1_u32;
            println!("{what}\n");
        }
    }
    println!("{broken} lives broke a promise");
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn show(life: Result<impl Debug, Broken>) -> ExitCode {
    match life {
        Ok(life) => {
            println!("{life:?}");
            ExitCode::SUCCESS
        }
        Err(broken) => {
            eprintln!("{broken}");
            ExitCode::FAILURE
        }
    }
}

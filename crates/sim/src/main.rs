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
        _ => None,
    }
    .unwrap_or_else(|| {
        eprintln!("usage: bellwether-sim [--flock] --seed NUMBER | --flock --seeds FROM TO");
        ExitCode::from(2)
    })
}

/// Lives many lives, and says which of them broke a promise.
fn search(seeds: Range<u64>) -> ExitCode {
    let mut broken = 0;
    for seed in seeds {
        if let Err(what) = flock::live(seed, None) {
            broken += 1;
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

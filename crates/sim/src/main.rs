//! Replays one life, step by step: `cargo run -p bellwether-sim -- --seed 7`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let seed = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--seed", seed] => seed.parse::<u64>().ok(),
        _ => None,
    };
    let Some(seed) = seed else {
        eprintln!("usage: bellwether-sim --seed NUMBER");
        return ExitCode::from(2);
    };
    match bellwether_sim::live(seed, Some(&mut |line| println!("{line}"))) {
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

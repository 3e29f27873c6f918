//! How much faster is Bellwether than the Go Alertmanager, on this machine, now?
//!
//! Starts both in turn on the same configuration and load, measures from the outside (time on our
//! side of the socket, CPU and memory from `/proc`), and prints one markdown table per size with
//! both figures and their ratio. Nothing is kept between runs: what is printed
//! was measured in this run.
//!
//! In reading order: `options` (what to measure), `load` (the alerts, routes, rules and silences),
//! `driver` (sending and reading), `one_server` (one server's figures), `notify` (what many groups
//! cost), `large_groups` (what large ones cost), `stalls` (what they cost others), `burst` (very many groups
//! at once), `cluster` (three nodes), `table` (the result).
//!
//! It builds the server in its own profile: run it with `--release`.

mod burst;
mod cluster;
mod driver;
mod environment;
mod large_groups;
mod load;
mod million;
mod notify;
mod one_server;
mod options;
mod smtp_sink;
mod stalls;
mod table;

use bellwether_e2e::Program;

use options::{Mode, Options};

fn main() -> anyhow::Result<()> {
    let options = Options::parse(lexopt::Parser::from_env())?;
    if matches!(options.mode, Mode::Cluster { .. }) && cluster::namespace::enter()? {
        return Ok(());
    }
    println!("{}", environment::describe(&options.programs));
    match options.mode {
        Mode::Compare { ref sizes } => {
            for &alerts in sizes {
                let mut columns = Vec::new();
                for &program in &options.programs {
                    eprintln!("# {}: {alerts} alerts", program.name());
                    columns.push(one_server::server(program, alerts, &options));
                }
                let title = format!("{alerts} alerts");
                println!("{}", table::compare(&title, &options.programs, &columns));
            }
            let mut columns = Vec::new();
            for &program in &options.programs {
                eprintln!("# {}: notifications", program.name());
                columns.push(notify::server(program, &options));
            }
            let title = format!("{} groups at once", options.groups);
            println!("{}", table::compare(&title, &options.programs, &columns));
            rendering(&options);
            stalls(&options);
        }
        Mode::Rendering => rendering(&options),
        Mode::Stalls => stalls(&options),
        Mode::Burst { groups } => {
            let run = |&program: &Program| burst::server(program, groups);
            let columns: Vec<_> = options.programs.iter().map(run).collect();
            let title = format!("{groups} groups at once, answered after 10 ms");
            println!("{}", table::compare(&title, &options.programs, &columns));
        }
        Mode::Cluster { ref scenarios } => {
            let run = |&program: &Program| cluster::program(program, scenarios);
            let columns: Vec<_> = options.programs.iter().map(run).collect();
            println!("{}", table::compare("three nodes", &options.programs, &columns));
        }
        Mode::OneNode { alerts } => {
            let figures = million::server(Program::Bellwether, alerts);
            let title = format!("{alerts} alerts on one node");
            println!("{}", table::compare(&title, &[Program::Bellwether], &[figures]));
        }
    }
    Ok(())
}

fn stalls(options: &Options) {
    let mut columns = Vec::new();
    for &program in &options.programs {
        eprintln!("# {}: failing groups of {} alerts", program.name(), stalls::ALERTS);
        columns.push(stalls::server(program, options));
    }
    let title = format!("{} groups of {} alerts that fail", stalls::GROUPS, stalls::ALERTS);
    println!("{}", table::compare(&title, &options.programs, &columns));
}

fn rendering(options: &Options) {
    let mut columns = Vec::new();
    for &program in &options.programs {
        eprintln!("# {}: groups of {} alerts", program.name(), large_groups::ALERTS);
        columns.push(large_groups::server(program, options));
    }
    let title = format!("notifications of {} alerts", large_groups::ALERTS);
    println!("{}", table::compare(&title, &options.programs, &columns));
}

//! How much faster is Bellwether than the Go Alertmanager, on this machine, now?
//!
//! Starts both in turn on the same configuration and load, measures from the outside (time on our
//! side of the socket, CPU and memory from `/proc`), and prints one markdown table per size with
//! both figures and their ratio. Nothing is remembered between runs and no figure is written down
//! here: what is printed was measured in this run.
//!
//! In the order of a reading: `options` (what to measure), `load` (the alerts, routes, rules and
//! silences), `drive` (sending and reading), `measure` (one server's figures), `notify` (what many
//! groups cost) and `voices` (what large groups cost), `cluster` (three nodes), `table` (the
//! answer).
//!
//! It builds the server in its own profile: run it with `--release`.

mod cluster;
mod drive;
mod load;
mod machine;
mod mailbox;
mod measure;
mod million;
mod notify;
mod options;
mod table;
mod voices;

use bellwether_e2e::Program;

use options::{Mode, Options};

fn main() -> anyhow::Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    if matches!(options.mode, Mode::Cluster { .. }) && cluster::namespace::enter()? {
        return Ok(());
    }
    println!("{}", machine::describe(&options.programs));
    match options.mode {
        Mode::Compare { ref sizes } => {
            for &alerts in sizes {
                let mut columns = Vec::new();
                for &program in &options.programs {
                    eprintln!("# {}: {alerts} alerts", program.name());
                    columns.push(measure::server(program, alerts, &options));
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
        }
        Mode::Rendering => rendering(&options),
        Mode::Cluster { ref stories } => {
            let run = |&program: &Program| cluster::program(program, stories);
            let columns: Vec<_> = options.programs.iter().map(run).collect();
            println!("{}", table::compare("three nodes", &options.programs, &columns));
        }
        Mode::Alone { alerts } => {
            let figures = million::server(Program::Bellwether, alerts);
            let title = format!("{alerts} alerts on one node");
            println!("{}", table::compare(&title, &[Program::Bellwether], &[figures]));
        }
    }
    Ok(())
}

fn rendering(options: &Options) {
    let mut columns = Vec::new();
    for &program in &options.programs {
        eprintln!("# {}: groups of {} alerts", program.name(), voices::ALERTS);
        columns.push(voices::server(program, options));
    }
    let title = format!("a group of {} alerts, told", voices::ALERTS);
    println!("{}", table::compare(&title, &options.programs, &columns));
}

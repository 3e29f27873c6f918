//! On what was it measured?

use std::fs;
use std::process::Command;

use bellwether_e2e::Program;

/// One markdown list of facts about this machine and the programs.
pub fn describe(programs: &[Program]) -> String {
    let cpu = find("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown CPU".to_owned());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = find("/proc/meminfo", "MemTotal").unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut text = format!("- {cores} × {cpu}, {memory}, Linux {}\n", kernel.trim());
    for program in programs {
        text.push_str(&format!("- {}: {}\n", program.name(), version(*program)));
    }
    text
}

fn version(program: Program) -> String {
    let output = Command::new(program.path()).arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.ok().and_then(|text| text.lines().next().map(str::to_owned)).unwrap_or_default()
}

/// The value of the first line `name: value`.
fn find(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

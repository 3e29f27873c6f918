//! How is the network made quiet enough to count every byte on it?
//!
//! The whole comparison runs again as a child in a network namespace of its own, whose loopback
//! carries nothing but what the nodes and this driver send. Where namespaces are not permitted it
//! runs as it is; then bytes of other programs are counted too, and it prints that.

use std::env;
use std::fs;
use std::process::Command;

use anyhow::{Context, bail};
use bellwether_e2e::programs;

/// Runs this program once more in a namespace. `false` if it has to be done here, because this is
/// the one in the namespace or because there can be none.
pub fn enter() -> anyhow::Result<bool> {
    if env::var_os(INSIDE).is_some() {
        return Ok(false);
    }
    if !in_namespace("true", &[]).output().is_ok_and(|output| output.status.success()) {
        eprintln!("# network namespaces are not permitted: bytes of others are counted too");
        return Ok(false);
    }
    let own = env::current_exe().context("find out what to run again")?;
    let arguments: Vec<String> = env::args().skip(1).collect();
    let mut again = in_namespace(&own.to_string_lossy(), &arguments);
    // Built out here: there is no network in there.
    again.env("BELLWETHER_BIN", programs::bellwether());
    let status = again.env(INSIDE, "yes").status().context("run in a namespace")?;
    if !status.success() {
        bail!("the comparison in a network namespace failed: {status}");
    }
    Ok(true)
}

/// Bytes that loopback has carried, with all headers.
pub fn carried_bytes() -> u64 {
    let text = fs::read_to_string("/proc/net/dev").expect("Linux shows its network devices");
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix("lo:"));
    let sent = line.and_then(|line| line.split_whitespace().nth(SENT_BYTES)?.parse().ok());
    sent.expect("there is a loopback device")
}

fn in_namespace(program: &str, arguments: &[String]) -> Command {
    let mut command = Command::new(programs::debian("unshare"));
    command.args([
        "--map-root-user",
        "--net",
        "sh",
        "-c",
        "ip link set lo up && exec \"$@\"",
        "sh",
    ]);
    command.arg(program).args(arguments);
    command
}

const INSIDE: &str = "BELLWETHER_BENCH_INSIDE";
/// The column of `/proc/net/dev` behind the name.
const SENT_BYTES: usize = 8;

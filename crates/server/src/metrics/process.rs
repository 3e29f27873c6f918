//! What the kernel knows about this process: the `process_*` metrics of every Prometheus client.
//!
//! In: files of `/proc`. What cannot be read there is left out, as on systems without it.

use std::fs;
use std::sync::LazyLock;

use rustix::process::{Resource, getrlimit};

use super::text::Exposition;
use super::value::{Counter, Gauge};

/// Adds what can be read now.
pub fn add(out: &mut Exposition) {
    if let Some(stat) = stat() {
        let ticks = rustix::param::clock_ticks_per_second() as f64;
        let pages = rustix::param::page_size() as f64;
        let seconds = field(&stat, USER_TIME) + field(&stat, SYSTEM_TIME);
        counter(
            out,
            "process_cpu_seconds_total",
            "Total user and system CPU time spent in seconds.",
            seconds / ticks,
        );
        let resident = field(&stat, RESIDENT_PAGES) * pages;
        gauge(out, "process_resident_memory_bytes", "Resident memory size in bytes.", resident);
        let size = field(&stat, VIRTUAL_BYTES);
        gauge(out, "process_virtual_memory_bytes", "Virtual memory size in bytes.", size);
        if let Some(boot) = *BOOT_SECONDS {
            let start = boot + field(&stat, START_TIME) / ticks;
            gauge(
                out,
                "process_start_time_seconds",
                "Start time of the process since unix epoch in seconds.",
                start,
            );
        }
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        gauge(out, "process_open_fds", "Number of open file descriptors.", open.count() as f64);
    }
    // Compat: Go's client library shows "unlimited" as the largest integer, not as infinity.
    let limit = |resource| getrlimit(resource).current.unwrap_or(u64::MAX) as f64;
    let files = limit(Resource::Nofile);
    gauge(out, "process_max_fds", "Maximum number of open file descriptors.", files);
    let memory = limit(Resource::As);
    let help = "Maximum amount of virtual memory available in bytes.";
    gauge(out, "process_virtual_memory_max_bytes", help, memory);
    add_network(out);
}

/// Bytes over all interfaces, the loopback included, as Go's client library counts them.
fn add_network(out: &mut Exposition) {
    let Ok(text) = fs::read_to_string("/proc/self/net/netstat") else { return };
    // Two lines for each protocol: the names of the fields, then their values.
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("IpExt:"));
    let (Some(names), Some(values)) = (lines.next(), lines.next()) else { return };
    for (name, value) in names.split_whitespace().zip(values.split_whitespace()) {
        let Ok(bytes) = value.parse() else { continue };
        match name {
            "InOctets" => {
                let help = "Number of bytes received by the process over the network.";
                counter(out, "process_network_receive_bytes_total", help, bytes);
            }
            "OutOctets" => {
                let help = "Number of bytes sent by the process over the network.";
                counter(out, "process_network_transmit_bytes_total", help, bytes);
            }
            _ => {}
        }
    }
}

fn gauge(out: &mut Exposition, name: &'static str, help: &str, value: f64) {
    let gauge = Gauge::default();
    gauge.set(value);
    out.add(name, help, &gauge);
}

fn counter(out: &mut Exposition, name: &'static str, help: &str, value: f64) {
    out.add(name, help, &Seconds(value));
}

/// A counter whose value is not whole.
struct Seconds(f64);

impl super::text::Samples for Seconds {
    const KIND: &'static str = Counter::KIND;

    fn write(
        &self,
        name: &str,
        labels: &[(&str, &str)],
        form: super::text::Form,
        out: &mut String,
    ) {
        let gauge = Gauge::default();
        gauge.set(self.0);
        gauge.write(name, labels, form, out);
    }
}

/// The fields of `/proc/self/stat` that follow the command's name.
fn stat() -> Option<Vec<String>> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    // The name may hold spaces and parentheses; the last one closes it.
    let (_, rest) = text.rsplit_once(')')?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

fn field(stat: &[String], position: usize) -> f64 {
    stat.get(position).and_then(|text| text.parse().ok()).unwrap_or(0.0)
}

/// When the machine started, in seconds since 1970.
static BOOT_SECONDS: LazyLock<Option<f64>> = LazyLock::new(|| {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("btime "))?;
    line.trim().parse().ok()
});

// Positions behind the name: two less than the numbers in proc(5), and counted from 0.
const USER_TIME: usize = 11;
const SYSTEM_TIME: usize = 12;
const START_TIME: usize = 19;
const VIRTUAL_BYTES: usize = 20;
const RESIDENT_PAGES: usize = 21;

//! What is printed about silences, alerts, the status and the cluster: three formats.

mod columns;
mod extended;
mod simple;

use std::fmt::Write as _;
use std::net::IpAddr;

use bellwether_integrations::templates::format_time;
use bellwether_model::Timestamp;
use bellwether_model::interval::Location;

use crate::wire::{Alert, Cluster, Peer, Silence, Status, Write};

/// How values are shown.
#[derive(Clone, Copy, Debug)]
pub struct Style<'a> {
    pub format: Format,
    /// A Go layout.
    pub dates: &'a str,
    /// Where local clocks hang.
    pub place: &'a Location,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Simple,
    Extended,
    Json,
}

impl Format {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "simple" => Some(Format::Simple),
            "extended" => Some(Format::Extended),
            "json" => Some(Format::Json),
            _ => None,
        }
    }
}

impl Style<'_> {
    /// Sorted by their end.
    pub fn silences(&self, mut silences: Vec<Silence>) -> Result<String, Missing> {
        let sort = |silences: &mut Vec<Silence>| silences.sort_by_key(|silence| silence.ends_at);
        match self.format {
            Format::Json => Ok(silences.as_slice().json() + "\n"),
            Format::Simple => {
                sort(&mut silences);
                simple::silences(&silences, self)
            }
            Format::Extended => {
                sort(&mut silences);
                extended::silences(&silences, self)
            }
        }
    }

    /// Sorted by their start.
    pub fn alerts(&self, alerts: Option<Vec<Alert>>) -> Result<String, Missing> {
        let sorted = |alerts: Option<Vec<Alert>>| {
            let mut alerts = alerts.unwrap_or_default();
            alerts.sort_by_key(|alert| alert.starts_at);
            alerts
        };
        match self.format {
            Format::Json => Ok(match alerts {
                None => "null\n".to_owned(),
                Some(alerts) => alerts.as_slice().json() + "\n",
            }),
            Format::Simple => simple::alerts(&sorted(alerts), self),
            Format::Extended => extended::alerts(&sorted(alerts), self),
        }
    }

    pub fn config(&self, status: &Status) -> Result<String, Missing> {
        match self.format {
            Format::Json => Ok(status.json() + "\n"),
            Format::Simple => Ok(format!("{}\n", original(status)?)),
            Format::Extended => extended::config(status),
        }
    }

    pub fn cluster(&self, cluster: Option<&Cluster>) -> Result<String, Missing> {
        match self.format {
            Format::Json => {
                let mut out = String::new();
                cluster.cloned().write(&mut out);
                Ok(out + "\n")
            }
            Format::Simple => simple::cluster(present(cluster, "cluster")?),
            Format::Extended => extended::cluster(present(cluster, "cluster")?),
        }
    }

    fn date(&self, at: Option<Timestamp>, name: &'static str) -> Result<String, Missing> {
        Ok(format_time(*present(at.as_ref(), name)?, self.place, self.dates))
    }
}

/// A member that an answer must have, and has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing(&'static str);

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the server's answer has no {:?}", self.0)
    }
}

pub fn present<'a, T: ?Sized>(value: Option<&'a T>, name: &'static str) -> Result<&'a T, Missing> {
    value.ok_or(Missing(name))
}

/// The configuration's text.
pub fn original(status: &Status) -> Result<&str, Missing> {
    present(present(status.config.as_ref(), "config")?.as_deref(), "original")
}

/// By address, then by port; what is not an address comes first.
fn sorted_peers(cluster: &Cluster) -> Vec<&Peer> {
    let key = |peer: &&Peer| {
        let address = peer.address.as_deref().unwrap_or_default();
        let (host, port) = address.rsplit_once(':').unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let ip: Option<IpAddr> = host.parse().ok();
        let ip = ip.map(|ip| match ip {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        });
        (ip, port.parse::<i64>().unwrap_or_default())
    };
    let mut peers: Vec<&Peer> = cluster.peers.iter().flatten().collect();
    peers.sort_by_key(key);
    peers
}

/// A row of a table: each cell with a tab behind it.
fn push_row(out: &mut String, cells: &[&str]) {
    for cell in cells {
        let _ = write!(out, "{cell}\t");
    }
    out.push('\n');
}

//! How is a network cut in two?
//!
//! [`Namespaces`] are a few network namespaces, one for each node, joined by two bridges in one
//! more namespace, the hub: `front` carries HTTP and is never cut, `peers` carries the gossip, and
//! each node's cable to it can be pulled out. The test itself runs on a thread inside the hub, so
//! the machine's own network sees nothing of all this, and ports need not be searched for.
//!
//! This needs root. Without, [`Namespaces::run`] reports it on stderr, past the test's capture, and
//! does nothing.

use std::fs::File;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::panic;
use std::process::Command;
use std::thread;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Namespaces that are gone when this is dropped.
pub struct Namespaces {
    hub: String,
    nodes: Vec<String>,
}

impl Namespaces {
    /// Runs `test` within so many namespaces for nodes.
    pub fn run(test_name: &str, nodes: u8, test: fn(&Namespaces)) {
        let namespaces = match Self::new(nodes) {
            Ok(namespaces) => namespaces,
            Err(reason) => {
                // Not `eprintln`, which is only shown when a test fails.
                let line = format!("SKIPPED {test_name}: no network namespaces: {reason}\n");
                io::stderr().write_all(line.as_bytes()).expect("stderr is open");
                return;
            }
        };
        let result = thread::scope(|scope| {
            let inside = scope.spawn(|| {
                namespaces.enter_hub();
                test(&namespaces);
            });
            inside.join()
        });
        drop(namespaces);
        result.unwrap_or_else(|failure| panic::resume_unwind(failure));
    }

    /// What a node's server is to be run by.
    pub fn wrapper(&self, node: u8) -> [&str; 4] {
        ["ip", "netns", "exec", &self.nodes[usize::from(node)]]
    }

    /// Where the test itself, and a webhook in it, can be reached by all nodes.
    pub fn hub_listen(&self) -> String {
        format!("{FRONT_HUB}:0")
    }

    /// Where a node listens for HTTP.
    pub fn web_listen(&self, node: u8) -> String {
        format!("{}:0", front(node))
    }

    /// Where a node listens for its peers.
    pub fn peers_listen(&self, node: u8) -> SocketAddr {
        (peers(node), 9094).into()
    }

    /// Pulls a node's cable to its peers.
    pub fn cut(&self, node: u8) {
        self.set_cable(node, "down");
    }

    /// Puts it in again.
    pub fn heal(&self, node: u8) {
        self.set_cable(node, "up");
    }

    fn set_cable(&self, node: u8, state: &str) {
        let cable = format!("peers{node}");
        ip(&["-n", &self.hub, "link", "set", &cable, state])
            .unwrap_or_else(|error| panic!("set {cable} {state}: {error}"));
    }

    fn new(nodes: u8) -> Result<Self, String> {
        let run = std::process::id();
        let hub = format!("bellwether-{run}-hub");
        ip(&["netns", "add", &hub])?;
        let mut namespaces = Self { hub: hub.clone(), nodes: Vec::new() };
        ip(&["-n", &hub, "link", "set", "lo", "up"])?;
        for bridge in ["front", "peers"] {
            ip(&["-n", &hub, "link", "add", bridge, "type", "bridge"])?;
            ip(&["-n", &hub, "link", "set", bridge, "up"])?;
        }
        ip(&["-n", &hub, "address", "add", &format!("{FRONT_HUB}/24"), "dev", "front"])?;
        for node in 0..nodes {
            let name = format!("bellwether-{run}-{node}");
            ip(&["netns", "add", &name])?;
            namespaces.nodes.push(name.clone());
            ip(&["-n", &name, "link", "set", "lo", "up"])?;
            for (bridge, address) in [("front", front(node)), ("peers", peers(node))] {
                let cable = format!("{bridge}{node}");
                let (own, address) = (bridge, format!("{address}/24"));
                ip(&[
                    "-n", &hub, "link", "add", &cable, "type", "veth", "peer", "name", own,
                    "netns", &name,
                ])?;
                ip(&["-n", &hub, "link", "set", &cable, "master", bridge, "up"])?;
                ip(&["-n", &name, "address", "add", &address, "dev", own])?;
                ip(&["-n", &name, "link", "set", own, "up"])?;
            }
        }
        Ok(namespaces)
    }

    /// Moves the calling thread, and all that it starts, into the hub.
    fn enter_hub(&self) {
        let hub = File::open(format!("/run/netns/{}", self.hub)).expect("ip has made it");
        move_into_link_name_space(hub.as_fd(), Some(LinkNameSpaceType::Network))
            .expect("who may make a namespace may enter it");
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        for name in self.nodes.iter().chain([&self.hub]) {
            if let Err(error) = ip(&["netns", "delete", name]) {
                eprintln!("network namespace {name} is left over: {error}");
            }
        }
    }
}

fn ip(arguments: &[&str]) -> Result<(), String> {
    let output = Command::new("ip")
        .args(arguments)
        .output()
        .map_err(|error| format!("run ip (package iproute2): {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let error = String::from_utf8_lossy(&output.stderr);
    Err(format!("ip {}: {}", arguments.join(" "), error.trim()))
}

const FRONT_HUB: Ipv4Addr = Ipv4Addr::new(10, 99, 1, 1);

fn front(node: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 99, 1, 10 + node)
}

fn peers(node: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 99, 2, 10 + node)
}

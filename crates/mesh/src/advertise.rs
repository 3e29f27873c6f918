//! The address that this node advertises to its peers.
//!
//! In: the flag, the listening address, and the addresses of this host. Out: one address, and where it
//! comes from.
//!
//! The order is upstream's where that gives an answer: the flag; else the address that the node listens
//! on; else, if it listens on all addresses, the best private address of this host, preferring the
//! interface of the default route, IPv4, and large networks. Upstream refuses to start where it finds
//! no private address, though a public or an IPv6 one serves as well, and even loopback does for a
//! single node. Here there is always an address, and a doubtful one is logged.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// One address of this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalAddress {
    pub ip: IpAddr,
    /// Bits of the network's part.
    pub prefix: u8,
    /// Its interface carries the default route.
    pub on_default_route: bool,
}

/// The advertised address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advertised {
    pub address: SocketAddr,
    pub origin: Origin,
}

/// Where the address comes from, most reliable first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Operator,
    Listening,
    Private,
    /// There is no private address: peers on the internet may reach the node, and so may others.
    Public,
    /// There is no other address: no other host can reach the node.
    Loopback,
}

/// Picks the address; `listening` is the bound one, with its real port.
pub fn choose(
    operator: Option<SocketAddr>,
    listening: SocketAddr,
    local: &[LocalAddress],
) -> Advertised {
    if let Some(address) = operator {
        return Advertised { address, origin: Origin::Operator };
    }
    if !listening.ip().is_unspecified() {
        return Advertised { address: listening, origin: Origin::Listening };
    }
    let best = |wanted: fn(IpAddr) -> bool| {
        local
            .iter()
            .filter(|address| is_forwardable(address.ip) && wanted(address.ip))
            .min_by_key(|address| (!address.on_default_route, address.ip.is_ipv6(), address.prefix))
    };
    let (ip, origin) = if let Some(private) = best(is_private) {
        (private.ip, Origin::Private)
    } else if let Some(public) = best(|ip| !is_private(ip)) {
        (public.ip, Origin::Public)
    } else {
        let loopback = local.iter().map(|address| address.ip).find(IpAddr::is_loopback);
        (loopback.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)), Origin::Loopback)
    };
    Advertised { address: SocketAddr::new(ip, listening.port()), origin }
}

/// Whether other hosts can never reach this address.
pub fn is_unroutable(ip: IpAddr) -> bool {
    ip.is_loopback() || ip.is_unspecified()
}

/// The addresses of all interfaces that are up; reads the kernel's tables.
pub fn local_addresses() -> io::Result<Vec<LocalAddress>> {
    // Where the kernel shows no such table, no interface is preferred.
    let default = |path: &str, column: fn(&str) -> Option<&str>| {
        let table = std::fs::read_to_string(path).ok()?;
        table.lines().find_map(column).map(str::to_owned)
    };
    let default_v4 = default("/proc/net/route", default_route_v4);
    let default_v6 = default("/proc/net/ipv6_route", default_route_v6);
    let interfaces = if_addrs::get_if_addrs()?;
    let addresses = interfaces.into_iter().filter(if_addrs::Interface::is_oper_up);
    Ok(addresses
        .map(|interface| {
            let (default, prefix) = match &interface.addr {
                if_addrs::IfAddr::V4(v4) => (&default_v4, v4.prefixlen),
                if_addrs::IfAddr::V6(v6) => (&default_v6, v6.prefixlen),
            };
            let on_default_route = default.as_ref() == Some(&interface.name);
            LocalAddress { ip: interface.ip(), prefix, on_default_route }
        })
        .collect())
}

/// The interface of this line of the kernel's IPv4 routes, if it is a default route.
fn default_route_v4(line: &str) -> Option<&str> {
    let mut columns = line.split_whitespace();
    let interface = columns.next()?;
    let destination = columns.next()?;
    let mask = columns.nth(5)?;
    (destination == "00000000" && mask == "00000000").then_some(interface)
}

/// The same for IPv6, where a default route on loopback says "unreachable".
fn default_route_v6(line: &str) -> Option<&str> {
    let mut columns = line.split_whitespace();
    let destination = columns.next()?;
    let prefix = columns.next()?;
    let interface = columns.nth(7)?;
    let everywhere = destination.bytes().all(|digit| digit == b'0') && prefix == "00";
    (everywhere && interface != "lo").then_some(interface)
}

/// Whether routers forward packets to it.
fn is_forwardable(ip: IpAddr) -> bool {
    !NOT_FORWARDABLE.iter().any(|network| network.contains(ip))
}

/// Whether it is for special use (RFC 6890) rather than known to the whole internet.
fn is_private(ip: IpAddr) -> bool {
    SPECIAL.iter().any(|network| network.contains(ip))
}

struct Network {
    base: IpAddr,
    prefix: u32,
}

impl Network {
    fn contains(&self, ip: IpAddr) -> bool {
        match (self.base, ip) {
            (IpAddr::V4(base), IpAddr::V4(ip)) => {
                let differing = base.to_bits() ^ ip.to_bits();
                differing.leading_zeros() >= self.prefix
            }
            (IpAddr::V6(base), IpAddr::V6(ip)) => {
                let differing = base.to_bits() ^ ip.to_bits();
                differing.leading_zeros() >= self.prefix
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u32) -> Network {
    Network { base: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix }
}

const fn v6(a: u16, b: u16, f: u16, h: u16, prefix: u32) -> Network {
    Network { base: IpAddr::V6(Ipv6Addr::new(a, b, 0, 0, 0, f, 0, h)), prefix }
}

const NOT_FORWARDABLE: [Network; 15] = [
    v4(0, 0, 0, 0, 8),
    v4(127, 0, 0, 0, 8),
    v4(169, 254, 0, 0, 16),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    v4(240, 0, 0, 0, 4),
    v4(255, 255, 255, 255, 32),
    v6(0, 0, 0, 1, 128),
    v6(0, 0, 0, 0, 128),
    v6(0, 0, 0xffff, 0, 96),
    v6(0x2001, 0xdb8, 0, 0, 32),
    v6(0x2001, 0x10, 0, 0, 28),
    v6(0xfe80, 0, 0, 0, 10),
];

const SPECIAL: [Network; 24] = [
    v4(0, 0, 0, 0, 8),
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    v4(169, 254, 0, 0, 16),
    v4(172, 16, 0, 0, 12),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(192, 88, 99, 0, 24),
    v4(192, 168, 0, 0, 16),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    v4(240, 0, 0, 0, 4),
    v4(255, 255, 255, 255, 32),
    v6(0, 0, 0, 1, 128),
    v6(0, 0, 0, 0, 128),
    v6(0x64, 0xff9b, 0, 0, 96),
    v6(0, 0, 0xffff, 0, 96),
    v6(0x100, 0, 0, 0, 64),
    v6(0x2001, 0, 0, 0, 16),
    v6(0x2002, 0, 0, 0, 16),
    v6(0xfc00, 0, 0, 0, 7),
    v6(0xfe80, 0, 0, 0, 10),
];

#[cfg(test)]
mod tests;

//! Which addresses receivers may have.
//!
//! In: an address that a name stands for, when a connection is about to be opened to it. Out: whether
//! it may be. Checked there, and not when a URL is read, so that neither a name that points inside nor a
//! redirect gets around it.
//!
//! What is reached through a proxy is the proxy's to judge: it resolves names. Only a URL that has an
//! address in place of a name is checked before. The proxy itself is named by the operator and is not
//! checked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ipnet::IpNet;

/// What the operator allows all receivers.
#[derive(Clone, Debug, Default)]
pub struct NetworkPolicy {
    pub firewall: Arc<Firewall>,
    pub plaintext_auth: PlaintextAuth,
}

/// Whether a mail server may be sent a password over a connection without TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlaintextAuth {
    /// By LOGIN, if the configuration turns TLS off.
    #[default]
    AsConfigured,
    /// Only on this machine.
    Local,
}

/// Networks that no connection is opened to.
#[derive(Clone, Debug, Default)]
pub struct Firewall {
    /// Wins over what is denied.
    pub allowed: Vec<IpNet>,
    pub denied: Vec<IpNet>,
    /// Whether addresses that are not public are denied, as [`is_private`] has it.
    pub deny_private: bool,
}

impl Firewall {
    /// Why no connection may be opened to the address; `None` if one may.
    pub fn refusal(&self, address: IpAddr) -> Option<String> {
        let meant = embedded(address);
        let lies_in = |networks: &[IpNet]| {
            networks.iter().any(|network| network.contains(&address) || network.contains(&meant))
        };
        let flag = if lies_in(&self.allowed) {
            return None;
        } else if lies_in(&self.denied) {
            "--receivers.deny-cidr"
        } else if self.deny_private && is_private(meant) {
            "--receivers.deny-private"
        } else {
            return None;
        };
        Some(format!("{address} is denied by {flag}; --receivers.allow-cidr can make an exception"))
    }
}

/// The IPv4 address that an IPv6 address stands for, if it does: mapped, compatible, NAT64 or 6to4.
fn embedded(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let [a, b, c, d, e, f, g, h] = v6.segments();
    let (high, low) = match (a, b, c, d, e, f) {
        (0, 0, 0, 0, 0, 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) => (g, h),
        // Neither `::` nor `::1`.
        (0, 0, 0, 0, 0, 0) if g != 0 || h > 1 => (g, h),
        (0x2002, high, low, ..) => (high, low),
        _ => return address,
    };
    let ([first, second], [third, fourth]) = (high.to_be_bytes(), low.to_be_bytes());
    IpAddr::V4(Ipv4Addr::new(first, second, third, fourth))
}

/// Whether an address is not one of the public network: loopback, private use, link-local, shared by
/// carriers, multicast, or reserved. Where clouds give out credentials (`169.254.169.254`,
/// `100.100.100.200`, `192.0.0.192`, `fd00:ec2::254`) is among them.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_private_v4(v4),
        IpAddr::V6(v6) => is_private_v6(v6),
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || first == 0
        || first >= 240
        || (first == 100 && second & 0xc0 == 64)
        || (first == 192 && second == 0 && third == 0)
        || (first == 198 && second & 0xfe == 18)
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    let first = address.segments()[0];
    address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || first & 0xfe00 == 0xfc00
        // Link-local, and site-local of old.
        || first & 0xff80 == 0xfe80
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::Firewall;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("a fixed address")
    }

    #[test]
    fn what_is_not_public_is_private() {
        let firewall = Firewall { deny_private: true, ..Firewall::default() };
        for text in [
            "127.0.0.1",
            "127.9.9.9",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.100.100.200",
            "192.0.0.192",
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::",
            "::1",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "::10.0.0.1",
            "64:ff9b::10.0.0.1",
            "2002:a00:1::",
            "2002:7f00:1::1",
        ] {
            let refusal = firewall.refusal(address(text)).expect(text);
            assert!(refusal.starts_with(&address(text).to_string()), "{refusal}");
            assert!(refusal.contains("denied by --receivers.deny-private"), "{refusal}");
        }
        for text in [
            "8.8.8.8",
            "172.15.0.1",
            "172.32.0.1",
            "100.63.255.255",
            "100.128.0.1",
            "192.0.2.1",
            "11.0.0.1",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::",
        ] {
            assert_eq!(firewall.refusal(address(text)), None, "{text}");
        }
        assert_eq!(Firewall::default().refusal(address("127.0.0.1")), None);
    }

    #[test]
    fn networks_are_denied_and_allowed() {
        let network = |text: &str| text.parse().expect("a fixed network");
        let firewall = Firewall {
            denied: vec![network("203.0.113.0/24"), network("2001:db8::/32")],
            allowed: vec![network("203.0.113.7/32"), network("10.0.0.0/8")],
            deny_private: true,
        };
        for text in ["203.0.113.8", "::ffff:203.0.113.8", "2001:db8::1"] {
            let refusal = firewall.refusal(address(text)).expect(text);
            assert!(refusal.contains("denied by --receivers.deny-cidr"), "{refusal}");
        }
        assert!(firewall.refusal(address("192.168.0.1")).is_some());
        for text in ["203.0.113.7", "::ffff:203.0.113.7", "10.0.0.1", "203.0.114.1", "2001:db9::1"]
        {
            assert_eq!(firewall.refusal(address(text)), None, "{text}");
        }
    }
}

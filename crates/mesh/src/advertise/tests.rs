use super::*;

fn local(ip: &str, prefix: u8, on_default_route: bool) -> LocalAddress {
    LocalAddress { ip: ip.parse().unwrap(), prefix, on_default_route }
}

/// Listening everywhere on port 9094.
#[track_caller]
fn check(addresses: &[LocalAddress], expected: &str, origin: Origin) {
    let listening = "[::]:9094".parse().unwrap();
    let expected = Advertised { address: expected.parse().unwrap(), origin };
    assert_eq!(choose(None, listening, addresses), expected);
}

#[test]
fn what_the_operator_says_is_taken() {
    let said = "203.0.113.7:7000".parse().unwrap();
    let chosen = choose(Some(said), "10.0.0.1:9094".parse().unwrap(), &[]);
    assert_eq!(chosen, Advertised { address: said, origin: Origin::Operator });
}

#[test]
fn a_definite_listen_address_is_taken_with_its_port() {
    let bound = "127.0.0.1:41234".parse().unwrap();
    let chosen = choose(None, bound, &[local("10.0.0.1", 8, true)]);
    assert_eq!(chosen, Advertised { address: bound, origin: Origin::Listening });
}

#[test]
fn private_addresses_come_first_and_best() {
    let lo = local("127.0.0.1", 8, false);
    let small = local("192.168.1.4", 24, false);
    let large = local("10.1.1.4", 8, false);
    let default = local("192.168.9.9", 24, true);
    let public = local("8.8.4.4", 8, true);
    let six = local("fd00::2", 64, true);
    check(&[lo, small, large], "10.1.1.4:9094", Origin::Private);
    check(&[lo, small, large, default], "192.168.9.9:9094", Origin::Private);
    check(&[lo, small, public], "192.168.1.4:9094", Origin::Private);
    check(&[lo, six, default], "192.168.9.9:9094", Origin::Private);
}

#[test]
fn an_address_of_any_kind_is_better_than_none() {
    let lo = local("127.0.0.1", 8, false);
    check(&[lo, local("fd00::2", 64, true)], "[fd00::2]:9094", Origin::Private);
    check(&[lo, local("8.8.4.4", 24, true)], "8.8.4.4:9094", Origin::Public);
    check(&[lo, local("2a00:1450::5", 64, true)], "[2a00:1450::5]:9094", Origin::Public);
    check(&[lo], "127.0.0.1:9094", Origin::Loopback);
    check(&[local("::1", 128, false)], "[::1]:9094", Origin::Loopback);
    check(&[], "127.0.0.1:9094", Origin::Loopback);
}

#[test]
fn link_local_and_documentation_addresses_are_passed_over() {
    let useless =
        [local("169.254.3.3", 16, true), local("192.0.2.2", 24, true), local("fe80::1", 64, true)];
    check(&useless, "127.0.0.1:9094", Origin::Loopback);
}

#[test]
fn default_routes_are_found_in_the_kernels_tables() {
    let header = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT";
    assert_eq!(default_route_v4(header), None);
    let row = "eth0 00000000 010200C0 0003 0 0 0 00000000 0 0 0";
    assert_eq!(default_route_v4(row), Some("eth0"));
    assert_eq!(default_route_v4("eth0 000200C0 00000000 0001 0 0 0 00FFFFFF 0 0 0"), None);
    assert_eq!(default_route_v4("eth0 00000000 010200C0"), None);
    let zeros = "0".repeat(32);
    let row = |device: &str, prefix: &str| {
        format!("{zeros} {prefix} {zeros} 00 {zeros} 00000400 00000002 00000000 00000003 {device}")
    };
    assert_eq!(default_route_v6(&row("eth0", "00")), Some("eth0"));
    assert_eq!(default_route_v6(&row("lo", "00")), None);
    assert_eq!(default_route_v6(&row("eth0", "40")), None);
}

#[test]
fn this_machine_has_addresses() {
    let addresses = local_addresses().unwrap();
    assert!(addresses.iter().any(|address| address.ip.is_loopback()), "{addresses:?}");
}

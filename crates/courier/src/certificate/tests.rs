use bellwether_e2e::certificates::{Authority, der};
use rcgen::{CertificateParams, KeyPair, SanType};

use super::Certificate;

fn certificate(names: Vec<SanType>) -> Vec<u8> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.subject_alt_names = names;
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

fn alternative_names(bytes: &[u8]) -> Option<Vec<String>> {
    Certificate::parse(bytes)?.alternative_names()
}

#[test]
fn names_of_all_four_kinds_are_found() {
    let names = vec![
        SanType::DnsName("node-1.example".try_into().unwrap()),
        SanType::Rfc822Name("ops@example.org".try_into().unwrap()),
        SanType::URI("spiffe://cluster/node-1".try_into().unwrap()),
        SanType::IpAddress("10.1.2.3".parse().unwrap()),
        SanType::IpAddress("fd00::1".parse().unwrap()),
    ];
    let found = alternative_names(&certificate(names)).unwrap();
    let expected =
        ["node-1.example", "ops@example.org", "spiffe://cluster/node-1", "10.1.2.3", "fd00::1"];
    assert_eq!(found, expected);
}

#[test]
fn a_certificate_may_have_no_names() {
    assert_eq!(alternative_names(&certificate(Vec::new())), Some(Vec::new()));
}

#[test]
fn version_1_is_read_and_shown_as_version_3() {
    let old = der(&Authority::new().sign_version_1("old.test").cert);
    let read = Certificate::parse(&old).unwrap();
    assert_eq!((read.version, read.alternative_names()), (1, Some(Vec::new())));
    let upgraded = read.upgraded().unwrap();
    assert!(old.windows(upgraded.signed.len()).any(|part| part == upgraded.signed));
    let again = Certificate::parse(&upgraded.der).unwrap();
    assert_eq!(again.version, 3);
    assert_eq!(again.public_key(), read.public_key());
    assert_eq!(again.signed, upgraded.shown);
    webpki::EndEntityCert::try_from(&upgraded.der).unwrap();
    assert!(again.upgraded().is_none());
}

#[test]
fn truncated_or_corrupted_bytes_never_panic() {
    for whole in [
        certificate(vec![SanType::DnsName("a".try_into().unwrap())]),
        der(&Authority::new().sign_version_1("old.test").cert),
    ] {
        for length in 0..whole.len() {
            assert_eq!(alternative_names(&whole[..length]), None, "cut at {length}");
        }
        let mut survivors = 0;
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut turned = whole.clone();
                turned[at] ^= 1 << bit;
                let Some(read) = Certificate::parse(&turned) else { continue };
                read.upgraded();
                survivors += usize::from(read.alternative_names().is_some());
            }
        }
        assert!(survivors > 0, "a signature's bits do not matter here");
    }
}

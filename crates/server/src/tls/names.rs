//! The names that a certificate carries.
//!
//! In: a certificate's DER bytes, which are untrusted. Out: its subject alternative names as the texts that
//! operators compare with. The TLS library checks *whether* a name fits, with wildcards; here names
//! are compared letter for letter, for which they have to be seen.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// DNS names, e-mail and IP addresses and URIs; `None` if the bytes are not a certificate.
pub fn alternative_names(certificate: &[u8]) -> Option<Vec<String>> {
    let mut certificate = Der(Der(certificate).expect_tag(SEQUENCE)?);
    let mut body = Der(certificate.expect_tag(SEQUENCE)?);
    let extensions = loop {
        match body.element() {
            Some((EXTENSIONS, content)) => break Der(content).expect_tag(SEQUENCE)?,
            Some(_) => {}
            None if body.0.is_empty() => return Some(Vec::new()),
            None => return None,
        }
    };
    let mut extensions = Der(extensions);
    while !extensions.0.is_empty() {
        let mut extension = Der(extensions.expect_tag(SEQUENCE)?);
        if extension.expect_tag(OBJECT_ID)? != SUBJECT_ALT_NAME {
            continue;
        }
        let (tag, mut content) = extension.element()?;
        if tag == BOOLEAN {
            content = extension.expect_tag(OCTET_STRING)?;
        }
        return general_names(Der(content).expect_tag(SEQUENCE)?);
    }
    Some(Vec::new())
}

fn general_names(names: &[u8]) -> Option<Vec<String>> {
    let mut names = Der(names);
    let mut found = Vec::new();
    while !names.0.is_empty() {
        let (tag, content) = names.element()?;
        match tag {
            EMAIL | DNS | URI => found.push(String::from_utf8(content.to_vec()).ok()?),
            IP => found.push(ip(content)?.to_canonical().to_string()),
            // Kinds that cannot be written in the file.
            _ => {}
        }
    }
    Some(found)
}

fn ip(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(v4).into());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|v6| Ipv6Addr::from(v6).into())
}

/// What is left of a run of elements, each a tag, a length and a content.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn element(&mut self) -> Option<(u8, &'a [u8])> {
        let (tag, rest) = self.0.split_first()?;
        let (first, mut rest) = rest.split_first()?;
        let mut length = usize::from(*first);
        if length >= 0x80 {
            // The length of the length; certificates are no longer than a few kilobytes.
            let (bytes, behind) = rest.split_at_checked(length & 0x7f)?;
            if bytes.is_empty() || bytes.len() > 3 {
                return None;
            }
            length = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
            rest = behind;
        }
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, content))
    }

    fn expect_tag(&mut self, wanted: u8) -> Option<&'a [u8]> {
        self.element().filter(|(tag, _)| *tag == wanted).map(|(_, content)| content)
    }
}

const SEQUENCE: u8 = 0x30;
const OBJECT_ID: u8 = 0x06;
const BOOLEAN: u8 = 0x01;
const OCTET_STRING: u8 = 0x04;
/// The last field of a certificate's body.
const EXTENSIONS: u8 = 0xa3;
/// 2.5.29.17
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const EMAIL: u8 = 0x81;
const DNS: u8 = 0x82;
const URI: u8 = 0x86;
const IP: u8 = 0x87;

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, SanType};

    use super::alternative_names;

    fn certificate(names: Vec<SanType>) -> Vec<u8> {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.subject_alt_names = names;
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
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
    fn truncated_or_corrupted_bytes_never_panic() {
        let whole = certificate(vec![SanType::DnsName("a".try_into().unwrap())]);
        for length in 0..whole.len() {
            assert_eq!(alternative_names(&whole[..length]), None, "cut at {length}");
        }
        let mut survivors = 0;
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut turned = whole.clone();
                turned[at] ^= 1 << bit;
                survivors += usize::from(alternative_names(&turned).is_some());
            }
        }
        assert!(survivors > 0, "a signature's bits do not matter here");
    }
}

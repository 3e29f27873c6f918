//! The parts of an X.509 certificate of any version.
//!
//! In: a certificate's DER bytes, which are untrusted. Out: its public key, its alternative names as
//! the texts that operators compare with, and what it would be as a certificate of version 3.
//!
//! The TLS library reads version 3 only. `openssl x509 -req` without extensions makes version 1,
//! which Go accepts wherever no name has to fit.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer};

/// A certificate that was read as far as needed.
#[derive(Debug)]
pub struct Certificate<'a> {
    /// 1, 2 or 3.
    pub version: u8,
    /// What is signed, with its tag and length.
    signed: &'a [u8],
    /// From the serial number to the public key, each with tag and length.
    common_fields: &'a [u8],
    public_key: &'a [u8],
    extensions: Option<&'a [u8]>,
    /// Algorithm and signature.
    signature: &'a [u8],
}

/// A certificate of version 1 or 2 in the form of version 3.
///
/// The signature is that of the original, so it fits `signed`, not `shown`.
#[derive(Debug)]
pub struct Upgraded<'a> {
    pub der: CertificateDer<'static>,
    /// What seems to be signed.
    pub shown: Vec<u8>,
    /// What is signed.
    pub signed: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// `None` if the bytes are not a certificate.
    pub fn parse(der: &'a [u8]) -> Option<Self> {
        let mut outer = Der(der);
        let mut whole = Der(outer.expect_tag(SEQUENCE)?);
        if !outer.0.is_empty() {
            return None;
        }
        let signed = whole.element()?;
        if signed.tag != SEQUENCE {
            return None;
        }
        let signature = whole.0;
        whole.expect_tag(SEQUENCE)?;
        whole.expect_tag(BIT_STRING)?;

        let mut fields = Der(signed.content);
        let mut version = 1;
        if fields.0.first() == Some(&VERSION) {
            let number = Der(fields.expect_tag(VERSION)?).expect_tag(INTEGER)?;
            version = match number {
                [number @ 0..=2] => number + 1,
                _ => return None,
            };
        }
        let before = fields.0;
        fields.expect_tag(INTEGER)?;
        // Algorithm, issuer, validity, subject.
        for _ in 0..4 {
            fields.expect_tag(SEQUENCE)?;
        }
        let public_key = fields.element()?;
        if public_key.tag != SEQUENCE {
            return None;
        }
        let common_fields = before.get(..before.len() - fields.0.len())?;
        let mut extensions = None;
        while !fields.0.is_empty() {
            let field = fields.element()?;
            if field.tag == EXTENSIONS {
                extensions = Some(Der(field.content).expect_tag(SEQUENCE)?);
            }
        }
        Some(Certificate {
            version,
            signed: signed.whole,
            common_fields,
            public_key: public_key.whole,
            extensions,
            signature,
        })
    }

    pub fn public_key(&self) -> SubjectPublicKeyInfoDer<'a> {
        SubjectPublicKeyInfoDer::from(self.public_key)
    }

    /// DNS names, e-mail and IP addresses and URIs; `None` if they cannot be read.
    pub fn alternative_names(&self) -> Option<Vec<String>> {
        let mut extensions = Der(self.extensions.unwrap_or_default());
        while !extensions.0.is_empty() {
            let mut extension = Der(extensions.expect_tag(SEQUENCE)?);
            if extension.expect_tag(OBJECT_ID)? != SUBJECT_ALT_NAME {
                continue;
            }
            let mut value = extension.element()?;
            if value.tag == BOOLEAN {
                value = extension.element()?;
            }
            if value.tag != OCTET_STRING {
                return None;
            }
            return general_names(Der(value.content).expect_tag(SEQUENCE)?);
        }
        Some(Vec::new())
    }

    /// `None` for a certificate of version 3. Unique identifiers of version 2 are left out.
    pub fn upgraded(&self) -> Option<Upgraded<'a>> {
        const VERSION_3: &[u8] = &[VERSION, 3, INTEGER, 1, 2];
        if self.version > 2 {
            return None;
        }
        let shown = sequence(&[VERSION_3, self.common_fields])?;
        let der = sequence(&[&shown, self.signature])?;
        Some(Upgraded { der: der.into(), shown, signed: self.signed })
    }
}

fn general_names(names: &[u8]) -> Option<Vec<String>> {
    let mut names = Der(names);
    let mut found = Vec::new();
    while !names.0.is_empty() {
        let Element { tag, content, .. } = names.element()?;
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

/// A sequence of these elements; `None` if it would be longer than a certificate is.
fn sequence(parts: &[&[u8]]) -> Option<Vec<u8>> {
    let length = u16::try_from(parts.iter().map(|part| part.len()).sum::<usize>()).ok()?;
    let [high, low] = length.to_be_bytes();
    let header: &[u8] = match length {
        0..0x80 => &[SEQUENCE, low],
        0x80..0x100 => &[SEQUENCE, 0x81, low],
        _ => &[SEQUENCE, 0x82, high, low],
    };
    Some([&[header], parts].concat().concat())
}

/// What is left of a run of elements, each a tag, a length and a content.
pub struct Der<'a>(pub &'a [u8]);

pub struct Element<'a> {
    pub tag: u8,
    pub content: &'a [u8],
    /// With tag and length.
    pub whole: &'a [u8],
}

impl<'a> Der<'a> {
    pub fn element(&mut self) -> Option<Element<'a>> {
        let before = self.0;
        let (tag, rest) = before.split_first()?;
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
        Some(Element { tag: *tag, content, whole: before.get(..before.len() - rest.len())? })
    }

    pub fn expect_tag(&mut self, wanted: u8) -> Option<&'a [u8]> {
        self.element().filter(|element| element.tag == wanted).map(|element| element.content)
    }
}

pub const SEQUENCE: u8 = 0x30;
pub const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT_ID: u8 = 0x06;
const BOOLEAN: u8 = 0x01;
const OCTET_STRING: u8 = 0x04;
/// The first field of a certificate's body; version 1 has none.
const VERSION: u8 = 0xa0;
/// The last field of a certificate's body.
const EXTENSIONS: u8 = 0xa3;
/// 2.5.29.17
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const EMAIL: u8 = 0x81;
const DNS: u8 = 0x82;
const URI: u8 = 0x86;
const IP: u8 = 0x87;

#[cfg(test)]
mod tests;

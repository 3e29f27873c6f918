//! Certificates made for one test.
//!
//! An [`Authority`] signs [`Identity`]s in memory; the tests of `mesh` and `courier` use these.
//! An [`AuthorityFolder`] keeps both as files, which the TLS settings of the servers and of curl
//! name.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PublicKeyData, SigningKey, date_time_ymd,
};
use rsa::pkcs1::EncodeRsaPublicKey;
use rsa::pkcs8::DecodePrivateKey;

/// Signs certificates.
pub struct Authority {
    /// Its own certificate.
    pub pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, both in PEM form.
pub struct Identity {
    pub cert: String,
    pub key: String,
}

impl Authority {
    #[expect(clippy::new_without_default, reason = "every one is a different authority")]
    pub fn new() -> Self {
        let mut params = params(&[]);
        params.distinguished_name.push(DnType::CommonName, "Bellwether test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = new_key();
        let cert = params.self_signed(&key).expect("the parameters make a certificate");
        Authority { pem: cert.pem(), issuer: Issuer::new(params, key) }
    }

    /// One whose own certificate is of version 1, which does not say that it is an authority's.
    pub fn version_1() -> Self {
        let Authority { pem, issuer } = Self::new();
        Authority { pem: version_1(&der(&pem), issuer.key()), issuer }
    }

    /// Valid for these host names and addresses.
    pub fn sign(&self, hosts: &[&str]) -> Identity {
        self.sign_with(hosts, |_| {})
    }

    pub fn sign_expired(&self, hosts: &[&str]) -> Identity {
        self.sign_with(hosts, |params| params.not_after = date_time_ymd(2001, 1, 1))
    }

    /// Of version 1, hence for no host; as `openssl x509 -req` makes it without extensions.
    pub fn sign_version_1(&self, name: &str) -> Identity {
        self.sign_version_1_with(name, |_| {})
    }

    pub fn sign_version_1_expired(&self, name: &str) -> Identity {
        self.sign_version_1_with(name, |params| params.not_after = date_time_ymd(2001, 1, 1))
    }

    fn sign_version_1_with(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Identity {
        let Identity { cert, key } = self.sign_with(&[], |params| {
            params.distinguished_name.push(DnType::CommonName, name);
            change(params);
        });
        Identity { cert: version_1(&der(&cert), self.issuer.key()), key }
    }

    /// The same with parameters that `change` has changed.
    pub fn sign_with(
        &self,
        hosts: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Identity {
        let mut params = params(hosts);
        change(&mut params);
        let key = new_key();
        let cert = params.signed_by(&key, &self.issuer).expect("the parameters make a certificate");
        Identity { cert: cert.pem(), key: key.serialize_pem() }
    }
}

/// A self-signed certificate that claims to be an authority's, as `openssl req -x509` makes it.
pub fn self_signed(hosts: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Identity {
    let mut params = params(hosts);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    change(&mut params);
    let key = new_key();
    let cert = params.self_signed(&key).expect("the parameters make a certificate");
    Identity { cert: cert.pem(), key: key.serialize_pem() }
}

/// A self-signed certificate of version 1.
pub fn self_signed_version_1(name: &str) -> Identity {
    let mut params = params(&[]);
    params.distinguished_name.push(DnType::CommonName, name);
    let key = new_key();
    let cert = params.self_signed(&key).expect("the parameters make a certificate");
    Identity { cert: version_1(cert.der(), &key), key: key.serialize_pem() }
}

/// A self-signed certificate of version 3 with an RSA key of 1,024 bits.
pub fn self_signed_small_rsa(hosts: &[&str]) -> Identity {
    let key = SmallRsa::new();
    let cert = params(hosts).self_signed(&key).expect("the parameters make a certificate");
    Identity { cert: cert.pem(), key: key.pem() }
}

/// The same of version 1.
pub fn self_signed_small_rsa_version_1(name: &str) -> Identity {
    let mut params = params(&[]);
    params.distinguished_name.push(DnType::CommonName, name);
    let key = SmallRsa::new();
    let cert = params.self_signed(&key).expect("the parameters make a certificate");
    Identity { cert: version_1(cert.der(), &key), key: key.pem() }
}

/// The first certificate of a text in PEM form.
pub fn der(pem: &str) -> Vec<u8> {
    let lines = pem.lines().skip_while(|line| !line.starts_with("-----BEGIN ")).skip(1);
    let text: String = lines.take_while(|line| !line.starts_with("-----END ")).collect();
    BASE64_STANDARD.decode(text).expect("the test's PEM is good")
}

/// The certificate without its version and extensions, signed again; in PEM form.
fn version_1(certificate: &[u8], issuer: &impl SigningKey) -> String {
    let (_, whole, _) = element(certificate);
    let (_, body, rest) = element(whole);
    let (mut fields, mut kept) = (body, Vec::new());
    while !fields.is_empty() {
        let (tag, _, behind) = element(fields);
        if tag != 0xa0 && tag != 0xa3 {
            kept.extend_from_slice(&fields[..fields.len() - behind.len()]);
        }
        fields = behind;
    }
    let signed = tagged(0x30, &kept);
    let (_, _, old_signature) = element(rest);
    let algorithm = &rest[..rest.len() - old_signature.len()];
    let signature = issuer.sign(&signed).expect("the test's key signs");
    let signature = tagged(0x03, &[&[0], signature.as_slice()].concat());
    pem("CERTIFICATE", &tagged(0x30, &[&signed, algorithm, &signature].concat()))
}

/// Tag, content, and what follows the first element of DER.
fn element(bytes: &[u8]) -> (u8, &[u8], &[u8]) {
    let (header, length) = match bytes[1] {
        0x81 => (3, usize::from(bytes[2])),
        0x82 => (4, usize::from(bytes[2]) << 8 | usize::from(bytes[3])),
        length => (2, usize::from(length)),
    };
    (bytes[0], &bytes[header..header + length], &bytes[header + length..])
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("certificates are short");
    let [high, low] = length.to_be_bytes();
    let header: &[u8] = match length {
        0..0x80 => &[tag, low],
        0x80..0x100 => &[tag, 0x81, low],
        _ => &[tag, 0x82, high, low],
    };
    [header, content].concat()
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// Made for these tests and used for nothing else.
const SMALL_RSA_KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBAL2/hqqWUNqim+vg
GJLvpizonDsDUQE8aHUC+d3QYWDn3Z5YPD2FnBaGZOV0g3vjXwYdYFgggmtLJfsp
2ghfq0QYadVaGnkH/SA/lnd+lhjxKGLBFXZApitNC0IGzB3+cdmvvk8eQJIO3s/r
ZjdkGiKfe+akmzbDgL1JfuMX6eORAgMBAAECgYBuYHpKwzP3ar3+wRYqa0OkPg+b
eHtnl6c/4eJNuMjcoSRW1wb71rwMklMg8t0FdScynGYN/aNAHK/UYe0WD+jErG1u
FC5IbIUqhL7cBytRdHCxJS1D+djerhRfBrMi8F1r6oF1OkTQe5JNwjNYZeWUjOjR
PtMB9ZRhVbg+D2CDUQJBAN55ByqxMH27zXdWH6cXlA38VjY5YMIF6QBo4nyxbqy9
SybfEtZN6/hszU4qkGyFk2jAnGripOCPdtZaN8ogdLUCQQDaV/yAfK3iwZ1+vsiM
RO7QJ2XxBvxaPp4n14QORRYhe1C4+7WVpedLpNPykWFE9yCiAnnKfYFX3s8pdhI3
JXjtAkA/hEBmkPYuP6s20hDxbMrpf0zB6HnWi0dtxYQ8Y5Aco2LMc032f4LKh43K
Ll7TjQN8GdnOrmyybGNaaaGaBNAtAkEAuL23lJNpoTIG60XLc/ujQJYFSBGMFWNj
9/v+7QABgKTRISNAefUcpcE538SoU2zxvIJxwCW++bU4/TC8qtJW5QJBAM8TPr+O
2AvfsI/xn+nO0g4Ge+TJ/3RhTNdZVoIiE8GQPIKEFXSFoes3xUvKaYaQSGlbZKvs
QjVG8xcnFVtHvlY=
-----END PRIVATE KEY-----
";

/// An RSA key of 1,024 bits, which the TLS library's cryptography neither makes nor reads.
struct SmallRsa {
    key: rsa::PrivateKey,
    public: Vec<u8>,
}

impl SmallRsa {
    fn new() -> Self {
        let key = rsa::PrivateKey::from_pkcs8_pem(SMALL_RSA_KEY).expect("a fixed key");
        let public = key.to_public_key().to_pkcs1_der().expect("it has a DER form");
        SmallRsa { public: public.as_bytes().to_vec(), key }
    }

    fn pem(&self) -> String {
        SMALL_RSA_KEY.to_owned()
    }
}

impl PublicKeyData for SmallRsa {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

impl SigningKey for SmallRsa {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(self.key.pkcs1v15_sign::<rsa::sha2::Sha256>(message).expect("the key signs"))
    }
}

fn params(hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
    CertificateParams::new(hosts).expect("the test's names are good")
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("the system has randomness")
}

/// An authority whose certificate is in a folder as `ca.crt`, and what it signs beside it.
pub struct AuthorityFolder {
    folder: PathBuf,
    authority: Authority,
}

impl AuthorityFolder {
    /// A new authority, which replaces the one in this folder if there is one.
    pub fn new(folder: &Path) -> Self {
        let authority = Authority::new();
        replace(&folder.join("ca.crt"), &authority.pem);
        Self { folder: folder.to_owned(), authority }
    }

    pub fn path(&self, file: &str) -> String {
        self.folder.join(file).display().to_string()
    }

    /// Writes `name.crt` and `name.key`, valid for these host names and addresses.
    pub fn sign(&self, name: &str, hosts: &[&str]) {
        self.sign_into(&self.folder, name, hosts);
    }

    /// The same in another folder, together with the authority's own certificate.
    pub fn sign_into(&self, folder: &Path, name: &str, hosts: &[&str]) {
        let set_name = |params: &mut CertificateParams| {
            params.distinguished_name.push(DnType::CommonName, name);
        };
        let identity = self.authority.sign_with(hosts, set_name);
        replace(&folder.join(format!("{name}.key")), &identity.key);
        replace(&folder.join(format!("{name}.crt")), &identity.cert);
        replace(&folder.join("ca.crt"), &self.authority.pem);
    }
}

/// Puts a new file in the place of the old one, so that no reader gets half of it.
pub fn replace(path: &Path, text: &str) {
    let temporary = path.with_extension("new");
    fs::write(&temporary, text).expect("the test's folder is writable");
    fs::rename(&temporary, path).expect("the test's folder is writable");
}

//! Who vouches for whom?
//!
//! An [`Authority`] made for one test, and certificates that it signs, as files: what the TLS
//! settings of both servers and of curl name.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

/// Signs certificates; its own is in the same folder as `ca.crt`.
pub struct Authority {
    folder: PathBuf,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A new one, which takes the place of the one in this folder if there is one.
    pub fn new(folder: &Path) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(DnType::CommonName, "Bellwether test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("the system has randomness");
        let cert = params.self_signed(&key).expect("the parameters make a certificate");
        replace(&folder.join("ca.crt"), &cert.pem());
        Self { folder: folder.to_owned(), pem: cert.pem(), issuer: Issuer::new(params, key) }
    }

    pub fn path(&self, file: &str) -> String {
        self.folder.join(file).display().to_string()
    }

    /// Writes `name.crt` and `name.key`, good for these host names and addresses.
    pub fn sign(&self, name: &str, hosts: &[&str]) {
        self.sign_into(&self.folder, name, hosts);
    }

    /// The same in another folder, together with our own certificate.
    pub fn sign_into(&self, folder: &Path, name: &str, hosts: &[&str]) {
        let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(hosts).expect("the test's names are good");
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("the system has randomness");
        let cert = params.signed_by(&key, &self.issuer).expect("the parameters make a certificate");
        replace(&folder.join(format!("{name}.key")), &key.serialize_pem());
        replace(&folder.join(format!("{name}.crt")), &cert.pem());
        replace(&folder.join("ca.crt"), &self.pem);
    }
}

/// Puts a new file in the place of the old one, so that no reader gets half of it.
pub fn replace(path: &Path, text: &str) {
    let temporary = path.with_extension("new");
    fs::write(&temporary, text).expect("the test's folder is writable");
    fs::rename(&temporary, path).expect("the test's folder is writable");
}

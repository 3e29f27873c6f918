//! Certificates made for one test.
//!
//! An [`Authority`] signs [`Identity`]s in memory; the tests of `mesh` and `courier` use these.
//! An [`AuthorityFolder`] keeps both as files, which the TLS settings of the servers and of curl
//! name.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};

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

    /// Valid for these host names and addresses.
    pub fn sign(&self, hosts: &[&str]) -> Identity {
        self.sign_with(hosts, |_| {})
    }

    pub fn sign_expired(&self, hosts: &[&str]) -> Identity {
        self.sign_with(hosts, |params| params.not_after = date_time_ymd(2001, 1, 1))
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

//! Where are the programs that we run?
//!
//! Ours is built with the cargo that runs us, in the profile that we were built in, so that a test
//! never judges yesterday's binary. Those of Debian must be installed: when one is missing the test
//! fails and names the package it needs, because a skipped comparison looks like a passed one.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Which Alertmanager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    Bellwether,
    /// Debian's Go Alertmanager, or the one that `GO_ALERTMANAGER_BIN` names.
    Go,
}

impl Program {
    pub fn name(self) -> &'static str {
        match self {
            Program::Bellwether => "bellwether",
            Program::Go => "prometheus-alertmanager",
        }
    }

    pub fn path(self) -> PathBuf {
        match self {
            Program::Bellwether => bellwether(),
            Program::Go => match env::var_os("GO_ALERTMANAGER_BIN") {
                Some(path) => PathBuf::from(path),
                None => debian("prometheus-alertmanager"),
            },
        }
    }
}

/// An installed program by its name; panics with the package to install.
///
/// Most packages are called as their program.
pub fn debian(name: &str) -> PathBuf {
    let package = match name {
        "amtool" => "prometheus-alertmanager",
        "aiosmtpd" => "python3-aiosmtpd",
        "promtool" => "prometheus",
        name => name,
    };
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| {
            panic!("`{name}` is not installed: apt-get install {package} (make test does it)")
        })
}

/// Our own binary. `BELLWETHER_BIN` names one that is built already.
pub fn bellwether() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT
        .get_or_init(|| match env::var_os("BELLWETHER_BIN") {
            Some(path) => PathBuf::from(path),
            None => build(),
        })
        .clone()
}

fn build() -> PathBuf {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "-p", "bellwether", "--bin", "bellwether"]);
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let status = command.status().unwrap_or_else(|error| panic!("run cargo: {error}"));
    assert!(status.success(), "bellwether does not build: {status}");
    profile_folder().join("bellwether")
}

/// The folder of the running executable's profile, such as `target/debug`.
fn profile_folder() -> PathBuf {
    let own = env::current_exe().expect("a running program has a path");
    let folder = own.parent().expect("an executable lies in a folder");
    let is_test = folder.file_name().is_some_and(|name| name == "deps");
    let folder = if is_test { folder.parent().expect("deps lies in a profile") } else { folder };
    folder.to_path_buf()
}

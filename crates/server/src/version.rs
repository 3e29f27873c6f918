//! The versions that this program reports.
//!
//! Tools and dashboards expect the version of an Alertmanager, so the release that this program is
//! compatible with is reported wherever they look, next to our own version.

/// The Alertmanager release that this program is compatible with.
pub const COMPATIBLE: &str = "0.35.0";
pub const OWN: &str = env!("CARGO_PKG_VERSION");
pub const BRANCH: &str = "bellwether";
pub const REVISION: &str = concat!("bellwether-", env!("CARGO_PKG_VERSION"));
pub const BUILD_USER: &str = "unknown";
pub const BUILD_DATE: &str = "unknown";
/// This program is not written in Go, but clients expect the field.
pub const GO_VERSION: &str = "none";
pub const TAGS: &str = "unknown";
/// In Go's words.
pub const OS: &str = std::env::consts::OS;
/// In Go's words.
pub const ARCHITECTURE: &str = match std::env::consts::ARCH.as_bytes() {
    b"x86_64" => "amd64",
    b"aarch64" => "arm64",
    _ => std::env::consts::ARCH,
};

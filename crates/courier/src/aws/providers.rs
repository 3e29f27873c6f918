//! Credential providers: each knows one source of credentials.
//!
//! Their order is that of [`CredentialChain`](super::chain::CredentialChain). They send requests
//! without the receiver's own headers and credentials (`http_config`), but with its proxy and TLS
//! settings.

pub mod metadata;
pub mod process;
pub mod sso;
pub mod sts;

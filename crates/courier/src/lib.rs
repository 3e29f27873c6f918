//! Performs requests: one attempt to notify one receiver, over HTTP or by mail.
//!
//! In: what an integration wants to say, as [`Request`](bellwether_integrations::http::Request)s,
//! and how requests travel, as [`HttpConfig`](bellwether_integrations::http::HttpConfig).
//! Out: what came back, and in the end the attempt's outcome.
//!
//! The walk of a request: [`perform`] asks the exchange for it, [`Client`] adds headers and
//! credentials and follows redirects, `Transport` owns connections, proxies and TLS.
//!
//! It knows no group, no silence and no history, and it decides nothing: whether there is another
//! attempt, and how many may be under way at once, are its callers' questions.
//!
//! No text that leaves this crate contains a URL, a credential or a body that was sent; what a
//! receiver repeats of them is found by [`Redactor`].

mod answers;
mod aws;
mod certificate;
mod client;
mod connector;
mod credentials;
mod dials;
mod error;
mod firewall;
mod header;
mod network;
mod oauth2;
mod perform;
mod progress;
mod proxy;
mod redactor;
mod redirect;
mod response;
mod smtp;
mod source;
mod tls;
mod transport;
mod transport_error;

pub use certificate::Certificate;
pub use client::Client;
pub use dials::{DialEvent, DialFailure, DialObserver, Dials};
pub use error::BuildError;
pub use firewall::{Firewall, NetworkPolicy, PlaintextAuth};
pub use perform::{
    Beginning, Begun, Draft, EXCHANGE_FILES_MAX, EXCHANGE_REQUESTS_MAX, Rendered, perform,
};
pub use redactor::Redactor;
pub use tls::{
    IdentityError, is_only_unsigned, parse_identity, read_client_config, signature_algorithms,
    verify_old_client, verify_tls12_signature, verify_tls13_signature,
};

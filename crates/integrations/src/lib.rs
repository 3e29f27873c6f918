//! What to send to each kind of receiver, and what its answer means.
//!
//! In: a [`Notification`](bellwether_model::Notification), later the receiver's responses.
//! Out: requests to perform, and at the end an [`Outcome`](bellwether_model::Outcome).
//! One module per receiver type, always with the same parts: `config` (the fields an operator can
//! set), `message` (notification to body) and `exchange` (requests out, responses in).
//!
//! Shared by all: [`kind`] (all kinds, once), [`exchange`] (requests and answers), [`outcome`] (what an
//! answer means), [`renderer`] (texts, and the fallback for one that fails), [`templates`] (a configuration's texts, parsed once), [`secret`] (tokens and URLs in
//! files), [`http`], [`mail`] and [`aws`] (what is sent and answered), [`data`] (the facts about a
//! group), [`trim`] and [`html`] (texts cut to size).
//!
//! It opens no socket, reads no file and no clock, retries nothing and deduplicates nothing.

pub mod any_value;
pub mod aws;
pub mod channel;
pub mod data;
pub mod exchange;
pub mod html;
pub mod http;
pub mod kind;
pub mod mail;
pub mod mentions;
pub mod outcome;
pub mod renderer;
pub mod secret;
pub mod templates;
pub mod trim;
pub mod url;

pub mod discord;
pub mod email;
pub mod incidentio;
pub mod jira;
pub mod mattermost;
pub mod msteams;
pub mod msteamsv2;
pub mod opsgenie;
pub mod pagerduty;
pub mod pushover;
pub mod rocketchat;
pub mod slack;
pub mod sns;
pub mod telegram;
pub mod victorops;
pub mod webex;
pub mod webhook;
pub mod wechat;

pub use any_value::AnyValue;
pub use bellwether_template::Interrupt;
pub use exchange::{BuildError, Exchange, Integration, OneRequest, Step};
pub use kind::{IntegrationConfig, Kind};
pub use mentions::Mentions;
pub use outcome::BeginError;
pub use renderer::Renderer;
pub use secret::{Files, SecretSource};
pub use templates::{Definitions, TemplateFault, Templates, TextTemplate};

#[cfg(test)]
pub(crate) mod tests;

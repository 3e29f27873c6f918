//! The fields and rules of each receiver's integrations, one file per kind.
//!
//! What a field means is told where it is declared, in `bellwether_integrations::<kind>::config`.
//! Here is how it is spelled, in which order it is printed, and what must hold between fields of
//! one integration before the global settings are merged into it.

mod discord;
mod email;
mod incidentio;
mod jira;
mod mattermost;
mod msteams;
mod msteamsv2;
mod opsgenie;
mod pagerduty;
mod pushover;
mod rocketchat;
mod slack;
mod sns;
mod telegram;
mod victorops;
mod webex;
mod webhook;
mod wechat;

use crate::block::{Problem, refuse_if};

/// Refuses two ways of giving the same thing.
fn at_most_one(first: bool, second: bool, names: [&'static str; 2]) -> Result<(), Problem> {
    let [one, other] = names;
    let message = format!("at most one of {one} & {other} must be configured");
    refuse_if(first && second, "", &message)
}

/// Refuses that, and also neither.
fn exactly_one(first: bool, second: bool, names: [&'static str; 2]) -> Result<(), Problem> {
    let [one, other] = names;
    refuse_if(!first && !second, "", &format!("one of {one} or {other} must be configured"))?;
    at_most_one(first, second, names)
}

//! Who waits for which reply of the engine, and what may be replied.
//!
//! In: commands of clients, and requests of peers for the full state; later the engine's replies.
//! Out: replies that are sent once the journal has kept, or refused, what they promise. Each kind of
//! command has its own type of reply, from the engine to the client.

use std::collections::BTreeMap;

use bellwether_api::{Answered, Saved, Unavailable};
use bellwether_engine::{
    AlertsReply, FullState, PostedSilence, RefusedAlerts, Reply, SilenceRefusal, Ticket,
    UnknownSilence,
};
use bellwether_memberlist::cluster::StateToken;
use bellwether_model::NewAlert;
use tokio::sync::oneshot;

use crate::metrics::Metrics;
use crate::outbox::Durability;

/// Something that a client wants to be changed, and where the reply goes.
pub enum Command {
    /// One POST of alerts; others in it were `refused`, and are only counted.
    Alerts {
        alerts: Vec<NewAlert>,
        refused: RefusedAlerts,
        reply: ReplySender<AlertsReply>,
    },
    PostSilence {
        silence: PostedSilence,
        reply: ReplySender<Result<String, SilenceRefusal>>,
    },
    ExpireSilence {
        id: String,
        reply: ReplySender<Result<(), UnknownSilence>>,
    },
}

/// Where the reply to one command goes.
pub type ReplySender<R> = oneshot::Sender<Result<Answered<R>, Unavailable>>;

/// What becomes of changes that are not durable (`--storage.refuse-unsaved`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsaved {
    /// They are taken, and the answer says so.
    Taken,
    /// The answer is an error. Alerts are taken all the same, and silences if it was not known before.
    Refused,
}

/// Callers whose commands the engine has, by the tickets of those.
///
/// Invariant: no ticket is in two of the tables.
#[derive(Default)]
pub(super) struct WaitingCallers {
    alerts: BTreeMap<Ticket, AlertsCaller>,
    posted_silences: BTreeMap<Ticket, ReplySender<Result<String, SilenceRefusal>>>,
    expired_silences: BTreeMap<Ticket, ReplySender<Result<(), UnknownSilence>>>,
    full_states: BTreeMap<Ticket, StateToken>,
    last_ticket: u64,
}

struct AlertsCaller {
    reply: ReplySender<AlertsReply>,
    /// How many alerts it sent.
    sent: usize,
}

/// The engine's reply with the caller that waited for it.
pub(super) enum PendingReply {
    Alerts {
        caller: ReplySender<AlertsReply>,
        sent: usize,
        reply: AlertsReply,
    },
    PostSilence {
        caller: ReplySender<Result<String, SilenceRefusal>>,
        reply: Result<String, SilenceRefusal>,
    },
    ExpireSilence {
        caller: ReplySender<Result<(), UnknownSilence>>,
        reply: Result<(), UnknownSilence>,
    },
    FullState {
        token: StateToken,
        state: FullState,
    },
}

impl Command {
    /// For when nothing can be kept at present: refuses a change of silences, and returns any other
    /// command.
    pub fn refuse_silences(self) -> Option<Self> {
        match self {
            Command::Alerts { .. } => Some(self),
            Command::PostSilence { reply, .. } => {
                let _ = reply.send(Err(Unavailable::NotDurable));
                None
            }
            Command::ExpireSilence { reply, .. } => {
                let _ = reply.send(Err(Unavailable::NotDurable));
                None
            }
        }
    }
}

impl WaitingCallers {
    pub fn add_alerts(&mut self, sent: usize, reply: ReplySender<AlertsReply>) -> Ticket {
        let ticket = self.new_ticket();
        self.alerts.insert(ticket, AlertsCaller { reply, sent });
        ticket
    }

    pub fn add_posted_silence(
        &mut self,
        reply: ReplySender<Result<String, SilenceRefusal>>,
    ) -> Ticket {
        let ticket = self.new_ticket();
        self.posted_silences.insert(ticket, reply);
        ticket
    }

    pub fn add_expired_silence(
        &mut self,
        reply: ReplySender<Result<(), UnknownSilence>>,
    ) -> Ticket {
        let ticket = self.new_ticket();
        self.expired_silences.insert(ticket, reply);
        ticket
    }

    pub fn add_full_state(&mut self, token: StateToken) -> Ticket {
        let ticket = self.new_ticket();
        self.full_states.insert(ticket, token);
        ticket
    }

    /// Finds the caller of a reply.
    pub fn take(&mut self, reply: Reply) -> PendingReply {
        match reply {
            Reply::Alerts { ticket, reply } => {
                let caller = self.alerts.remove(&ticket).expect(ONE_REPLY);
                PendingReply::Alerts { caller: caller.reply, sent: caller.sent, reply }
            }
            Reply::PostSilence { ticket, reply } => {
                let caller = self.posted_silences.remove(&ticket).expect(ONE_REPLY);
                PendingReply::PostSilence { caller, reply }
            }
            Reply::ExpireSilence { ticket, reply } => {
                let caller = self.expired_silences.remove(&ticket).expect(ONE_REPLY);
                PendingReply::ExpireSilence { caller, reply }
            }
            Reply::FullState { ticket, state } => {
                let token = self.full_states.remove(&ticket).expect(ONE_REPLY);
                PendingReply::FullState { token, state }
            }
        }
    }

    fn new_ticket(&mut self) -> Ticket {
        self.last_ticket += 1;
        Ticket(self.last_ticket)
    }
}

impl PendingReply {
    /// Sends to a client the reply, with what can be promised; returns what is for a peer.
    ///
    /// Clients that have gone away are no error.
    pub fn send(
        self,
        durability: Durability,
        unsaved: Unsaved,
        metrics: &Metrics,
    ) -> Option<(StateToken, FullState)> {
        let is_kept = durability == Durability::Durable;
        match self {
            PendingReply::Alerts { caller, sent, reply } => {
                let taken = sent.saturating_sub(reply.rejected.len());
                if !is_kept {
                    metrics.alerts_not_durable.add(taken as u64);
                }
                let _ = caller.send(answered(reply, taken == 0 || is_kept, unsaved));
            }
            PendingReply::PostSilence { caller, reply } => {
                let promises = reply.is_ok();
                if promises && !is_kept {
                    metrics.silences_not_durable.with(&["post"]).increment();
                }
                let _ = caller.send(answered(reply, !promises || is_kept, unsaved));
            }
            PendingReply::ExpireSilence { caller, reply } => {
                let promises = reply.is_ok();
                if promises && !is_kept {
                    metrics.silences_not_durable.with(&["expire"]).increment();
                }
                let _ = caller.send(answered(reply, !promises || is_kept, unsaved));
            }
            PendingReply::FullState { token, state } => return Some((token, state)),
        }
        None
    }
}

/// A reply, whose promise is kept by the disk or not.
fn answered<R>(reply: R, is_kept: bool, unsaved: Unsaved) -> Result<Answered<R>, Unavailable> {
    match (is_kept, unsaved) {
        (true, _) => Ok(Answered { reply, saved: Saved::HERE }),
        (false, Unsaved::Taken) => Ok(Answered { reply, saved: Saved::NOWHERE }),
        (false, Unsaved::Refused) => Err(Unavailable::NotDurable),
    }
}

const ONE_REPLY: &str = "the engine replies to each ticket once";

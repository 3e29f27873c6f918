//! Who waits for which reply of the engine, and what may be replied.
//!
//! In: commands of clients, and requests of peers for the full state; later the engine's replies.
//! Out: replies that are sent once the journal has kept, or refused, what they promise. Each kind of
//! command has its own type of reply, from the engine to the client.

use std::collections::BTreeMap;

use bellwether_api::Unavailable;
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
pub type ReplySender<R> = oneshot::Sender<Result<R, Unavailable>>;

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
    /// For when nothing can be kept any more: refuses a command whose reply promises durability, and
    /// returns any other.
    pub fn refuse_if_durability_is_promised(self) -> Option<Self> {
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
    /// Sends to a client what can be promised; returns what is for a peer.
    ///
    /// Senders repeat alerts, and a refused alert would notify no receiver, so alerts are accepted
    /// even if they cannot be kept. A silence is not repeated. Clients that have gone away are
    /// no error.
    pub fn send(
        self,
        durability: Durability,
        metrics: &Metrics,
    ) -> Option<(StateToken, FullState)> {
        match self {
            PendingReply::Alerts { caller, sent, reply } => {
                if durability == Durability::NotDurable {
                    let taken = sent.saturating_sub(reply.rejected.len());
                    metrics.alerts_not_durable.add(taken as u64);
                }
                let _ = caller.send(Ok(reply));
            }
            PendingReply::PostSilence { caller, reply } => {
                let _ = caller.send(promise(reply, durability));
            }
            PendingReply::ExpireSilence { caller, reply } => {
                let _ = caller.send(promise(reply, durability));
            }
            PendingReply::FullState { token, state } => return Some((token, state)),
        }
        None
    }
}

/// A success is only replied if it is durable.
fn promise<T, E>(reply: Result<T, E>, durability: Durability) -> Result<Result<T, E>, Unavailable> {
    match (&reply, durability) {
        (Ok(_), Durability::NotDurable) => Err(Unavailable::NotDurable),
        (Ok(_), Durability::Durable) | (Err(_), _) => Ok(reply),
    }
}

const ONE_REPLY: &str = "the engine replies to each ticket once";

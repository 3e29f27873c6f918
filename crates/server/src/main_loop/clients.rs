//! How the API hands commands to the main loop, and waits for their replies.
//!
//! A turn of the engine takes the alerts of a command in one piece, and all others wait for it. So a
//! POST of many alerts becomes several commands, and others have their turns in between. It is
//! answered when all of them are: an answered POST is whole and durable, as a small one is.

use std::collections::VecDeque;

use bellwether_api::{Answered, Saved, Unavailable};
use bellwether_engine::{AlertsReply, RefusedAlerts, RejectedAlert};
use bellwether_model::NewAlert;
use tokio::sync::oneshot;

use super::{Command, EventSenders, ReplySender, ServerEvent};

impl EventSenders {
    /// Takes the alerts of one POST.
    pub async fn take_alerts(
        &self,
        alerts: Vec<NewAlert>,
        mut refused: RefusedAlerts,
    ) -> Result<Answered<AlertsReply>, Unavailable> {
        if alerts.len() <= ALERTS_PER_COMMAND {
            return self.command(|reply| Command::Alerts { alerts, refused, reply }).await;
        }
        let mut alerts = alerts.into_iter();
        let mut replies = VecDeque::new();
        let mut rejected = Vec::new();
        let mut saved = Saved::HERE;
        let mut not_durable = false;
        let mut first = 0;
        loop {
            if alerts.len() > 0 && replies.len() < COMMANDS_OF_A_POST_MAX {
                let part: Vec<NewAlert> = alerts.by_ref().take(ALERTS_PER_COMMAND).collect();
                let (count, refused) = (part.len(), std::mem::take(&mut refused));
                let sent = self.send(|reply| Command::Alerts { alerts: part, refused, reply });
                replies.push_back((first, sent.await?));
                first += count;
            } else if let Some((first, reply)) = replies.pop_front() {
                let part = match reply.await.map_err(|_| Unavailable::ShuttingDown)? {
                    Ok(part) => part,
                    // It is in memory, as the other parts are to be.
                    Err(Unavailable::NotDurable) => {
                        not_durable = true;
                        continue;
                    }
                    Err(Unavailable::ShuttingDown) => return Err(Unavailable::ShuttingDown),
                };
                if part.saved != Saved::HERE {
                    saved = part.saved;
                }
                let in_post =
                    |one: RejectedAlert| RejectedAlert { position: first + one.position, ..one };
                rejected.extend(part.reply.rejected.into_iter().map(in_post));
            } else if not_durable {
                return Err(Unavailable::NotDurable);
            } else {
                return Ok(Answered { reply: AlertsReply { rejected }, saved });
            }
        }
    }

    /// Hands a command to the main loop and waits for its reply.
    pub async fn command<R>(
        &self,
        command: impl FnOnce(ReplySender<R>) -> Command,
    ) -> Result<Answered<R>, Unavailable> {
        self.send(command).await?.await.map_err(|_| Unavailable::ShuttingDown)?
    }

    /// Hands a command to the main loop, once there is room; returns where its reply comes.
    async fn send<R>(
        &self,
        command: impl FnOnce(ReplySender<R>) -> Command,
    ) -> Result<oneshot::Receiver<Result<Answered<R>, Unavailable>>, Unavailable> {
        let (reply, received) = oneshot::channel();
        let sent = self.commands.send(ServerEvent::Command(command(reply))).await;
        sent.map_err(|_| Unavailable::ShuttingDown)?;
        Ok(received)
    }
}

/// Limit: alerts of a POST that the engine takes in one turn; about a millisecond's work.
pub(super) const ALERTS_PER_COMMAND: usize = 512;
/// Limit: parts of a large POST that wait for the engine at a time; the queue is for others too.
const COMMANDS_OF_A_POST_MAX: usize = 8;

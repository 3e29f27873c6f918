//! Signals and requests that make a running server reload its configuration or stop.
//!
//! Reloads happen one after the other. One that fails leaves everything as it is.

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

use crate::load::Loader;
use crate::main_loop::{EventSenders, ServerEvent};

/// A request to reload the configuration: where to send the result.
pub type ReloadRequest = oneshot::Sender<Result<(), String>>;

/// Serves reload requests, one after the other.
pub async fn reload_when_asked(
    loader: Loader,
    senders: EventSenders,
    mut requests: mpsc::Receiver<ReloadRequest>,
) {
    while let Some(reply) = requests.recv().await {
        // The client may have gone away; the reload happens all the same.
        let _ = reply.send(reload(&loader, &senders).await);
    }
}

async fn reload(loader: &Loader, senders: &EventSenders) -> Result<(), String> {
    let for_thread = loader.clone();
    let loaded = tokio::task::spawn_blocking(move || for_thread.load()).await;
    let loaded = loaded.unwrap_or_else(|error| Err(format!("loading has failed: {error}")));
    let (plan, notifiers, applied) = loaded.inspect_err(|error| loader.refused(error))?.apply();
    let (done, is_done) = oneshot::channel();
    let event = ServerEvent::Plan { plan, notifiers, applied: done };
    let ending = || "the server is shutting down".to_owned();
    senders.internal.send(event).map_err(|_| ending())?;
    is_done.await.map_err(|_| ending())?;
    loader.takes_effect(&applied);
    Ok(())
}

/// The signals that the server listens to.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    /// From now on these signals no longer kill the process.
    pub fn listen() -> anyhow::Result<Self> {
        let on = |kind| signal(kind).context("listen for signals");
        Ok(Signals {
            interrupt: on(SignalKind::interrupt())?,
            terminate: on(SignalKind::terminate())?,
            hang_up: on(SignalKind::hangup())?,
        })
    }

    /// Waits for SIGINT or SIGTERM; SIGHUP asks for a reload.
    pub async fn wait_for_stop(mut self, reloads: &mpsc::Sender<ReloadRequest>) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                _ = self.hang_up.recv() => {
                    // A reload that is already asked for will see the newest file.
                    let (reply, _) = oneshot::channel();
                    let _ = reloads.try_send(reply);
                }
            }
        }
    }
}

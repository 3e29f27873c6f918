//! The attempts to notify that are under way.
//!
//! In: an [`Attempt`] of the engine. Out, later: exactly one outcome for each, whatever happens in
//! between: a panic, a deadline, a receiver that no longer exists.
//!
//! It decides nothing: whether there is another attempt is the engine's question.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bellwether_courier::{Client, perform};
use bellwether_engine::{Attempt, DeliveryId};
use bellwether_integrations::{Definitions, Integration, TemplateFault};
use bellwether_model::{FailureReason, IntegrationId, Notification, Outcome};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, timeout_at};
use tracing::warn;

use crate::clock::Clock;
use crate::main_loop::ServerEvent;
use crate::metrics::Metrics;

/// Limit: attempts that are under way at the same time; others wait, within their deadlines.
pub const ATTEMPTS_MAX: usize = 512;
/// Limit: the same for one integration, so that a receiver that hangs leaves room for others.
pub const ATTEMPTS_PER_INTEGRATION_MAX: usize = 64;

/// Someone who can be told.
pub trait Notifier: Send + Sync {
    /// One attempt, which ends at `deadline` at the latest. Texts that could not be rendered are
    /// added to `faults`.
    fn notify<'a>(
        &'a self,
        notification: &'a Notification,
        deadline: Instant,
        faults: &'a mut Vec<TemplateFault>,
    ) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;
}

/// A receiver's integration with the client that carries its requests.
pub struct IntegrationNotifier {
    pub integration: Box<dyn Integration>,
    /// Shared by all of one configuration.
    pub definitions: Arc<Definitions>,
    /// Shared by integrations with equal settings.
    pub client: Arc<Client>,
}

/// All that a configuration names and a route uses.
#[derive(Clone, Default)]
pub struct Notifiers(BTreeMap<IntegrationId, Slot>);

#[derive(Clone)]
struct Slot {
    notifier: Arc<dyn Notifier>,
    room: Arc<Semaphore>,
}

/// Starts attempts and reports their outcomes.
pub struct Attempts {
    notifiers: Notifiers,
    room: Arc<Semaphore>,
    outcomes: UnboundedSender<ServerEvent>,
    clock: Clock,
    metrics: Arc<Metrics>,
}

impl Notifier for IntegrationNotifier {
    fn notify<'a>(
        &'a self,
        notification: &'a Notification,
        deadline: Instant,
        faults: &'a mut Vec<TemplateFault>,
    ) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        let (integration, definitions) = (self.integration.as_ref(), &*self.definitions);
        Box::pin(perform(integration, definitions, notification, &self.client, deadline, faults))
    }
}

impl Notifiers {
    pub fn insert(&mut self, id: IntegrationId, notifier: Arc<dyn Notifier>) {
        let room = Arc::new(Semaphore::new(ATTEMPTS_PER_INTEGRATION_MAX));
        self.0.insert(id, Slot { notifier, room });
    }

    pub fn ids(&self) -> impl Iterator<Item = &IntegrationId> {
        self.0.keys()
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }
}

impl Attempts {
    pub fn new(
        notifiers: Notifiers,
        outcomes: UnboundedSender<ServerEvent>,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Self {
        let room = Arc::new(Semaphore::new(ATTEMPTS_MAX));
        Attempts { notifiers, room, outcomes, clock, metrics }
    }

    /// From now on these are told; attempts that are under way go on.
    pub fn replace(&mut self, notifiers: Notifiers) {
        self.notifiers = notifiers;
    }

    /// Begins an attempt; returns at once.
    pub fn begin(&self, attempt: Attempt) {
        let Attempt { delivery, notification, deadline, number: _ } = attempt;
        let Some(slot) = self.notifiers.0.get(&notification.integration).cloned() else {
            let outcome = Outcome::Refused {
                reason: FailureReason::Other,
                detail: "the receiver is no longer in the configuration".into(),
            };
            // Nobody listens only once the server has stopped.
            let _ = self.outcomes.send(ServerEvent::Outcome { delivery, outcome });
            return;
        };
        let mut report =
            Report { delivery, outcome: None, outcomes: self.outcomes.clone(), in_flight: None };
        let deadline = Instant::from_std(self.clock.instant(deadline));
        let room = Arc::clone(&self.room);
        let metrics = Arc::clone(&self.metrics);
        tokio::spawn(async move {
            let mut faults = Vec::new();
            let told = async {
                // The semaphores are never closed, so a permit comes or the deadline does.
                let _own = slot.room.acquire().await;
                let _any = room.acquire().await;
                report.in_flight = Some(InFlight::begin(&metrics, &notification.integration));
                slot.notifier.notify(&notification, deadline, &mut faults).await
            };
            let outcome = timeout_at(deadline, told).await;
            report_faults(&metrics, &notification, &faults);
            report.outcome = Some(outcome.unwrap_or_else(|_| Outcome::Retry {
                after: None,
                reason: FailureReason::ContextDeadlineExceeded,
                detail: "context deadline exceeded".into(),
            }));
            drop(report);
        });
    }
}

/// Logs and counts the texts for which something plain was sent instead.
fn report_faults(metrics: &Metrics, notification: &Notification, faults: &[TemplateFault]) {
    let IntegrationId { receiver, kind, .. } = &notification.integration;
    for TemplateFault { field, reason } in faults {
        metrics.template_failures.with(&metrics.integration_labels(kind, receiver)).increment();
        warn!(
            component = "dispatcher", aggrGroup = %notification.group_key,
            integration = %notification.integration, field = %field, err = %reason,
            "A template failed; something plain was sent in its place"
        );
    }
}

/// Sends the outcome when it is dropped, which also happens on a panic.
struct Report {
    delivery: DeliveryId,
    outcome: Option<Outcome>,
    outcomes: UnboundedSender<ServerEvent>,
    in_flight: Option<InFlight>,
}

impl Drop for Report {
    fn drop(&mut self) {
        self.in_flight = None;
        let outcome = self.outcome.take().unwrap_or_else(|| Outcome::Retry {
            after: None,
            reason: FailureReason::Other,
            detail: "the attempt ended early; this is a defect of the server".into(),
        });
        // Nobody listens only once the server has stopped.
        let _ = self.outcomes.send(ServerEvent::Outcome { delivery: self.delivery, outcome });
    }
}

/// Counts an attempt and its time for as long as it lives.
struct InFlight {
    metrics: Arc<Metrics>,
    integration: IntegrationId,
    begun: Instant,
}

impl InFlight {
    fn begin(metrics: &Arc<Metrics>, integration: &IntegrationId) -> Self {
        metrics.attempts_in_flight.add(1.0);
        let metrics = Arc::clone(metrics);
        InFlight { metrics, integration: integration.clone(), begun: Instant::now() }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.metrics.attempts_in_flight.add(-1.0);
        let IntegrationId { receiver, kind, .. } = &self.integration;
        let labels = self.metrics.integration_labels(kind, receiver);
        self.metrics.attempt_seconds.with(&labels).observe(self.begun.elapsed().as_secs_f64());
    }
}

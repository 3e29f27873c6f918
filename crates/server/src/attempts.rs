//! The attempts to notify that are in flight.
//!
//! In: an [`Attempt`] of the engine. Out, later: exactly one outcome for each, whatever happens in
//! between: a panic, a deadline, a receiver that no longer exists.
//!
//! Whether there is another attempt is the engine's decision. Notifications are rendered by threads
//! that answer no requests; see [`crate::rendering`].

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bellwether_courier::{Beginning, Begun, Client, Rendered};
use bellwether_engine::{Attempt, DeliveryId};
use bellwether_integrations::{Definitions, Integration, TemplateFault};
use bellwether_model::{FailureReason, GroupKey, IntegrationId, Notification, Outcome, Reason};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tracing::{debug, info, warn};

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::notes::integration_name;
use crate::rendering::{Allowance, Rendering};

/// Limit: concurrent attempts; others wait, within their deadlines.
pub const ATTEMPTS_MAX: usize = 512;
/// Limit: attempts of one integration that do not count against [`ATTEMPTS_MAX`]: however many others
/// hang, these can be made.
pub const ATTEMPTS_RESERVED: usize = 4;
/// Limit: the same for one integration, so that a receiver that hangs does not block the others.
pub const ATTEMPTS_PER_INTEGRATION_MAX: usize = 64;

/// Limit: alerts that a thread which answers requests puts in order; for 20,000 of them that takes
/// 50 ms.
const NOTIFIED_AT_ONCE_MAX: usize = 200;

/// Sends notifications to one integration.
pub trait Notifier: Send + Sync {
    /// One attempt, which ends at `deadline` at the latest. Texts that could not be rendered are
    /// added to `faults`.
    fn notify<'a>(
        &'a self,
        notification: Arc<Notification>,
        deadline: Instant,
        faults: &'a mut Vec<TemplateFault>,
    ) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;
}

/// An integration with the HTTP client for its requests.
pub struct IntegrationNotifier {
    pub id: IntegrationId,
    pub integration: Arc<dyn Integration>,
    /// Shared by all of one configuration.
    pub definitions: Arc<Definitions>,
    /// Shared by integrations with equal settings.
    pub client: Arc<Client>,
    /// Shared by all.
    pub rendering: Rendering,
}

/// The notifiers of all receivers that a route uses.
#[derive(Clone, Default)]
pub struct Notifiers(BTreeMap<IntegrationId, Slot>);

#[derive(Clone)]
struct Slot {
    notifier: Arc<dyn Notifier>,
    /// Limit: concurrent attempts of this integration.
    limit: Arc<Semaphore>,
    /// Limit: those of them that do not count against the limit of all.
    reserved: Arc<Semaphore>,
}

/// Takes the outcome of each attempt; must not block.
pub type ReportOutcome = Arc<dyn Fn(DeliveryId, Outcome) + Send + Sync>;

/// Starts attempts and reports their outcomes.
pub struct Attempts {
    notifiers: Notifiers,
    rendering: Rendering,
    /// Limit: concurrent attempts of all integrations.
    limit: Arc<Semaphore>,
    report: ReportOutcome,
    clock: Clock,
    metrics: Arc<Metrics>,
}

impl Notifier for IntegrationNotifier {
    fn notify<'a>(
        &'a self,
        notification: Arc<Notification>,
        deadline: Instant,
        faults: &'a mut Vec<TemplateFault>,
    ) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        Box::pin(async move {
            match self.begin(notification, deadline, faults).await {
                Ok(begun) => begun.send(&self.client, deadline).await,
                Err(outcome) => outcome,
            }
        })
    }
}

impl IntegrationNotifier {
    /// Renders the notification; nothing is sent yet.
    ///
    /// # Errors
    /// With the outcome, if there is nothing to send.
    pub async fn begin(
        &self,
        notification: Arc<Notification>,
        deadline: Instant,
        faults: &mut Vec<TemplateFault>,
    ) -> Result<Begun, Outcome> {
        let mut beginning = Beginning::default();
        // The other half is left to send what took the place of texts that were not finished.
        let now = Instant::now();
        let half = now + deadline.saturating_duration_since(now) / 2;
        loop {
            let (integration, definitions) = (self.integration.clone(), self.definitions.clone());
            let notification = Arc::clone(&notification);
            let work = move |allowance: &Allowance<'_>| {
                let interrupt = || allowance.interrupt();
                let (rendered, found) =
                    beginning.render(&*integration, &definitions, &notification, &interrupt);
                (beginning, rendered, found)
            };
            let done = self.rendering.run(&self.id, half.into_std(), work).await;
            let Some((unrendered, rendered, found)) = done else { return Err(interrupted()) };
            faults.extend(found);
            match rendered {
                Rendered::Begun(begun) => return Ok(begun),
                Rendered::Ended(outcome) => return Err(outcome),
                Rendered::NeedsFile(path) => {
                    beginning = unrendered;
                    beginning.read(path).await?;
                }
            }
        }
    }
}

fn interrupted() -> Outcome {
    Outcome::Retry {
        after: None,
        reason: FailureReason::Other,
        detail: "the attempt ended early; this is a bug of the server".into(),
    }
}

impl Notifiers {
    pub fn insert(&mut self, id: IntegrationId, notifier: Arc<dyn Notifier>) {
        let limit = Arc::new(Semaphore::new(ATTEMPTS_PER_INTEGRATION_MAX));
        let reserved = Arc::new(Semaphore::new(ATTEMPTS_RESERVED));
        self.0.insert(id, Slot { notifier, limit, reserved });
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
        rendering: Rendering,
        report: ReportOutcome,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Self {
        let limit = Arc::new(Semaphore::new(ATTEMPTS_MAX));
        Attempts { notifiers, rendering, limit, report, clock, metrics }
    }

    /// Uses these notifiers from now on; attempts in flight go on.
    pub fn replace(&mut self, notifiers: Notifiers) {
        self.notifiers = notifiers;
    }

    /// Begins an attempt; returns at once.
    pub fn begin(&self, attempt: Attempt) {
        let (delivery, number) = (attempt.delivery, attempt.number);
        let Some(slot) = self.notifiers.0.get(&attempt.integration).cloned() else {
            let outcome = Outcome::Refused {
                reason: FailureReason::Other,
                detail: "the receiver is not in the configuration any more".into(),
            };
            (self.report)(delivery, outcome);
            return;
        };
        let mut report =
            Report { delivery, outcome: None, report: Arc::clone(&self.report), in_flight: None };
        let deadline = Instant::from_std(self.clock.instant(attempt.deadline));
        let about = About::of(&attempt);
        let limit = Arc::clone(&self.limit);
        let (rendering, metrics) = (self.rendering.clone(), Arc::clone(&self.metrics));
        tokio::spawn(async move {
            let mut faults = Vec::new();
            let begun = Instant::now();
            let notified = async {
                // The semaphores are never closed, so a permit comes or the deadline does.
                let _own = slot.limit.acquire().await;
                let _any = tokio::select! {
                    biased;
                    reserved = slot.reserved.acquire() => reserved,
                    any = limit.acquire() => any,
                };
                report.in_flight = Some(InFlight::begin(&metrics, &attempt.integration));
                let notification = if about.alerts > NOTIFIED_AT_ONCE_MAX {
                    let id = attempt.integration.clone();
                    let work = move |_: &Allowance<'_>| attempt.notification();
                    rendering.run(&id, deadline.into_std(), work).await
                } else {
                    Some(attempt.notification())
                };
                let Some(notification) = notification.map(Arc::new) else { return interrupted() };
                slot.notifier.notify(notification, deadline, &mut faults).await
            };
            let outcome = timeout_at(deadline, notified).await;
            match &outcome {
                Ok(Outcome::Delivered { .. }) => log_success(&about, number, begun.elapsed()),
                Ok(Outcome::Retry { after: Some(wait), .. }) if !wait.is_zero() => {
                    log_rate_limit(&about, *wait);
                }
                Ok(Outcome::Retry { .. } | Outcome::Refused { .. }) | Err(_) => {}
            }
            report_faults(&metrics, &about, &faults);
            report.outcome = Some(outcome.unwrap_or_else(|_| Outcome::Retry {
                after: None,
                reason: FailureReason::ContextDeadlineExceeded,
                detail: "context deadline exceeded".into(),
            }));
            drop(report);
        });
    }
}

/// What is logged of an attempt.
struct About {
    integration: IntegrationId,
    group_key: GroupKey,
    alerts: usize,
    reason: Reason,
}

impl About {
    fn of(attempt: &Attempt) -> Self {
        About {
            integration: attempt.integration.clone(),
            group_key: attempt.group_key().clone(),
            alerts: attempt.alert_count(),
            reason: attempt.reason(),
        }
    }
}

/// A success after a retry is worth more attention than one at the first attempt.
fn log_success(about: &About, attempts: u32, duration: Duration) {
    let About { integration, group_key, alerts, reason } = about;
    macro_rules! log {
        ($level:ident) => {
            $level!(
                component = "dispatcher", receiver = %integration.receiver,
                integration = integration_name(integration), aggrGroup = %group_key, attempts,
                duration = ?duration, numAlerts = alerts, reason = reason.text(),
                "Notify success"
            )
        };
    }
    if attempts <= 1 { log!(debug) } else { log!(info) }
}

/// The receiver has asked for a wait.
fn log_rate_limit(about: &About, wait: Duration) {
    let About { integration, group_key, .. } = about;
    macro_rules! log {
        ($message:literal) => {
            warn!(
                receiver = %integration.receiver, integration = %integration.kind,
                group_key = %group_key, retry_after_secs = wait.as_secs_f64(), $message
            )
        };
    }
    match &*integration.kind {
        "slack" => log!("Rate limited by Slack, delaying retry"),
        "webex" => log!("Rate limited by Webex, delaying retry"),
        _ => log!("Rate limited by receiver, delaying retry"),
    }
}

/// Logs and counts the templates that failed.
fn report_faults(metrics: &Metrics, about: &About, faults: &[TemplateFault]) {
    let IntegrationId { receiver, kind, .. } = &about.integration;
    for TemplateFault { field, reason } in faults {
        metrics.template_failures.with(&metrics.integration_labels(kind, receiver)).increment();
        warn!(
            component = "dispatcher", receiver = %receiver,
            integration = integration_name(&about.integration),
            aggrGroup = %about.group_key, field = %field, err = %reason,
            "Template failed; a plain-text fallback was sent"
        );
    }
}

/// Sends the outcome when it is dropped, which also happens on a panic.
struct Report {
    delivery: DeliveryId,
    outcome: Option<Outcome>,
    report: ReportOutcome,
    in_flight: Option<InFlight>,
}

impl Drop for Report {
    fn drop(&mut self) {
        self.in_flight = None;
        let outcome = self.outcome.take().unwrap_or_else(interrupted);
        (self.report)(self.delivery, outcome);
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

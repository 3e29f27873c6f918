//! Checks that a receiver accepts notifications: sends it a sample, or shows the request.
//!
//! In: a configuration and a [`ReceiverTest`]. Out: one [`IntegrationTest`] for each integration, in
//! the order in which they are notified. The sample is sent by the same [`IntegrationNotifier`]s as
//! every notification, but with one attempt only: it is not retried, and nothing of it is stored,
//! counted or gossiped.
//!
//! `sample` makes the notification, `dry_run` redacts a request so that it can be shown, `command`
//! is the program's subcommand; a running server offers the same over HTTP.

mod command;
mod dry_run;
mod sample;

use std::sync::Arc;

use bellwether_api::{
    IntegrationTest, ReceiverTest, TEST_ALERTS_MAX, TEST_TIMEOUT_MAX, TestResult,
};
use bellwether_config::Config;
use bellwether_integrations::TemplateFault;
use bellwether_model::{FailureReason, IntegrationId, Outcome, Timestamp};
use tokio::time::Instant;

use crate::attempts::{IntegrationNotifier, Notifier as _};
use crate::lower::lower_alone;
use crate::notes::integration_name;
use crate::receivers::ReceiverSettings;

pub use command::run;

/// Sends the sample to all integrations at once. Reads the files that the configuration names.
///
/// # Errors
/// If the receiver has no such integration, or the request exceeds the limits.
pub async fn receiver(
    config: Arc<Config>,
    external_url: &str,
    settings: ReceiverSettings,
    test: &ReceiverTest,
    now: Timestamp,
) -> Result<Vec<IntegrationTest>, String> {
    check(test)?;
    let receiver = config.receivers.iter().find(|receiver| receiver.name == test.receiver);
    let receiver = receiver.ok_or_else(|| unknown_receiver(&config, &test.receiver))?;
    let configs = receiver.indexed().map(|(_, config)| config);
    let skips: Vec<bool> = configs.map(|config| test.resolved && !config.send_resolved()).collect();
    let (external_url, name) = (external_url.to_owned(), test.receiver.clone());
    let lowering = move || lower_alone(&config, &external_url, &name, &settings);
    let lowered = tokio::task::spawn_blocking(lowering).await;
    let notifiers = lowered.unwrap_or_else(|error| Err(error.to_string()))?;
    let mut in_flight = Vec::new();
    for ((id, notifier), skip) in notifiers.into_iter().zip(skips) {
        let name = integration_name(&id);
        if test.integration.is_empty() || test.integration == name {
            let result = tokio::spawn(integration(id, notifier, skip, test.clone(), now));
            in_flight.push((name, result));
        }
    }
    if in_flight.is_empty() {
        return Err(match test.integration.as_str() {
            "" => format!("receiver {:?} has no integration", test.receiver),
            other => format!("receiver {:?} has no integration {other}", test.receiver),
        });
    }
    let mut all = Vec::new();
    for (name, result) in in_flight {
        let (result, faults) = result.await.unwrap_or_else(|_| (ended_early(), Vec::new()));
        let faults = faults.into_iter().map(|fault| (fault.field.into_owned(), fault.reason));
        all.push(IntegrationTest { integration: name, result, template_faults: faults.collect() });
    }
    Ok(all)
}

async fn integration(
    id: IntegrationId,
    notifier: IntegrationNotifier,
    skip: bool,
    test: ReceiverTest,
    now: Timestamp,
) -> (TestResult, Vec<TemplateFault>) {
    if skip {
        return (TestResult::Skipped, Vec::new());
    }
    let notification = sample::notification(id, &test, now);
    let mut faults = Vec::new();
    let result = if test.dry_run {
        let deadline = Instant::now() + test.timeout;
        match notifier.begin(Arc::new(notification), deadline, &mut faults).await {
            Ok(begun) => dry_run::result(begun.into_draft()),
            Err(outcome) => TestResult::Attempted(outcome),
        }
    } else {
        let deadline = Instant::now() + test.timeout;
        TestResult::Attempted(notifier.notify(Arc::new(notification), deadline, &mut faults).await)
    };
    (result, faults)
}

fn check(test: &ReceiverTest) -> Result<(), String> {
    if !(1..=TEST_ALERTS_MAX).contains(&test.alerts) {
        return Err(format!("a sample has 1 to {TEST_ALERTS_MAX} alerts, not {}", test.alerts));
    }
    if test.timeout.is_zero() || test.timeout > TEST_TIMEOUT_MAX {
        return Err(format!("the timeout must be above 0 and at most {TEST_TIMEOUT_MAX:?}"));
    }
    if test.labels.iter().chain(&test.annotations).any(|(name, _)| name.is_empty()) {
        return Err("a label or annotation has no name".into());
    }
    Ok(())
}

fn unknown_receiver(config: &Config, name: &str) -> String {
    let known: Vec<&str> = config.receivers.iter().map(|known| known.name.as_str()).collect();
    format!("unknown receiver {name:?}; known receivers: {}", known.join(", "))
}

fn ended_early() -> TestResult {
    TestResult::Attempted(Outcome::Refused {
        reason: FailureReason::Other,
        detail: "the attempt ended early; this is a bug of the program".into(),
    })
}

#[cfg(test)]
mod tests;

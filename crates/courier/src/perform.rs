//! One attempt from its first request to its outcome.
//!
//! The integration's code runs inside a fence: if it panics, this attempt fails and nothing else
//! does. The fence also counts requests, so that an exchange cannot go on for ever.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bellwether_integrations::{Exchange, Integration, Step};
use bellwether_model::{FailureReason, Notification, Outcome};
use tokio::time::Instant;

use crate::client::Client;

/// Limit: how many requests one attempt may need; the chattiest receivers need fewer than five.
pub const EXCHANGE_REQUESTS_MAX: u32 = 16;

/// Tells `integration`'s receiver about `notification`, by way of `client`.
///
/// Ends at `deadline` at the latest; a request that is open then counts as failed.
pub async fn perform(
    integration: &dyn Integration,
    notification: &Notification,
    client: &Client,
    deadline: Instant,
) -> Outcome {
    let begun = fenced(|| {
        let mut exchange = integration.begin(notification);
        let step = exchange.begin();
        (exchange, step)
    });
    match begun {
        Ok((exchange, step)) => converse(exchange, step, client, deadline).await,
        Err(outcome) => outcome,
    }
}

async fn converse(
    mut exchange: Box<dyn Exchange>,
    first: Step,
    client: &Client,
    deadline: Instant,
) -> Outcome {
    let mut step = first;
    for _ in 0..EXCHANGE_REQUESTS_MAX {
        let request = match step {
            Step::Send(request) => request,
            Step::Done(outcome) => return outcome,
        };
        let answer = client.send(request, deadline).await;
        step = match fenced(|| exchange.receive(answer)) {
            Ok(step) => step,
            Err(outcome) => return outcome,
        };
    }
    match step {
        Step::Done(outcome) => outcome,
        Step::Send(_) => {
            refused(format!("the exchange needs more than {EXCHANGE_REQUESTS_MAX} requests"))
        }
    }
}

/// Runs the integration's code; a panic in it becomes an outcome.
///
/// Unwind safety: whatever the code was changing is dropped, not used again.
fn fenced<T>(code: impl FnOnce() -> T) -> Result<T, Outcome> {
    catch_unwind(AssertUnwindSafe(code))
        .map_err(|_| refused("the integration failed by a programming error".to_owned()))
}

fn refused(detail: String) -> Outcome {
    Outcome::Refused { reason: FailureReason::Other, detail }
}

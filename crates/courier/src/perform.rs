//! One attempt from its first request to its outcome.
//!
//! The integration's code runs inside a fence: if it panics, this attempt fails and nothing else
//! does. The fence also counts requests, so that an exchange cannot go on for ever.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bellwether_integrations::http::RequestError;
use bellwether_integrations::{
    Definitions, Exchange, Files, Integration, Interrupt, Renderer, Step, TemplateFault,
};
use bellwether_model::{FailureReason, Notification, Outcome, Secret};
use tokio::time::Instant;

use crate::aws;
use crate::client::Client;
use crate::progress::Progress;
use crate::redactor::Redactor;
use crate::smtp;

/// Limit: how many requests one attempt may need; the chattiest receivers need fewer than five.
pub const EXCHANGE_REQUESTS_MAX: u32 = 16;

/// Limit: how many files one attempt may need.
pub const EXCHANGE_FILES_MAX: u32 = 16;

/// Tells `integration`'s receiver about `notification`, by way of `client`; of it mail needs
/// the policy only.
///
/// Ends at `deadline` at the latest; a request that is open then counts as failed. Texts that could
/// not be rendered are added to `faults` before the first request leaves. Whatever the receiver
/// answers, the outcome's text contains no secret that it was sent.
pub async fn perform(
    integration: &dyn Integration,
    definitions: &Definitions,
    notification: &Notification,
    client: &Client,
    deadline: Instant,
    faults: &mut Vec<TemplateFault>,
) -> Outcome {
    match begin(integration, definitions, notification, faults).await {
        Ok(begun) => begun.send(client, deadline).await,
        Err(outcome) => outcome,
    }
}

/// The beginning of an attempt, of which nothing is sent.
pub struct Draft {
    /// What follows it depends on the answer.
    pub step: Step,
    /// What may stand in the step's headers and body.
    pub redactor: Redactor,
}

/// An attempt whose first request is ready.
pub struct Begun {
    exchange: Box<dyn Exchange>,
    first: Step,
    /// What the integration has asked for.
    redactor: Redactor,
}

impl Begun {
    /// What would be sent first.
    pub fn into_draft(self) -> Draft {
        Draft { step: self.first, redactor: self.redactor }
    }

    /// The rest of [`perform`].
    pub async fn send(self, client: &Client, deadline: Instant) -> Outcome {
        let Begun { exchange, first, redactor } = self;
        let outcome = run_exchange(exchange, first, client, &redactor, deadline).await;
        redactor.redact_outcome(outcome)
    }
}

/// An attempt before its first request: the files that have been read for it.
#[derive(Default)]
pub struct Beginning {
    files: Files,
    asked_for: u32,
}

/// What [`Beginning::render`] came to.
pub enum Rendered {
    Begun(Begun),
    /// To be given to [`Beginning::read`], and then all texts are rendered again.
    NeedsFile(String),
    /// There is nothing to send.
    Ended(Outcome),
}

impl Beginning {
    /// Renders all texts: reads and sends nothing, and takes long with many alerts. Once `interrupt`
    /// has a reason all further templates fail.
    pub fn render(
        &self,
        integration: &dyn Integration,
        definitions: &Definitions,
        notification: &Notification,
        interrupt: Interrupt<'_>,
    ) -> (Rendered, Vec<TemplateFault>) {
        let begun = catch_panic(|| {
            let shown = definitions.mentions().shown(notification);
            let mut renderer = Renderer::interruptible(definitions, &shown, &self.files, interrupt);
            let begun = integration.begin(&mut renderer).map(|mut exchange| {
                let first = exchange.begin();
                let redactor = Redactor::default();
                renderer.secrets().iter().for_each(|secret| redactor.add(secret.reveal()));
                Begun { exchange, first, redactor }
            });
            (begun, renderer.into_faults())
        });
        match begun {
            Err(outcome) => (Rendered::Ended(outcome), Vec::new()),
            Ok((Err(error), faults)) => match error.outcome() {
                Err(path) => (Rendered::NeedsFile(path), Vec::new()),
                Ok(outcome) => (Rendered::Ended(outcome), faults),
            },
            Ok((Ok(begun), faults)) => (Rendered::Begun(begun), faults),
        }
    }

    /// Reads a file that the integration asks for; each attempt reads it again.
    ///
    /// # Errors
    /// With the outcome, if it asks for too many.
    pub async fn read(&mut self, path: String) -> Result<(), Outcome> {
        self.asked_for += 1;
        if self.asked_for > EXCHANGE_FILES_MAX {
            return Err(refused(format!(
                "the exchange needs more than {EXCHANGE_FILES_MAX} files"
            )));
        }
        let content = tokio::fs::read_to_string(&path).await;
        self.files.insert(path, content.map(Secret::new).map_err(|error| error.to_string()));
        Ok(())
    }
}

/// The first part of [`perform`], on this thread.
async fn begin(
    integration: &dyn Integration,
    definitions: &Definitions,
    notification: &Notification,
    faults: &mut Vec<TemplateFault>,
) -> Result<Begun, Outcome> {
    let mut beginning = Beginning::default();
    loop {
        let (rendered, found) = beginning.render(integration, definitions, notification, &|| None);
        faults.extend(found);
        match rendered {
            Rendered::Begun(begun) => return Ok(begun),
            Rendered::Ended(outcome) => return Err(outcome),
            Rendered::NeedsFile(path) => beginning.read(path).await?,
        }
    }
}

async fn run_exchange(
    mut exchange: Box<dyn Exchange>,
    first: Step,
    client: &Client,
    redactor: &Redactor,
    deadline: Instant,
) -> Outcome {
    let mut step = first;
    for _ in 0..EXCHANGE_REQUESTS_MAX {
        let progress = Progress::default();
        let response = match step {
            Step::Send(request) => client.send_noting(request, redactor, &progress, deadline).await,
            Step::Mail(mail) => {
                smtp::deliver(&mail, client.policy(), redactor, &progress, deadline).await
            }
            Step::Aws(call) => aws::call(&call, client, redactor, &progress, deadline).await,
            Step::Done(outcome) => return outcome,
        };
        let ran_out_of_time =
            matches!(response, Err(RequestError::DeadlinePassed | RequestError::TimedOut(_)));
        step = match catch_panic(|| exchange.receive(response)) {
            Ok(Step::Done(outcome)) if ran_out_of_time => {
                return with_step(&progress.step(), outcome);
            }
            Ok(step) => step,
            Err(outcome) => return outcome,
        };
    }
    match step {
        Step::Done(outcome) => outcome,
        Step::Send(_) | Step::Mail(_) | Step::Aws(_) => {
            refused(format!("the exchange needs more than {EXCHANGE_REQUESTS_MAX} requests"))
        }
    }
}

/// Puts what was being done before the text of an attempt that ran out of time.
fn with_step(step: &str, outcome: Outcome) -> Outcome {
    let prefixed = |detail: String| match step {
        "" => detail,
        step => format!("{step}: {detail}"),
    };
    match outcome {
        Outcome::Retry { after, reason, detail } => {
            Outcome::Retry { after, reason, detail: prefixed(detail) }
        }
        Outcome::Refused { reason, detail } => {
            Outcome::Refused { reason, detail: prefixed(detail) }
        }
        delivered @ Outcome::Delivered { .. } => delivered,
    }
}

/// Runs the integration's code; a panic in it becomes an outcome.
///
/// Unwind safety: whatever the code was changing is dropped, not used again.
fn catch_panic<T>(code: impl FnOnce() -> T) -> Result<T, Outcome> {
    catch_unwind(AssertUnwindSafe(code))
        .map_err(|_| refused("the integration failed by a programming error".to_owned()))
}

fn refused(detail: String) -> Outcome {
    Outcome::Refused { reason: FailureReason::Other, detail }
}

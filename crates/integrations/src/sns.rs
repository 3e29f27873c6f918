//! Amazon SNS: one `Publish` call, signed with Signature Version 4.
//!
//! The target is a topic, a device endpoint or a phone number. Credentials that are not given here
//! are looked for where the AWS tools look; that, and the signature, is the courier's work.
//!
//! A topic whose name ends in `.fifo` keeps its messages in order by group. SNS drops a message
//! there whose key it has seen in the last five minutes, so the key depends on the content.
//! Compat: see docs/compat.md#sns-fifo.

pub mod config;
mod message;

use std::sync::Arc;

use bellwether_model::{FailureReason, Outcome, Secret};
use bytes::Bytes;

use self::config::{Config, SigV4};
use crate::aws::{self, AwsCall};
use crate::exchange::{BuildError, Exchange, Integration, Step};
use crate::http::{RequestError, Response};
use crate::outcome::{BeginError, ResponseRules, check_response_with, delivered};
use crate::renderer::Renderer;
use crate::templates::{Templates, TextTemplate};

/// One configured target.
#[derive(Debug)]
pub struct Sns {
    signer: Arc<SigV4>,
    api_url: TextTemplate,
    /// Each is `None` if it is not configured.
    topic_arn: Option<TextTemplate>,
    phone_number: Option<TextTemplate>,
    target_arn: Option<TextTemplate>,
    subject: TextTemplate,
    message: TextTemplate,
    attributes: Vec<(TextTemplate, TextTemplate)>,
}

impl Sns {
    /// # Errors
    /// None; the result is what all integrations have in common.
    pub fn build(config: &Config, templates: &mut Templates) -> Result<Self, BuildError> {
        let Config {
            send_resolved: _,
            http_config: _,
            api_url,
            sigv4,
            topic_arn,
            phone_number,
            target_arn,
            subject,
            message,
            attributes,
            use_aws_http_client: _,
        } = config;
        let mut target =
            |field, text: &String| (!text.is_empty()).then(|| templates.text(field, text));
        Ok(Sns {
            signer: Arc::new(sigv4.clone()),
            topic_arn: target("topic_arn", topic_arn),
            phone_number: target("phone_number", phone_number),
            target_arn: target("target_arn", target_arn),
            api_url: templates.text("api_url", api_url),
            subject: templates.text("subject", subject),
            message: templates.text("message", message),
            attributes: attributes
                .iter()
                .map(|(name, value)| {
                    (templates.text("attributes", name), templates.text("attributes", value))
                })
                .collect(),
        })
    }
}

impl Integration for Sns {
    fn begin(&self, renderer: &mut Renderer<'_>) -> Result<Box<dyn Exchange>, BeginError> {
        let api_url = renderer.required(&self.api_url)?;
        let form = message::form(self, renderer)?;
        Ok(Box::new(Publication(AwsCall {
            service: "sns",
            signer: Arc::clone(&self.signer),
            endpoint: (!api_url.is_empty()).then(|| Secret::new(api_url)),
            form: Bytes::from(form),
        })))
    }
}

/// One call and its answer.
struct Publication(AwsCall);

impl Exchange for Publication {
    fn begin(&mut self) -> Step {
        Step::Aws(Box::new(self.0.clone()))
    }

    fn receive(&mut self, answer: Result<Response, RequestError>) -> Step {
        Step::Done(judged(answer))
    }
}

fn judged(answer: Result<Response, RequestError>) -> Outcome {
    // Some of Amazon's services say "too fast" with status 400.
    if let Ok(response) = &answer
        && response.status / 100 == 4
        && aws::is_throttled(response)
    {
        let status = response.status;
        return Outcome::Retry {
            after: response.retry_after,
            reason: FailureReason::RateLimited,
            detail: format!("unexpected status code {status}: {}", aws::failure(response)),
        };
    }
    let rules = ResponseRules { detail: aws::failure, ..ResponseRules::default() };
    check_response_with("sns", answer, &rules).map_or_else(|outcome| outcome, |_| delivered())
}

#[cfg(test)]
mod tests;

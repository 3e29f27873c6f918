//! The requests of one Slack message, and what the answers mean.
//!
//! 1. If an earlier message of the group is remembered, it is updated (`update_message`), then the
//!    message is posted to its thread (`post_updates_to_thread`), or one of the two.
//! 2. If there is none, or Slack says that it did not do one of the two (the message was deleted, the
//!    time to edit it is over, its channel was archived, its thread is locked), a new one is posted.
//!
//! Where a new message is, is remembered; what Slack answers in 1 is not, so that all updates are of the
//! group's first message.
//!
//! Compat: upstream gives up after 1; see docs/compat.md#slack-update.

use std::collections::VecDeque;

use bellwether_model::delivery::RememberedValue;
use bellwether_model::quote::quoted;
use bellwether_model::{FailureReason, Outcome, Remembered};
use serde_json::Value;

use crate::exchange::{Exchange, Step};
use crate::http::{Request, RequestError, Response};
use crate::outcome::{body_excerpt, check_response, delivered};

/// One message, from the first request to the outcome.
pub struct SlackExchange {
    /// What is done to the earlier message, in this order; empty if there is none.
    edits: VecDeque<Edit>,
    /// Where the earlier message is, as the notification log has it.
    remembered: Remembered,
    post: Post,
    /// The request without an answer is the first of `edits`.
    is_editing: bool,
}

/// A request that updates the earlier message, or that posts to its thread.
pub struct Edit {
    pub request: Request,
    pub channel: String,
}

/// The request that posts a new message.
pub struct Post {
    pub request: Request,
    pub channel: String,
    /// Whether later notifications are to update the message, or to be in its thread.
    pub is_remembered: bool,
}

/// What Slack said about a request that it received.
enum Answer {
    Accepted {
        place: Remembered,
    },
    /// `"ok": false`, with the name of the error.
    Error(String),
}

impl SlackExchange {
    /// `remembered`: where the message of `edits` is.
    pub fn new(edits: Vec<Edit>, remembered: Remembered, post: Post) -> Self {
        SlackExchange { edits: edits.into(), remembered, post, is_editing: false }
    }

    fn edited(&mut self, answer: Result<Response, RequestError>) -> Step {
        let Some(Edit { channel, .. }) = self.edits.pop_front() else { return self.begin() };
        match read(answer, &channel) {
            Ok(Answer::Accepted { .. }) if self.edits.is_empty() => {
                Step::Done(Outcome::Delivered { remember: self.remembered.clone() })
            }
            Ok(Answer::Accepted { .. }) => self.begin(),
            // Also for errors that this file does not know: a second message is better than none.
            Ok(Answer::Error(_)) => {
                self.edits.clear();
                self.begin()
            }
            Err(outcome) => Step::Done(outcome),
        }
    }

    fn posted(&self, answer: Result<Response, RequestError>) -> Outcome {
        let Post { channel, is_remembered, .. } = &self.post;
        match read(answer, channel) {
            Ok(Answer::Accepted { place }) if *is_remembered => {
                Outcome::Delivered { remember: place }
            }
            Ok(Answer::Accepted { .. }) => delivered(),
            Ok(Answer::Error(name)) => {
                let detail = format!("error response from Slack: {name}");
                let reason = FailureReason::ClientError;
                Outcome::Refused { reason, detail: named(channel, &detail) }
            }
            Err(outcome) => outcome,
        }
    }
}

impl Exchange for SlackExchange {
    fn begin(&mut self) -> Step {
        let edit = self.edits.front();
        self.is_editing = edit.is_some();
        Step::Send(edit.map_or(&self.post.request, |edit| &edit.request).clone())
    }

    fn receive(&mut self, answer: Result<Response, RequestError>) -> Step {
        if self.is_editing { self.edited(answer) } else { Step::Done(self.posted(answer)) }
    }
}

/// Reads an answer to a message for `channel`, which may be 200 and say inside that nothing was done.
///
/// # Errors
/// The outcome, if there is none of Slack's own answers.
fn read(answer: Result<Response, RequestError>, channel: &str) -> Result<Answer, Outcome> {
    let answered = answer.is_ok();
    let response = check_response("slack", answer).map_err(|outcome| match outcome {
        Outcome::Retry { after, reason, detail } if answered => {
            Outcome::Retry { after, reason, detail: named(channel, &detail) }
        }
        Outcome::Refused { reason, detail } if answered => {
            Outcome::Refused { reason, detail: named(channel, &detail) }
        }
        other => other,
    })?;
    let reason = FailureReason::ClientError;
    let is_json =
        response.content_type.as_ref().is_some_and(|kind| kind.starts_with("application/json"));
    if !is_json {
        // What an incoming webhook answers.
        if &response.body[..] == b"ok" {
            return Ok(Answer::Accepted { place: Remembered::default() });
        }
        let said = body_excerpt(&response.body);
        let detail = format!("received an error response from Slack: {said}");
        return Err(Outcome::Refused { reason, detail: named(channel, &detail) });
    }
    let body: Value = serde_json::from_slice(&response.body).map_err(|error| {
        let body = body_excerpt(&response.body);
        let detail = format!("could not unmarshal JSON response {body:?}: {error}");
        Outcome::Retry { after: None, reason, detail: named(channel, &detail) }
    })?;
    if body["ok"] != true {
        return Ok(Answer::Error(body["error"].as_str().unwrap_or_default().to_owned()));
    }
    let place = [(TIMESTAMP, &body["ts"]), (CHANNEL, &body["channel"])];
    let known =
        place.map(|(name, value)| Some((name, value.as_str().filter(|it| !it.is_empty())?)));
    let place = match known {
        [Some(timestamp), Some(channel)] => [timestamp, channel]
            .map(|(name, value)| (name.to_owned(), RememberedValue::Text(value.to_owned())))
            .into(),
        _ => Default::default(),
    };
    Ok(Answer::Accepted { place: Remembered(place) })
}

fn named(channel: &str, detail: &str) -> String {
    format!("channel {}: {detail}", quoted(channel))
}

/// The names in the notification log.
pub const TIMESTAMP: &str = "threadTs";
pub const CHANNEL: &str = "channelId";

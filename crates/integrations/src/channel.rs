//! Posting to a channel: one request, and complaints that begin with the channel's name.

use bellwether_model::Outcome;
use bellwether_model::quote::quoted;

use crate::exchange::{Exchange, Step};
use crate::http::{Request, RequestError, Response};

/// The exchange of receivers that post to a channel.
pub struct ChannelPost {
    request: Request,
    channel: String,
    judge: fn(Result<Response, RequestError>) -> Outcome,
}

impl ChannelPost {
    pub fn exchange(
        request: Request,
        channel: String,
        judge: fn(Result<Response, RequestError>) -> Outcome,
    ) -> Box<dyn Exchange> {
        Box::new(ChannelPost { request, channel, judge })
    }
}

impl Exchange for ChannelPost {
    fn begin(&mut self) -> Step {
        Step::Send(self.request.clone())
    }

    fn receive(&mut self, answer: Result<Response, RequestError>) -> Step {
        let answered = answer.is_ok();
        let named = |detail: String| match answered {
            true => format!("channel {}: {detail}", quoted(&self.channel)),
            false => detail,
        };
        Step::Done(match (self.judge)(answer) {
            Outcome::Retry { after, reason, detail } => {
                Outcome::Retry { after, reason, detail: named(detail) }
            }
            Outcome::Refused { reason, detail } => {
                Outcome::Refused { reason, detail: named(detail) }
            }
            delivered @ Outcome::Delivered { .. } => delivered,
        })
    }
}

//! Whom has the layer above asked us to ask for a sign of life?
//!
//! It wants to know at once whether a member answers, and does not care how; our own probes come
//! round too seldom for that. A question is a ping; one that is asked again before the last one was
//! answered goes by a stream too. Nothing follows from silence here.

use std::collections::VecDeque;
use std::time::Duration;

use super::time::Mono;
use super::{Event, Memberlist, Output, StreamId};
use crate::message::{Message, NodeName, StreamMessage};

#[derive(Debug, Default)]
pub(super) struct Questions {
    open: VecDeque<Question>,
}

#[derive(Debug)]
struct Question {
    node: NodeName,
    sequence: u32,
    stream: Option<StreamId>,
    until: Mono,
}

impl Memberlist {
    /// Asks a member for a sign of life; [`Event::Answers`] follows if there is one.
    pub(super) fn ask(&mut self, name: &NodeName, out: &mut Vec<Output>) {
        let Some(node) = self.nodes.get(name).filter(|node| node.is_member()) else { return };
        let (node, to) = (node.name.clone(), node.address);
        let now = self.now;
        self.questions.open.retain(|question| question.until > now);
        if self.questions.open.len() >= QUESTIONS_MAX {
            return;
        }
        let is_repeated = self.questions.open.iter().any(|question| question.node == node);
        let (sequence, until) = (self.next_sequence(), now.plus(QUESTION_LASTS));
        let ping = self.ping(sequence, Some(node.clone()));
        self.send_with_news(to, &Message::Ping(ping.clone()), out);
        let stream = is_repeated.then(|| self.next_stream());
        if let Some(stream) = stream {
            let message = StreamMessage::Ping(ping);
            out.push(Output::OpenStream { stream, to, message, deadline: until });
        }
        self.questions.open.push_back(Question { node, sequence, stream, until });
    }

    /// Whether this acknowledges a question, and not a probe.
    pub(super) fn answers_datagram(&mut self, sequence: u32, out: &mut Vec<Output>) -> bool {
        self.answers(|question| question.sequence == sequence, out)
    }

    pub(super) fn answers_stream(&mut self, stream: StreamId, out: &mut Vec<Output>) -> bool {
        self.answers(|question| question.stream == Some(stream), out)
    }

    fn answers(&mut self, is_it: impl Fn(&Question) -> bool, out: &mut Vec<Output>) -> bool {
        let open = &mut self.questions.open;
        let Some(at) = open.iter().position(is_it) else { return false };
        let node = open[at].node.clone();
        open.retain(|question| question.node != node);
        out.push(Output::Event(Event::Answers { node }));
        true
    }
}

/// Limit: questions that wait for an answer.
const QUESTIONS_MAX: usize = 1024;
/// An answer that comes later is of no use.
const QUESTION_LASTS: Duration = Duration::from_secs(2);

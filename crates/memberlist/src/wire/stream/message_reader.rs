//! What is the message that begins with these bytes, and is it whole?
//!
//! The inside of a stream: bytes that are neither labelled nor compressed any more. Structures are
//! small, so as long as one has not come whole it is tried again from its start. The long ones, a
//! push-pull's nodes and the layer above's bytes, are put aside piece by piece, so that nothing is
//! read twice and a claim that is not kept costs nothing.

use std::mem;

use bytes::Bytes;

use super::{NODES_MAX, NODES_MEMORY_BYTES_MAX, read_arrived};
use crate::message::{NodeState, PushPull, StreamMessage, UserMessage};
use crate::wire::body::PushPullHeader;
use crate::wire::msgpack::MsgpackReader;
use crate::wire::{WireError, body, type_byte};

type Result<T> = std::result::Result<T, WireError>;

#[derive(Debug)]
pub(super) struct MessageReader {
    /// Limit: the layer above's bytes.
    user_bytes_max: usize,
    phase: Phase,
    /// What has come and cannot be read yet.
    pending: Vec<u8>,
    /// What has been read of a push-pull.
    push_pull: PushPull,
    nodes_memory_bytes: usize,
    /// What has come of the layer above's bytes.
    body: Vec<u8>,
}

#[derive(Debug, Default, Clone, Copy)]
enum Phase {
    #[default]
    Type,
    Small(Small),
    PushPullHeader,
    Nodes {
        left: usize,
        user_state_bytes: usize,
    },
    UserState {
        left: usize,
    },
    UserLength,
    UserBody {
        left: usize,
    },
}

/// A message that is one structure.
#[derive(Debug, Clone, Copy)]
enum Small {
    Ping,
    Ack,
    Error,
}

/// How a phase ends.
enum Step {
    Next(Phase),
    Wait,
    Whole(StreamMessage),
}

impl MessageReader {
    pub(super) fn new(user_bytes_max: usize) -> Self {
        MessageReader {
            user_bytes_max,
            phase: Phase::default(),
            pending: Vec::new(),
            push_pull: PushPull::default(),
            nodes_memory_bytes: 0,
            body: Vec::new(),
        }
    }

    /// Takes the next bytes; answers with the message once it is whole, and is of no use then.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Option<StreamMessage>> {
        let mut pending = mem::take(&mut self.pending);
        // Long bodies are not collected twice.
        let joined = if pending.is_empty() {
            bytes
        } else {
            pending.extend_from_slice(bytes);
            pending.as_slice()
        };
        let mut rest = joined;
        loop {
            match self.step(&mut rest)? {
                Step::Next(phase) => self.phase = phase,
                Step::Whole(message) => return Ok(Some(message)),
                Step::Wait => break,
            }
        }
        self.pending = rest.to_vec();
        Ok(None)
    }

    /// The memory that has been asked for.
    pub(super) fn set_aside_bytes(&self) -> usize {
        self.pending.capacity()
            + self.body.capacity()
            + self.push_pull.nodes.capacity() * size_of::<NodeState>()
    }

    /// Reads one thing, and takes it off `rest` if it is there.
    fn step(&mut self, rest: &mut &[u8]) -> Result<Step> {
        Ok(match self.phase {
            Phase::Type => first_phase(rest)?,
            Phase::Small(small) => small_message(small, rest)?,
            Phase::PushPullHeader => self.header(rest)?,
            Phase::Nodes { left: 0, user_state_bytes: left } => {
                Step::Next(Phase::UserState { left })
            }
            Phase::Nodes { left, user_state_bytes } => self.node(left, user_state_bytes, rest)?,
            Phase::UserLength => user_length(rest, self.user_bytes_max)?,
            Phase::UserState { left: 0 } => {
                let user_state = Bytes::from(mem::take(&mut self.body));
                let push_pull = PushPull { user_state, ..mem::take(&mut self.push_pull) };
                Step::Whole(StreamMessage::PushPull(push_pull))
            }
            Phase::UserBody { left: 0 } => {
                let body = Bytes::from(mem::take(&mut self.body));
                Step::Whole(StreamMessage::User(UserMessage { body }))
            }
            Phase::UserState { .. } | Phase::UserBody { .. } if rest.is_empty() => Step::Wait,
            Phase::UserState { left } => {
                Step::Next(Phase::UserState { left: self.collect(left, rest) })
            }
            Phase::UserBody { left } => {
                Step::Next(Phase::UserBody { left: self.collect(left, rest) })
            }
        })
    }

    fn header(&mut self, rest: &mut &[u8]) -> Result<Step> {
        let header = take(rest, "a push-pull's header", body::read_push_pull_header)?;
        let Some(PushPullHeader { join, nodes, user_state_bytes }) = header else {
            return Ok(Step::Wait);
        };
        self.push_pull.join = join;
        Ok(Step::Next(Phase::Nodes {
            left: within(nodes, "the number of nodes", NODES_MAX)?,
            user_state_bytes: within(user_state_bytes, "user state", self.user_bytes_max)?,
        }))
    }

    fn node(&mut self, left: usize, user_state_bytes: usize, rest: &mut &[u8]) -> Result<Step> {
        match take(rest, "a node of a push-pull", body::read_node_state)? {
            None => return Ok(Step::Wait),
            Some(None) => self.push_pull.skipped += 1,
            Some(Some(node)) => {
                let bytes = size_of::<NodeState>() + node.name.as_str().len() + node.meta.len();
                self.nodes_memory_bytes = within(
                    self.nodes_memory_bytes + bytes,
                    "the memory of the nodes",
                    NODES_MEMORY_BYTES_MAX,
                )?;
                self.push_pull.nodes.push(node);
            }
        }
        Ok(Step::Next(Phase::Nodes { left: left - 1, user_state_bytes }))
    }

    /// Puts up to `left` bytes aside, and says how many are left then.
    fn collect(&mut self, left: usize, rest: &mut &[u8]) -> usize {
        let (now, later) = rest.split_at_checked(left).unwrap_or((*rest, &[]));
        if self.body.capacity() - self.body.len() < now.len() {
            // Not all that is claimed, but in larger steps than usual: each copies what is there.
            let more = left.min(self.body.len().saturating_mul(3)).max(now.len());
            self.body.reserve_exact(more);
        }
        self.body.extend_from_slice(now);
        *rest = later;
        left - now.len()
    }
}

fn first_phase(rest: &mut &[u8]) -> Result<Step> {
    let Some((&type_byte, after)) = rest.split_first() else { return Ok(Step::Wait) };
    *rest = after;
    match type_byte {
        type_byte::PUSH_PULL => Ok(Step::Next(Phase::PushPullHeader)),
        type_byte::USER => Ok(Step::Next(Phase::UserLength)),
        type_byte::PING => Ok(Step::Next(Phase::Small(Small::Ping))),
        type_byte::ACK => Ok(Step::Next(Phase::Small(Small::Ack))),
        type_byte::ERROR => Ok(Step::Next(Phase::Small(Small::Error))),
        _ => Err(WireError::UnexpectedType { type_byte }),
    }
}

fn small_message(small: Small, rest: &mut &[u8]) -> Result<Step> {
    let message = match small {
        Small::Ping => take(rest, "a ping", body::read_ping)?.map(StreamMessage::Ping),
        Small::Ack => take(rest, "an ack", body::read_ack)?.map(StreamMessage::Ack),
        Small::Error => {
            take(rest, "an error reply", body::read_error_reply)?.map(StreamMessage::Error)
        }
    };
    Ok(message.map_or(Step::Wait, Step::Whole))
}

fn user_length(rest: &mut &[u8], bytes_max: usize) -> Result<Step> {
    let Some(left) = take(rest, "a user message", body::read_user_length)? else {
        return Ok(Step::Wait);
    };
    Ok(Step::Next(Phase::UserBody { left: within(left, "a user message", bytes_max)? }))
}

/// Takes a structure off `rest`; `None` if it has not come whole.
fn take<T>(
    rest: &mut &[u8],
    what: &'static str,
    read: impl FnOnce(&mut MsgpackReader<'_>) -> Result<T>,
) -> Result<Option<T>> {
    Ok(read_arrived(rest, what, read)?.map(|(value, after)| {
        *rest = after;
        value
    }))
}

fn within(claimed: usize, what: &'static str, limit: usize) -> Result<usize> {
    if claimed > limit { Err(WireError::TooLarge { what, limit }) } else { Ok(claimed) }
}

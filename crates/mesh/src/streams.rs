//! One stream, from its first byte to its last.
//!
//! A stream carries one message and at most one reply. Each has a task and a timeout of its own, so
//! that a slow, silent or malicious peer blocks only itself. Messages are encoded and decoded on these
//! tasks, where that may take long.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bellwether_memberlist::cluster::{ReplyWanted, StreamFailure, StreamOutcome, StreamPayload};
use bellwether_memberlist::wire::StreamError;
use bellwether_memberlist::wire::stream::{self, StreamReader};
use bellwether_memberlist::{ErrorReply, Label, StreamMessage};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use crate::limits::MemoryBudget;
use crate::transport::{Connection, Dialer, Meter};

/// An outbound stream.
pub(crate) struct OutboundStream {
    pub to: SocketAddr,
    pub payload: StreamPayload,
    pub reply_wanted: ReplyWanted,
    pub deadline: Instant,
    pub label: Label,
    pub dialer: Dialer,
}

/// The outcome for the machine, and an error text for the log.
pub(crate) type OpenResult = (StreamOutcome, Option<String>);

impl OutboundStream {
    pub async fn run(self) -> OpenResult {
        let deadline = self.deadline;
        match timeout_at(deadline, self.exchange()).await {
            Ok(outcome) => outcome,
            Err(_) => failed(StreamFailure::TimedOut, "not done in time"),
        }
    }

    async fn exchange(self) -> OpenResult {
        let pieces = self.payload.into_pieces();
        let mut io = match self.dialer.open(self.to).await {
            Ok(io) => io,
            Err(error) => return failed(failure(&self.dialer, &error), &error.to_string()),
        };
        let meter = self.dialer.meter();
        let label = stream::label_header(&self.label);
        let sent = async {
            send(&mut *io, &[label.into()]).await?;
            send(&mut *io, &pieces).await
        };
        if let Err(error) = sent.await {
            meter.streams.write_errors.fetch_add(1, Ordering::Relaxed);
            return failed(failure(&self.dialer, &error), &error.to_string());
        }
        match self.reply_wanted {
            ReplyWanted::No => {
                // The peer has everything, even if the shutdown fails.
                let _ = io.shutdown().await;
                (StreamOutcome::Sent, None)
            }
            ReplyWanted::Yes => {
                let reader = StreamReader::reply().with_user_bytes_max(meter.state_bytes_max);
                match receive(&mut *io, reader, &[], &meter.budget).await {
                    Received::Message(message) => (StreamOutcome::Replied(message), None),
                    Received::Closed => failed(StreamFailure::Closed, "closed without an answer"),
                    Received::Broken(error) => {
                        meter.streams.read_errors.fetch_add(1, Ordering::Relaxed);
                        failed(failure(&self.dialer, &error), &error.to_string())
                    }
                    Received::Malformed(error) => {
                        let text = error.to_string();
                        (StreamOutcome::Failed(StreamFailure::Malformed(error)), Some(text))
                    }
                }
            }
        }
    }
}

/// What was received on a stream.
pub(crate) enum Received {
    Message(StreamMessage),
    /// It ended before anything came.
    Closed,
    Broken(io::Error),
    Malformed(StreamError),
}

/// Reads the message of an inbound stream. A malformed one is answered with an error where the
/// protocol requires that.
pub(crate) async fn receive_inbound(
    io: &mut dyn Connection,
    label: &Label,
    beginning: &[u8],
    meter: &Meter,
) -> Received {
    let reader = StreamReader::inbound(label).with_user_bytes_max(meter.state_bytes_max);
    let received = receive(io, reader, beginning, &meter.budget).await;
    match &received {
        Received::Malformed(StreamError::Reply(error)) => {
            let reply = StreamMessage::Error(ErrorReply { text: error.to_string() });
            let _ = answer(io, StreamPayload::new(reply), Duration::from_secs(1)).await;
        }
        Received::Broken(_) => {
            meter.streams.read_errors.fetch_add(1, Ordering::Relaxed);
        }
        Received::Malformed(StreamError::Close(_)) | Received::Message(_) | Received::Closed => {}
    }
    received
}

/// Sends the reply on an inbound stream, and closes it.
pub(crate) async fn answer(
    io: &mut dyn Connection,
    payload: StreamPayload,
    time: Duration,
) -> io::Result<()> {
    let pieces = payload.into_pieces();
    let sent = async {
        send(io, &pieces).await?;
        io.shutdown().await
    };
    timeout(time, sent).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

/// Sends each piece by itself: over TLS a Go node requires the label in a record of its own.
async fn send(io: &mut dyn Connection, pieces: &[Bytes]) -> io::Result<()> {
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        io.write_all(piece).await?;
        io.flush().await?;
    }
    Ok(())
}

/// Reads one message, however it is cut into pieces.
async fn receive(
    io: &mut dyn Connection,
    mut reader: StreamReader,
    beginning: &[u8],
    budget: &MemoryBudget,
) -> Received {
    let mut reservation = budget.reserve();
    let mut buffer = vec![0; READ_BYTES];
    let mut reserved = 0;
    let mut nothing_yet = beginning.is_empty();
    let mut piece = reader.push(beginning);
    loop {
        match piece {
            Ok(Some(message)) => return Received::Message(message),
            Ok(None) => {}
            Err(error) => return Received::Malformed(error),
        }
        match io.read(&mut buffer).await {
            Ok(0) if nothing_yet => return Received::Closed,
            Ok(0) => return Received::Broken(io::ErrorKind::UnexpectedEof.into()),
            // Some peers reset the connection instead of closing it.
            Err(error) if nothing_yet && is_close(&error) => return Received::Closed,
            Err(error) => return Received::Broken(error),
            Ok(length) => {
                nothing_yet = false;
                piece = reader.push(buffer.get(..length).unwrap_or_default());
                // What is held, since what comes may be compressed.
                let held = reader.held_bytes();
                if held > reserved {
                    if !reservation.grow(held - reserved) {
                        return Received::Broken(io::ErrorKind::OutOfMemory.into());
                    }
                    reserved = held;
                }
                // A long message must not block other tasks.
                tokio::task::yield_now().await;
            }
        }
    }
}

fn is_close(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof)
}

/// Which failure an error is. A peer without TLS closes the connection during the handshake.
fn failure(dialer: &Dialer, error: &io::Error) -> StreamFailure {
    let is_tls = error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
    match dialer {
        Dialer::Tls(_) if is_tls || is_close(error) => StreamFailure::Tls,
        Dialer::Tls(_) | Dialer::Plain(_) => StreamFailure::Unreachable,
    }
}

fn failed(failure: StreamFailure, text: &str) -> OpenResult {
    (StreamOutcome::Failed(failure), Some(text.to_owned()))
}

const READ_BYTES: usize = 32 << 10;

#[cfg(test)]
mod tests {
    use bellwether_memberlist::UserMessage;
    use bellwether_memberlist::wire::Compression;

    use super::*;

    async fn read_with_room(bytes: usize) -> Received {
        let body = vec![7; 10_000].into();
        let message = StreamMessage::User(UserMessage { body });
        let (mut ours, mut theirs) = tokio::io::duplex(1024);
        let writing = tokio::spawn(async move {
            theirs.write_all(&stream::encode(&message, Compression::None)).await
        });
        let budget = MemoryBudget::new(bytes);
        let received = receive(&mut ours, StreamReader::reply(), &[], &budget).await;
        drop(ours);
        let _ = writing.await.unwrap();
        received
    }

    #[tokio::test]
    async fn a_message_beyond_the_memory_budget_is_given_up() {
        let given_up = read_with_room(9_000).await;
        assert!(
            matches!(given_up, Received::Broken(error) if error.kind() == io::ErrorKind::OutOfMemory)
        );
        let read = read_with_room(11_000).await;
        assert!(
            matches!(read, Received::Message(StreamMessage::User(user)) if user.body.len() == 10_000)
        );
    }
}

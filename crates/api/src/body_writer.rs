//! Streams a long response, so that it is never in memory as a whole.
//!
//! In: text, appended piece by piece by a writer that runs outside the threads that serve
//! connections. Out: a body. A short text becomes a body of known length; a longer one flows out in
//! chunks while the rest is still being written, and the writer waits for a reader that is slow.
//! What is written after the reader has gone is dropped.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body_util::channel::{Channel, Sender};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// The writer's end.
pub(crate) struct BodyWriter {
    /// What has not been sent yet; writers append to it.
    pub text: String,
    /// `None` once the first text has been sent.
    first: Option<oneshot::Sender<Body>>,
    sender: Option<Sender<Bytes, axum::Error>>,
}

impl BodyWriter {
    /// An empty writer, and where the body arrives once it is known whether the text is short.
    pub fn new() -> (Self, oneshot::Receiver<Body>) {
        let (first, body) = oneshot::channel();
        (BodyWriter { text: String::new(), first: Some(first), sender: None }, body)
    }

    /// To be called between pieces: sends a chunk if enough text has accumulated.
    ///
    /// Must run where blocking is allowed.
    pub fn send_if_full(&mut self) {
        if self.text.len() >= CHUNK_BYTES {
            if let Some(first) = self.first.take() {
                let (sender, body) = Channel::new(CHUNKS_WAITING_MAX);
                let is_wanted = first.send(Body::new(body)).is_ok();
                self.sender = is_wanted.then_some(sender);
            }
            self.send();
        }
    }

    /// Sends the rest.
    pub fn finish(mut self) {
        match self.first.take() {
            // The request may have been dropped; then the body is not needed.
            Some(first) => drop(first.send(Body::from(std::mem::take(&mut self.text)))),
            None => self.send(),
        }
    }

    fn send(&mut self) {
        // The next chunk will be about as long.
        let fresh = String::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 8);
        let chunk = Bytes::from(std::mem::replace(&mut self.text, fresh));
        let Some(mut sender) = self.sender.take() else { return };
        let sent = Handle::current().block_on(timeout(STALL_MAX, sender.send_data(chunk)));
        match sent {
            Ok(Ok(())) => self.sender = Some(sender),
            Ok(Err(_)) => {}
            // A body that is cut off must not look complete.
            Err(_) => sender.abort(axum::Error::new("the reader took nothing for too long")),
        }
    }
}

const CHUNK_BYTES: usize = 64 * 1024;
/// Limit: chunks that wait for a slow reader.
const CHUNKS_WAITING_MAX: usize = 4;
/// Limit: how long a reader may read nothing.
const STALL_MAX: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::{BodyWriter, CHUNK_BYTES};

    #[tokio::test]
    async fn a_short_text_has_a_known_length() {
        let (mut writer, body) = BodyWriter::new();
        writer.text.push_str("short");
        writer.send_if_full();
        writer.finish();
        let body = body.await.unwrap();
        assert_eq!(axum::body::HttpBody::size_hint(&body).exact(), Some(5));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "short");
    }

    #[tokio::test]
    async fn a_long_text_arrives_whole_and_in_order() {
        let (mut writer, body) = BodyWriter::new();
        let writer = tokio::task::spawn_blocking(move || {
            let mut expected = String::new();
            for number in 0..100_000 {
                let piece = format!("{number},");
                expected.push_str(&piece);
                writer.text.push_str(&piece);
                writer.send_if_full();
            }
            writer.finish();
            expected
        });
        let body = body.await.unwrap();
        assert_eq!(axum::body::HttpBody::size_hint(&body).exact(), None);
        let bytes = body.collect().await.unwrap().to_bytes();
        let expected = writer.await.unwrap();
        assert!(expected.len() > 8 * CHUNK_BYTES);
        assert_eq!(bytes, expected);
    }

    #[tokio::test]
    async fn a_reader_that_goes_away_does_not_block_the_writer() {
        let (mut writer, body) = BodyWriter::new();
        let writer = tokio::task::spawn_blocking(move || {
            for _ in 0..1000 {
                writer.text.push_str(&"x".repeat(1024));
                writer.send_if_full();
            }
            writer.finish();
        });
        let mut body = body.await.unwrap();
        assert!(body.frame().await.unwrap().is_ok());
        drop(body);
        writer.await.unwrap();
    }
}

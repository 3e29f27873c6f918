//! The connections of HTTP clients, for those who count them.
//!
//! In: each attempt to open a connection, its result, and its end. Out: calls of a [`DialObserver`].
//! Meanings are those of go-conntrack, whose metrics the Go Alertmanager exposes: a proxy's connection
//! counts as one of the client, and TLS begins after it is established.

use std::fmt::Debug;
use std::sync::Arc;

/// Is notified of the connections of every client.
pub trait DialObserver: Debug + Send + Sync {
    /// There is a client of this name, which has no connections yet.
    fn begin(&self, client: &'static str);

    fn note(&self, client: &'static str, event: DialEvent);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialEvent {
    Attempted,
    Established,
    Failed(DialFailure),
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialFailure {
    /// The name has no address.
    Resolution,
    Refused,
    Timeout,
    Other,
}

/// Who counts the connections of one client, if anyone does.
#[derive(Clone, Debug, Default)]
pub struct Dials(Option<Counted>);

#[derive(Clone, Debug)]
struct Counted {
    client: &'static str,
    observer: Arc<dyn DialObserver>,
}

/// An established connection; closed when it is dropped.
#[must_use]
#[derive(Debug)]
pub struct Established(Dials);

impl Dials {
    pub fn new(client: &'static str, observer: Arc<dyn DialObserver>) -> Self {
        Dials(Some(Counted { client, observer }))
    }

    pub(crate) fn begin(&self) {
        if let Some(Counted { client, observer }) = &self.0 {
            observer.begin(client);
        }
    }

    /// Notes an attempt and its result.
    pub(crate) async fn following<T>(
        &self,
        opening: impl Future<Output = Result<T, DialError>>,
    ) -> Result<(T, Established), DialError> {
        self.note(DialEvent::Attempted);
        match opening.await {
            Ok(open) => {
                self.note(DialEvent::Established);
                Ok((open, Established(self.clone())))
            }
            Err(error) => {
                self.note(DialEvent::Failed(error.failure));
                Err(error)
            }
        }
    }

    fn note(&self, event: DialEvent) {
        if let Some(Counted { client, observer }) = &self.0 {
            observer.note(client, event);
        }
    }
}

impl Drop for Established {
    fn drop(&mut self) {
        self.0.note(DialEvent::Closed);
    }
}

/// Why a connection was not opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DialError {
    pub failure: DialFailure,
    pub text: String,
}

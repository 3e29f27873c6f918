//! The entrance: which call may begin, and who answers it.

use std::sync::Arc;

use axum::body::HttpBody as _;
use axum::extract::Request;
use axum::response::Response;
use tokio::time::Instant;

use crate::admission::Pools;
use crate::answers::refuse;
use crate::backend::Backend;
use crate::error::{Code, RpcError};
use crate::negotiation::Call;
use crate::procedure::Procedure;
use crate::settings::ConnectSettings;
use crate::shared::Shared;
use crate::{answers, stream, unary};

/// All procedures.
pub struct Connect<B: Backend> {
    shared: Arc<Shared<B>>,
    pools: Pools<B>,
}

impl<B: Backend> Connect<B> {
    pub fn new(backend: Arc<B>, settings: ConnectSettings) -> Self {
        let pools = Pools::new(Arc::clone(&backend), &settings);
        Connect { shared: Arc::new(Shared::new(backend, settings)), pools }
    }

    /// Answers a request; `path` is what is below the place where the procedures are mounted, decoded,
    /// and `query` is as it was sent.
    ///
    /// A procedure that does not exist takes no place; if there is none, nothing of the body is read.
    pub async fn answer(&self, path: &str, query: &str, request: Request) -> Response {
        let (head, body) = request.into_parts();
        let refuse = |code, text: &str| refuse(&head, query, &RpcError::new(code, text));
        let Some(procedure) = Procedure::at(path) else {
            return refuse(Code::Unimplemented, "unknown Connect procedure");
        };
        if *self.shared.settings.stopping.borrow() {
            return refuse(Code::Unavailable, "connect API is shutting down");
        }
        let mut slot = match self.pools.enter(procedure) {
            Ok(slot) => slot,
            Err(error) => return answers::refuse(&head, query, &error),
        };
        let began = Instant::now();
        let has_body = body.size_hint().exact() != Some(0) && !body.is_end_stream();
        let (call, fits) = match Call::negotiate(procedure, &head, query, has_body) {
            Ok(negotiated) => negotiated,
            Err(refusal) => {
                slot.never_ran();
                return refusal.answer();
            }
        };
        match fits {
            Err(error) if procedure.is_unary() => {
                slot.never_ran();
                let (unsaid, max) = (answers::Caching::Unsaid, self.shared.settings.send_bytes_max);
                answers::unary(&call, Err(error), unsaid, max)
            }
            Ok(()) if procedure.is_unary() => {
                unary::answer(&self.shared, procedure, call, body, slot, began).await
            }
            fits => stream::answer(&self.shared, procedure, call, fits, body, slot, began).await,
        }
    }
}

//! Remote procedure calls: where they are mounted, and how they are measured.
//!
//! In: a request, and the path of the procedure. Out: the answer of [`bellwether_connect`].
//!
//! Compat: none of the limits of other requests holds here, as upstream has it; these have their own.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bellwether_connect::Procedure;

use crate::backend::{Backend, Observation};
use crate::heads::query;
use crate::kept_body::KeptBody;
use crate::paths::Asked;
use crate::state::{AppState, method_label};

/// Answers a call; `path` is what is below the place where the procedures are mounted, decoded.
/// Native gRPC is no affair of web pages, the other protocols are.
pub(crate) async fn answer<B: Backend>(
    state: &AppState<B>,
    path: &str,
    asked: Asked,
    request: Request,
) -> Response {
    let mut measured = Measured {
        backend: Arc::clone(&state.backend),
        handler: Procedure::at(path).map_or("unmatched", Procedure::path),
        method: method_label(request.method()),
        code: CLIENT_GONE,
        began: Instant::now(),
    };
    let sent = query(request.uri(), request.headers()).unwrap_or_default().to_owned();
    let call = |request| state.connect.answer(path, &sent, request);
    let response = match (&state.settings.cross_origin, asked) {
        (Some(cross_origin), Asked::Other) => cross_origin.around(request, call).await,
        (None, _) | (_, Asked::Grpc) => call(request).await,
    };
    measured.code = response.status().as_u16();
    response.map(|body| Body::new(KeptBody::new(body, measured)))
}

/// Reports a request when its answer has been sent, or given up.
struct Measured<B: Backend> {
    backend: Arc<B>,
    handler: &'static str,
    method: &'static str,
    code: u16,
    began: Instant,
}

impl<B: Backend> Drop for Measured<B> {
    fn drop(&mut self) {
        self.backend.observe(Observation::Request {
            handler: self.handler.to_owned(),
            method: self.method,
            code: self.code,
            seconds: self.began.elapsed().as_secs_f64(),
            response_bytes: None,
        });
    }
}

/// What Go's library counts if nothing was answered.
const CLIENT_GONE: u16 = 200;

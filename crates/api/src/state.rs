//! What all requests share: the backend, the operator's settings and the limits.
//!
//! In: the backend and [`ApiSettings`]. Out: [`AppState`], which runs the work of a request within
//! the limits of number and time, and reports each answer to the backend as an [`Observation`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use bellwether_connect::{Connect, ConnectSettings};
use bellwether_model::MatcherMode;
use bellwether_model::duration::format_go;
use bellwether_model::matcher::Compile;
use http::{Method, StatusCode};
use tokio::sync::Semaphore;
use tokio::time::{Instant as Deadline, timeout_at};

use crate::answer::{ApiError, text, text_error};
use crate::backend::{Backend, Observation};
use crate::body::{BodyFault, BodyReader};
use crate::body_budget::BodyBudget;
use crate::cors::CrossOrigin;
use crate::limits::{ConcurrencyLimit, Permit};
use crate::patterns::{Busy, Compiled, Patterns};
use crate::rpc_backend::RpcBackend;

/// What the operator sets by flags.
#[derive(Clone, Debug)]
pub struct ApiSettings {
    /// `/`, or a path that begins with a slash and does not end in one (`--web.route-prefix`).
    pub route_prefix: String,
    /// Limit: GETs under way; 0 for the default (`--web.get-concurrency`).
    pub get_concurrency: usize,
    /// Limit: time for one answer (`--web.timeout`).
    pub timeout: Option<Duration>,
    pub matcher_mode: MatcherMode,
    /// Limit: length of a request's body.
    pub body_bytes_max: usize,
    /// Whether receivers may be tested (`--web.enable-receiver-test`).
    pub receiver_test: bool,
    /// Limits of remote procedure calls.
    pub connect: ConnectSettings,
    /// `None`: no web page of another origin may use the API (`--web.cors.origin`).
    pub cross_origin: Option<CrossOrigin>,
}

/// A request that may be worked on.
pub(crate) struct Admitted<B: Backend> {
    /// Only for GETs.
    pub permit: Option<Permit<B>>,
    /// When its time is over (`--web.timeout`).
    pub deadline: Option<Deadline>,
    /// Whether there was a body that nobody asks for; `None` if the body is still to be read.
    pub skipped: Option<Result<bool, BodyFault>>,
}

/// What all requests share.
pub(crate) struct AppState<B: Backend> {
    pub backend: Arc<B>,
    pub settings: ApiSettings,
    /// Limit: concurrent GETs.
    get_limit: ConcurrencyLimit<B>,
    /// Limit: bytes of all bodies that are being read, decoded or answered.
    body_budget: BodyBudget,
    /// Limit: what compiling the patterns of requests takes.
    patterns: Patterns,
    pub connect: Arc<Connect<RpcBackend<B>>>,
    /// Limit: one receiver test at a time.
    pub test_slot: Arc<Semaphore>,
}

impl<B: Backend> AppState<B> {
    pub fn new(backend: Arc<B>, settings: ApiSettings) -> Self {
        let get_limit = ConcurrencyLimit::new(backend.clone(), settings.get_concurrency);
        let test_slot = Arc::new(Semaphore::new(1));
        let body_budget = BodyBudget::new(BODIES_BYTES_MAX);
        let patterns = Patterns::new();
        let rpc_backend = Arc::new(RpcBackend(Arc::clone(&backend)));
        let connect = Arc::new(Connect::new(rpc_backend, settings.connect.clone()));
        AppState { backend, settings, get_limit, body_budget, patterns, connect, test_slot }
    }

    /// Runs `work` within the limits of number and time.
    pub async fn guard<F>(
        &self,
        request: Request,
        work: impl FnOnce(Request, Admitted<B>) -> F,
    ) -> Response
    where
        F: Future<Output = Response> + Send + 'static,
    {
        let deadline = self.settings.timeout.map(|timeout| Deadline::now() + timeout);
        // Before there is a permit: who sends half a body takes it from nobody.
        let (request, skipped) = self.skip_body(request, deadline).await;
        let method = request.method();
        // Only reads are limited: alerts are never rejected because there are many.
        let permit = if *method == Method::GET { self.get_limit.try_acquire() } else { None };
        if *method == Method::GET && permit.is_none() {
            let limit = self.get_limit.limit;
            let body =
                format!("Limit of concurrent GET requests reached ({limit}), try again later.\n\n");
            return text_error(StatusCode::SERVICE_UNAVAILABLE, body);
        }
        let work = work(request, Admitted { permit, deadline, skipped });
        let (Some(timeout), Some(deadline)) = (self.settings.timeout, deadline) else {
            return work.await;
        };
        // The work goes on after the timeout, so that no command is interrupted half-way; only the
        // body is not read any further.
        let done = timeout_at(deadline, tokio::spawn(work)).await;
        match done {
            Ok(Ok(response)) if Deadline::now() < deadline => response,
            Ok(Err(_)) => text_error(StatusCode::INTERNAL_SERVER_ERROR, "internal error\n"),
            Ok(Ok(_)) | Err(_) => {
                let nanos = i64::try_from(timeout.as_nanos()).unwrap_or(i64::MAX);
                let body = format!("Exceeded configured timeout of {}.\n", format_go(nanos));
                text(StatusCode::SERVICE_UNAVAILABLE, body)
            }
        }
    }

    /// Reads the body of a request whose method has none, and keeps nothing of it.
    async fn skip_body(
        &self,
        request: Request,
        deadline: Option<Deadline>,
    ) -> (Request, Option<Result<bool, BodyFault>>) {
        if request.method() == Method::POST {
            return (request, None);
        }
        if request.body().is_end_stream() {
            return (request, Some(Ok(false)));
        }
        let (parts, body) = request.into_parts();
        let reader = self.body_reader(self.settings.body_bytes_max, deadline);
        let skipped = reader.skip(&parts.headers, body).await;
        (Request::from_parts(parts, Body::empty()), Some(skipped))
    }

    /// Reads a body of at most so many bytes.
    pub fn body_reader(&self, bytes_max: usize, deadline: Option<Deadline>) -> BodyReader<'_> {
        BodyReader { budget: &self.body_budget, bytes_max, deadline }
    }

    /// Runs what reads the matchers of a request, which may be twice; it compiles patterns by what it is
    /// given.
    pub async fn compile<T: Send + 'static>(
        &self,
        read: impl Fn(Compile<'_>) -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let refused = |reason| self.backend.observe(Observation::PatternsRefused { reason });
        match self.patterns.compile(read).await {
            Ok(Compiled { value, is_over_limit }) => {
                if is_over_limit {
                    refused("too_large");
                }
                Ok(value)
            }
            Err(Busy) => {
                refused("busy");
                let message = "too many regular expressions are being compiled, try again later";
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Err(ApiError::Refused { status, message: message.into() })
            }
        }
    }

    /// Reports a body that was not read; returns the answer.
    pub fn refuse_body(&self, fault: BodyFault) -> ApiError {
        let reason = match &fault {
            BodyFault::Refused(_) | BodyFault::Ended(_) => None,
            BodyFault::NoProgress => Some("no_progress"),
            BodyFault::TimedOut => Some("timeout"),
            BodyFault::NoRoom(_) => Some("no_room"),
        };
        if let Some(reason) = reason {
            self.backend.observe(Observation::BodyAbandoned { reason });
        }
        fault.into_error()
    }

    pub fn observe(
        &self,
        handler: &str,
        method: &Method,
        response: &Response,
        started: Instant,
        response_bytes: Option<u64>,
    ) {
        self.backend.observe(Observation::Request {
            handler: handler.to_string(),
            method: method_label(method),
            code: response.status().as_u16(),
            seconds: started.elapsed().as_secs_f64(),
            response_bytes,
        });
    }
}

/// The label of the HTTP metrics: made-up methods share one.
pub(crate) fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "get",
        Method::PUT => "put",
        Method::HEAD => "head",
        Method::POST => "post",
        Method::DELETE => "delete",
        Method::CONNECT => "connect",
        Method::OPTIONS => "options",
        Method::TRACE => "trace",
        Method::PATCH => "patch",
        _ => "unknown",
    }
}

impl Default for ApiSettings {
    fn default() -> Self {
        ApiSettings {
            route_prefix: "/".into(),
            get_concurrency: 0,
            timeout: None,
            matcher_mode: MatcherMode::default(),
            body_bytes_max: BODY_BYTES_MAX,
            receiver_test: false,
            connect: ConnectSettings::default(),
            cross_origin: None,
        }
    }
}

/// Limit: length of a request's body, unless the settings override it: about 100,000 alerts.
pub const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Limit: bytes of all bodies that are being read, decoded or answered.
const BODIES_BYTES_MAX: usize = 256 * 1024 * 1024;

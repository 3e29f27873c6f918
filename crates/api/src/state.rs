//! What all requests share: the backend, the operator's settings and the limits.
//!
//! In: the backend and [`ApiSettings`]. Out: [`AppState`], which runs the work of a request within
//! the limits of number and time, and reports each answer to the backend as an [`Observation`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::response::Response;
use bellwether_model::MatcherMode;
use bellwether_model::duration::format_go;
use http::{Method, StatusCode};
use tokio::sync::Semaphore;

use crate::answer::{text, text_error};
use crate::backend::{Backend, Observation};
use crate::limits::{BodyBudget, ConcurrencyLimit, Permit};

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
}

/// What all requests share.
pub(crate) struct AppState<B: Backend> {
    pub backend: Arc<B>,
    pub settings: ApiSettings,
    /// Limit: concurrent GETs.
    get_limit: ConcurrencyLimit<B>,
    /// Limit: bytes of all bodies that are being read or decoded.
    pub body_budget: BodyBudget,
    /// Limit: one receiver test at a time.
    pub test_slot: Arc<Semaphore>,
}

impl<B: Backend> AppState<B> {
    pub fn new(backend: Arc<B>, settings: ApiSettings) -> Self {
        let get_limit = ConcurrencyLimit::new(backend.clone(), settings.get_concurrency);
        let test_slot = Arc::new(Semaphore::new(1));
        let body_budget = BodyBudget::default();
        AppState { backend, settings, get_limit, body_budget, test_slot }
    }

    /// Runs `work` within the limits of number and time.
    pub async fn guard<F>(
        &self,
        method: &Method,
        work: impl FnOnce(Option<Permit<B>>) -> F,
    ) -> Response
    where
        F: Future<Output = Response> + Send + 'static,
    {
        // Only reads are limited: alerts are never rejected because there are many.
        let permit = if *method == Method::GET { self.get_limit.try_acquire() } else { None };
        if *method == Method::GET && permit.is_none() {
            let limit = self.get_limit.limit;
            let body =
                format!("Limit of concurrent GET requests reached ({limit}), try again later.\n\n");
            return text_error(StatusCode::SERVICE_UNAVAILABLE, body);
        }
        let work = work(permit);
        let Some(timeout) = self.settings.timeout else { return work.await };
        // The work goes on after the timeout, so that no command is interrupted half-way.
        match tokio::time::timeout(timeout, tokio::spawn(work)).await {
            Ok(Ok(response)) => response,
            Ok(Err(_)) => text_error(StatusCode::INTERNAL_SERVER_ERROR, "internal error\n"),
            Err(_) => {
                let nanos = i64::try_from(timeout.as_nanos()).unwrap_or(i64::MAX);
                let body = format!("Exceeded configured timeout of {}.\n", format_go(nanos));
                text(StatusCode::SERVICE_UNAVAILABLE, body)
            }
        }
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
fn method_label(method: &Method) -> &'static str {
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
        }
    }
}

/// Limit: length of a request's body, unless the settings override it: about 100,000 alerts.
pub const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

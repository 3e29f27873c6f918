//! The door that every request goes through: limits, metrics, and the way to page or API.
//!
//! In: an HTTP request. Out: the answer, and an [`Observation`] of it. Nothing is decided here that
//! a page or the API could decide.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::response::Response;
use bellwether_model::MatcherMode;
use bellwether_model::duration::format_go;
use http::header::{ALLOW, HeaderValue, LOCATION};
use http::{Method, StatusCode};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use tokio::sync::Semaphore;

use crate::answer::{empty, not_found, text, text_error, typed};
use crate::backend::{Backend, Observation};
use crate::limits::{BodyBudget, ConcurrencyLimit, Permit};
use crate::paths::{ApiPath, Destination, resolve};
use crate::{api, pages};

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

/// All that a request may need.
pub(crate) struct AppState<B: Backend> {
    pub backend: Arc<B>,
    pub settings: ApiSettings,
    get_limit: ConcurrencyLimit<B>,
    pub body_budget: BodyBudget,
    /// Limit: tests of receivers under way.
    pub test_slot: Arc<Semaphore>,
}

/// The service for all paths, to be served by the caller on its listeners.
pub fn router<B: Backend>(backend: Arc<B>, settings: ApiSettings) -> axum::Router {
    let get_limit = ConcurrencyLimit::new(backend.clone(), settings.get_concurrency);
    let test_slot = Arc::new(Semaphore::new(1));
    let state = Arc::new(AppState {
        backend,
        settings,
        get_limit,
        body_budget: BodyBudget::default(),
        test_slot,
    });
    axum::Router::new().fallback(answer::<B>).with_state(state)
}

async fn answer<B: Backend>(State(state): State<Arc<AppState<B>>>, request: Request) -> Response {
    let method = request.method().clone();
    if request.uri().path() == "*" {
        let ok = method == Method::OPTIONS;
        return empty(if ok { StatusCode::OK } else { StatusCode::BAD_REQUEST });
    }
    let path = percent_decode_str(request.uri().path()).decode_utf8_lossy();
    match resolve(&method, &path, &state.settings.route_prefix) {
        Destination::Redirect { status, path } => {
            redirect(&method, status, &path, request.uri().query())
        }
        Destination::Api => {
            let path = ApiPath::parse(request.uri().path(), &state.settings.route_prefix);
            let handler = ApiPath::handler(path.as_ref());
            let started = Instant::now();
            let guarded = state.clone();
            let response = state
                .guard(&method, move |permit| api::answer(guarded, path, request, permit))
                .await;
            state.observe(handler, &method, &response, started, None);
            response
        }
        destination => {
            let inner = state.clone();
            state.guard(&method, move |permit| page(inner, destination, request, permit)).await
        }
    }
}

/// Answers what is not API; the permit is held until then.
async fn page<B: Backend>(
    state: Arc<AppState<B>>,
    destination: Destination,
    request: Request,
    _permit: Option<Permit<B>>,
) -> Response {
    let (parts, body) = request.into_parts();
    let method = parts.method.clone();
    let started = Instant::now();
    let (handler, response) = match destination {
        Destination::Page(page) => {
            let response = pages::answer(&state, page.kind, parts, body).await;
            (page.handler, response)
        }
        Destination::Root => {
            let prefix = &state.settings.route_prefix;
            ("/", redirect(&method, StatusCode::FOUND, prefix, None))
        }
        Destination::Options { allowed } => return allowing(empty(StatusCode::OK), &allowed),
        Destination::MethodNotAllowed { allowed } => {
            let refusal = text_error(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n");
            return allowing(refusal, &allowed);
        }
        Destination::NotFound | Destination::Api | Destination::Redirect { .. } => {
            return not_found();
        }
    };
    let length = response.body().size_hint().exact();
    state.observe(handler, &method, &response, started, length);
    response
}

impl<B: Backend> AppState<B> {
    /// Runs `work` within the limits of number and time.
    async fn guard<F>(&self, method: &Method, work: impl FnOnce(Option<Permit<B>>) -> F) -> Response
    where
        F: Future<Output = Response> + Send + 'static,
    {
        // Only reads are limited: alerts are never turned away for being many.
        let permit = if *method == Method::GET { self.get_limit.try_acquire() } else { None };
        if *method == Method::GET && permit.is_none() {
            let limit = self.get_limit.limit;
            let body =
                format!("Limit of concurrent GET requests reached ({limit}), try again later.\n\n");
            return text_error(StatusCode::SERVICE_UNAVAILABLE, body);
        }
        let work = work(permit);
        let Some(timeout) = self.settings.timeout else { return work.await };
        // The work goes on when its time is over, so that no command is torn in half.
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

    fn observe(
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

fn allowing(mut response: Response, allowed: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(allowed) {
        response.headers_mut().insert(ALLOW, value);
    }
    response
}

/// As Go's `http.Redirect`: a link in the body for those who read, none for the others.
fn redirect(method: &Method, status: StatusCode, path: &str, query: Option<&str>) -> Response {
    let mut location = utf8_percent_encode(path, ESCAPED).to_string();
    if let Some(query) = query {
        location.push('?');
        location.push_str(query);
    }
    let mut response = match *method {
        Method::GET => {
            let words = status.canonical_reason().unwrap_or_default();
            let link = location.replace('&', "&amp;").replace('"', "&#34;");
            let body = format!("<a href=\"{link}\">{words}</a>.\n\n");
            typed(status, HTML, body)
        }
        Method::HEAD => typed(status, HTML, Body::empty()),
        _ => empty(status),
    };
    match HeaderValue::from_str(&location) {
        Ok(value) => {
            response.headers_mut().insert(LOCATION, value);
            response
        }
        Err(_) => not_found(),
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

/// Limit: length of a request's body, unless the settings say otherwise: 100,000 alerts or so.
pub const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What may not stand in the path of a link.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'%')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'\\')
    .add(b'^')
    .add(b'|');

const HTML: &str = "text/html; charset=utf-8";

//! The entry point of every request: limits, metrics, and dispatch to a page or the API.
//!
//! In: an HTTP request. Out: the response, which is also reported as an observation.

use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::response::Response;
use bellwether_connect::is_grpc;
use bellwether_encoding::html::escape;
use http::header::{ALLOW, HeaderValue, LOCATION};
use http::{Method, StatusCode};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::answer::{empty, not_found, text_error, typed};
use crate::backend::Backend;
use crate::heads::query;
use crate::paths::{ApiPath, Asked, Destination, Page, PageKind, resolve};
use crate::state::{Admitted, ApiSettings, AppState};
use crate::{api, pages, rpc};

/// The service for all paths, to be served by the caller on its listeners.
pub fn router<B: Backend>(backend: Arc<B>, settings: ApiSettings) -> axum::Router {
    let state = Arc::new(AppState::new(backend, settings));
    axum::Router::new().fallback(answer::<B>).with_state(state)
}

async fn answer<B: Backend>(State(state): State<Arc<AppState<B>>>, request: Request) -> Response {
    let method = request.method().clone();
    if request.uri().path() == "*" {
        let ok = method == Method::OPTIONS;
        return empty(if ok { StatusCode::OK } else { StatusCode::BAD_REQUEST });
    }
    if method == Method::CONNECT && request.uri().path().is_empty() {
        return not_found();
    }
    let path = percent_decode_str(request.uri().path()).decode_utf8_lossy();
    let asked = match is_grpc(request.version(), request.headers()) {
        true => Asked::Grpc,
        false => Asked::Other,
    };
    match resolve(&method, asked, &path, &state.settings.route_prefix) {
        Destination::Rpc { path } => rpc::answer(&state, &path, asked, request).await,
        Destination::Redirect { status, path } => {
            redirect(&method, status, &path, query(request.uri(), request.headers()))
        }
        Destination::Api => {
            let path = ApiPath::parse(request.uri().path(), &state.settings.route_prefix);
            let handler = ApiPath::handler(path.as_ref());
            let started = Instant::now();
            let guarded = state.clone();
            let response = state
                .guard(request, move |request, admitted| {
                    api::answer(guarded, path, request, admitted)
                })
                .await;
            state.observe(handler, &method, &response, started, None);
            response
        }
        destination => {
            let inner = state.clone();
            let work = move |request, admitted| page(inner, destination, request, admitted);
            state.guard(request, work).await
        }
    }
}

/// Answers what is not API; the permit is held until then.
async fn page<B: Backend>(
    state: Arc<AppState<B>>,
    destination: Destination,
    request: Request,
    Admitted { permit: _permit, deadline, skipped: _ }: Admitted<B>,
) -> Response {
    let (parts, body) = request.into_parts();
    let method = parts.method.clone();
    let started = Instant::now();
    let (handler, response) = match destination {
        Destination::Page(Page { kind: PageKind::Interface, handler }) => {
            let path = format!("{}/", percent_decode_str(parts.uri.path()).decode_utf8_lossy());
            (handler, redirect(&method, StatusCode::FOUND, &path, None))
        }
        Destination::Root => {
            let prefix = &state.settings.route_prefix;
            ("/", redirect(&method, StatusCode::FOUND, prefix, None))
        }
        Destination::Page(page) => {
            let response = pages::answer(&state, page.kind, parts, body, deadline).await;
            (page.handler, response)
        }
        Destination::Options { allowed } => return allowing(empty(StatusCode::OK), &allowed),
        Destination::MethodNotAllowed { allowed } => {
            let refusal = text_error(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n");
            return allowing(refusal, &allowed);
        }
        Destination::NotFound
        | Destination::Api
        | Destination::Rpc { .. }
        | Destination::Redirect { .. } => {
            return not_found();
        }
    };
    let length = response.body().size_hint().exact();
    state.observe(handler, &method, &response, started, length);
    response
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
            let link = escape(&location);
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

/// Bytes that must be escaped in the path of a link.
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

//! The API, version 2: from a request to one of its six paths to a JSON answer.
//!
//! In: path, method, headers, body. Out: JSON. The order of the checks is upstream's: path, method,
//! type of the body, type of the answer, then the parameters of the path.
//!
//! Reads take a view, and their answers are written outside the threads that serve connections, so
//! that a large answer does not delay other requests.

use std::sync::Arc;

use axum::body::HttpBody;
use axum::extract::Request;
use axum::response::Response;
use bellwether_engine::{AlertQuery, GroupQuery, ReceiverFilter, View};
use bellwether_model::quote::quoted;
use bellwether_model::{MatcherMode, Timestamp};
use http::header::{CACHE_CONTROL, HeaderValue, ORIGIN};
use http::{Method, StatusCode};

use crate::answer::{ApiError, JSON, empty, json, typed};
use crate::backend::{Backend, Observation};
use crate::body::read_body;
use crate::body_writer::BodyWriter;
use crate::limits::Permit;
use crate::negotiate::check_accept;
use crate::paths::ApiPath;
use crate::query::{Filters, Query};
use crate::silences::SilenceQuery;
use crate::state::AppState;
use crate::{alerts, cors, listing, silences};

/// Answers one request; `None` means that the path does not exist.
pub(crate) async fn answer<B: Backend>(
    state: Arc<AppState<B>>,
    path: Option<ApiPath>,
    request: Request,
    permit: Option<Permit<B>>,
) -> Response {
    let method = request.method().clone();
    if let Some(response) = cors::preflight(&method, request.headers()) {
        return response;
    }
    let has_origin = request.headers().contains_key(ORIGIN);
    let mut response = match dispatch(&state, path, request, permit).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    cors::decorate(&mut response, &method, has_origin);
    response
}

async fn dispatch<B: Backend>(
    state: &AppState<B>,
    path: Option<ApiPath>,
    request: Request,
    permit: Option<Permit<B>>,
) -> Result<Response, ApiError> {
    let Some(path) = path else {
        let path = request.uri().path();
        let path = path.strip_prefix(state.settings.route_prefix.trim_end_matches('/'));
        let path = path.unwrap_or_default();
        return Err(ApiError::framework(404, format!("path {path} was not found")));
    };
    let (parts, body) = request.into_parts();
    if !path.allowed().split(',').any(|method| parts.method.as_str() == method) {
        return Err(ApiError::Method { method: parts.method, allowed: path.allowed() });
    }
    let body_budget =
        state.body_budget.reserve(body.size_hint().exact(), state.settings.body_bytes_max).await;
    let body = read_body(&parts.headers, body, state.settings.body_bytes_max).await?;
    if body.is_empty() {
        check_accept(&parts.headers)?;
    }
    let query = Query::parse(parts.uri.query());
    let mode = state.settings.matcher_mode;
    let backend = &*state.backend;
    match (path, parts.method) {
        (ApiPath::Alerts, Method::POST) => {
            let posted = alerts::post(backend, body, mode).await;
            drop(body_budget);
            posted.map(|()| empty(StatusCode::OK))
        }
        (ApiPath::Silences, Method::POST) => silences::post(backend, body, mode).await.map(ok),
        (ApiPath::Silence { id }, method) => {
            if !silences::is_uuid(&id) {
                let message = format!("silenceID in path must be of type uuid: {}", quoted(&id));
                return Err(ApiError::framework(601, message));
            }
            if method == Method::DELETE {
                return silences::expire(backend, id).await.map(|()| empty(StatusCode::OK));
            }
            read(backend, permit, move |view, now| silences::one(view, now, &id)).await
        }
        (ApiPath::Status, _) => Ok(ok(listing::status(&backend.status()))),
        (ApiPath::Receivers, _) => {
            let Filters { matchers, warnings } = query.receiver_matchers(mode)?;
            warn(backend, warnings);
            let filter = ReceiverFilter { name: None, labels: matchers };
            read(backend, permit, move |view, _| Ok(listing::receivers(view, &filter))).await
        }
        (ApiPath::Alerts, _) => {
            let query = alert_query(backend, &query, mode)?;
            stream(backend, permit, move |view, now, out| listing::alerts(view, now, &query, out))
                .await
        }
        (ApiPath::Groups, _) => {
            let alerts = alert_query(backend, &query, mode)?;
            let query = GroupQuery { alerts, muted: query.flag("muted") };
            stream(backend, permit, move |view, now, out| listing::groups(view, now, &query, out))
                .await
        }
        (ApiPath::Silences, _) => {
            let filters = filters(backend, &query, mode)?;
            let query = SilenceQuery::new(&query, filters.matchers);
            read(backend, permit, move |view, now| silences::list(view, now, &query)).await
        }
    }
}

/// Runs a read outside the threads that serve connections.
async fn read<B: Backend>(
    backend: &B,
    permit: Option<Permit<B>>,
    write: impl FnOnce(&View, Timestamp) -> Result<String, ApiError> + Send + 'static,
) -> Result<Response, ApiError> {
    let view = backend.view().await.map_err(|error| ApiError::internal(error.to_string()))?;
    let now = backend.now();
    let written = tokio::task::spawn_blocking(move || {
        let written = write(&view, now);
        drop(permit);
        written
    });
    written.await.map_err(|error| ApiError::internal(error.to_string()))?.map(ok)
}

/// Runs a read outside the threads that serve connections, and streams what it writes.
async fn stream<B: Backend>(
    backend: &B,
    permit: Option<Permit<B>>,
    write: impl FnOnce(&View, Timestamp, &mut BodyWriter) + Send + 'static,
) -> Result<Response, ApiError> {
    let view = backend.view().await.map_err(|error| ApiError::internal(error.to_string()))?;
    let now = backend.now();
    let (mut writer, body) = BodyWriter::new();
    tokio::task::spawn_blocking(move || {
        write(&view, now, &mut writer);
        // Before the last piece is sent: the client may send its next request as soon as it has it.
        drop(permit);
        writer.finish();
    });
    let body = body.await.map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(typed(StatusCode::OK, JSON, body))
}

fn alert_query<B: Backend>(
    backend: &B,
    query: &Query,
    mode: MatcherMode,
) -> Result<AlertQuery, ApiError> {
    let Filters { matchers, .. } = filters(backend, query, mode)?;
    let (receivers, warnings) = query.receivers(mode)?;
    warn(backend, warnings);
    Ok(AlertQuery {
        filters: matchers,
        active: query.flag("active"),
        silenced: query.flag("silenced"),
        inhibited: query.flag("inhibited"),
        receivers,
    })
}

fn filters<B: Backend>(backend: &B, query: &Query, mode: MatcherMode) -> Result<Filters, ApiError> {
    let mut filters = query.filters("filter", mode).map_err(ApiError::bad_request)?;
    warn(backend, std::mem::take(&mut filters.warnings));
    Ok(filters)
}

fn warn<B: Backend>(backend: &B, warnings: Vec<String>) {
    for warning in warnings {
        backend.observe(Observation::MatcherWarning(warning));
    }
}

fn ok(body: String) -> Response {
    json(StatusCode::OK, body)
}

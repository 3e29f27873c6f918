//! The API, version 2: from a request to one of its six paths to a JSON answer.
//!
//! In: path, method, headers, body. Out: JSON. The order of the checks is upstream's: path, method,
//! type of the body, type of the answer, then the parameters of the path.
//!
//! Reads take a view, and their answers are written outside the threads that serve connections, so
//! that a large answer does not delay other requests.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bellwether_engine::{AlertQuery, GroupQuery, ReceiverFilter, View};
use bellwether_model::matcher::Compile;
use bellwether_model::quote::quoted;
use bellwether_model::{MatcherMode, Timestamp};
use http::header::{CACHE_CONTROL, HeaderValue};
use http::request::Parts;
use http::{Method, StatusCode, Uri};
use percent_encoding::percent_decode_str;
use tokio::time::Instant;

use crate::answer::{ApiError, JSON, empty, json, saved, typed};
use crate::backend::{Backend, Observation};
use crate::body::{BodyFault, HeldBody};
use crate::body_writer::BodyWriter;
use crate::caller::Caller;
use crate::limits::Permit;
use crate::negotiate::check_accept;
use crate::paths::ApiPath;
use crate::query::{Filters, Query};
use crate::refusal::Refusal;
use crate::silences::SilenceQuery;
use crate::state::{Admitted, AppState};
use crate::{alerts, heads, listing, silences};

/// Answers one request; `None` means that the path does not exist.
pub(crate) async fn answer<B: Backend>(
    state: Arc<AppState<B>>,
    path: Option<ApiPath>,
    request: Request,
    admitted: Admitted<B>,
) -> Response {
    let answer = async |request| {
        let mut response = match dispatch(&state, path, request, admitted).await {
            Ok(response) => response,
            Err(error) => error.into_response(),
        };
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    };
    match &state.settings.cross_origin {
        Some(cross_origin) => cross_origin.around(request, answer).await,
        None => answer(request).await,
    }
}

async fn dispatch<B: Backend>(
    state: &AppState<B>,
    path: Option<ApiPath>,
    request: Request,
    Admitted { permit, deadline, skipped }: Admitted<B>,
) -> Result<Response, ApiError> {
    let sent = unprefixed(state, request.uri());
    let Some(path) = path else {
        return Err(ApiError::framework(404, format!("path {sent} was not found")));
    };
    let (parts, body) = request.into_parts();
    if !path.allowed().split(',').any(|method| parts.method.as_str() == method) {
        return Err(ApiError::Method { method: parts.method, allowed: path.allowed() });
    }
    let body = read_body(state, &parts, body, skipped, deadline).await?;
    let query = Query::parse(heads::query(&parts.uri, &parts.headers));
    let mode = state.settings.matcher_mode;
    let backend = &*state.backend;
    let sent = percent_decode_str(&sent).decode_utf8_lossy().into_owned();
    let caller = Caller { backend, path: sent, method: parts.method };
    match (path, caller.method.clone()) {
        (ApiPath::Alerts, Method::POST) => {
            let posted = alerts::post(&caller, body, mode).await;
            posted.map(|on| saved(empty(StatusCode::OK), on))
        }
        (ApiPath::Silences, Method::POST) => {
            let posted = silences::post(&caller, state, body, mode).await;
            posted.map(|(answer, on)| saved(ok(answer), on))
        }
        (ApiPath::Silence { id }, _) => one_silence(&caller, permit, id).await,
        (ApiPath::Status, _) => Ok(ok(listing::status(&backend.status()))),
        (ApiPath::Receivers, _) => {
            // Compat: the only list whose wrong parameters are not logged.
            let parse =
                move |compile: Compile<'_>| query.filters("receiver_matchers", mode, compile);
            let filters = state.compile(parse).await?.map_err(|error| {
                ApiError::bad_request(format!("failed to parse receiver_matchers param: {error}"))
            })?;
            warn(backend, filters.warnings);
            let filter = ReceiverFilter { name: None, labels: filters.matchers };
            read(&caller, permit, move |view, _| Ok(listing::receivers(view, &filter))).await
        }
        (ApiPath::Alerts, _) => {
            let query = alert_query(&caller, state, query, mode).await?;
            stream(backend, permit, move |view, now, out| listing::alerts(view, now, &query, out))
                .await
        }
        (ApiPath::Groups, _) => {
            let muted = query.flag("muted");
            let alerts = alert_query(&caller, state, query, mode).await?;
            let query = GroupQuery { alerts, muted };
            stream(backend, permit, move |view, now, out| listing::groups(view, now, &query, out))
                .await
        }
        (ApiPath::Silences, _) => {
            let text = query.clone();
            let parse = move |compile: Compile<'_>| text.filters("filter", mode, compile);
            let filters = filters(&caller, state.compile(parse).await?)?;
            let query = SilenceQuery::new(&query, filters.matchers);
            read(&caller, permit, move |view, now| silences::list(view, now, &query)).await
        }
    }
}

/// Shows or expires the silence with this id.
async fn one_silence<B: Backend>(
    caller: &Caller<'_, B>,
    permit: Option<Permit<B>>,
    id: String,
) -> Result<Response, ApiError> {
    if !silences::is_uuid(&id) {
        let message = format!("silenceID in path must be of type uuid: {}", quoted(&id));
        return Err(ApiError::framework(601, message));
    }
    if caller.method == Method::DELETE {
        let expired = silences::expire(caller, id).await;
        return expired.map(|on| saved(empty(StatusCode::OK), on));
    }
    read(caller, permit, move |view, now| silences::one(view, now, &id)).await
}

/// The body, or that there was one; its type and that of the answer are checked.
async fn read_body<B: Backend>(
    state: &AppState<B>,
    parts: &Parts,
    body: Body,
    skipped: Option<Result<bool, BodyFault>>,
    deadline: Option<Instant>,
) -> Result<HeldBody, ApiError> {
    let body = match skipped {
        Some(skipped) => skipped.map(HeldBody::skipped),
        None => {
            let reader = state.body_reader(state.settings.body_bytes_max, deadline);
            reader.read(&parts.headers, body).await
        }
    };
    let body = body.map_err(|fault| state.refuse_body(fault))?;
    if !body.exists {
        check_accept(&parts.headers)?;
    }
    Ok(body)
}

/// The path without the prefix of all routes, as it was sent.
fn unprefixed<B: Backend>(state: &AppState<B>, uri: &Uri) -> String {
    let prefix = state.settings.route_prefix.trim_end_matches('/');
    uri.path().strip_prefix(prefix).unwrap_or_default().to_owned()
}

/// Runs a read outside the threads that serve connections.
async fn read<B: Backend>(
    caller: &Caller<'_, B>,
    permit: Option<Permit<B>>,
    write: impl FnOnce(&View, Timestamp) -> Result<String, Refusal> + Send + 'static,
) -> Result<Response, ApiError> {
    let backend = caller.backend;
    let view = backend.view().await.map_err(|error| ApiError::internal(error.to_string()))?;
    let now = backend.now();
    let written = tokio::task::spawn_blocking(move || {
        let written = write(&view, now);
        drop(permit);
        written
    });
    let written = written.await.map_err(|error| ApiError::internal(error.to_string()))?;
    written.map(ok).map_err(|refusal| caller.refuse(refusal))
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

async fn alert_query<B: Backend>(
    caller: &Caller<'_, B>,
    state: &AppState<B>,
    query: Query,
    mode: MatcherMode,
) -> Result<AlertQuery, ApiError> {
    let (active, silenced, inhibited) =
        (query.flag("active"), query.flag("silenced"), query.flag("inhibited"));
    let parse = move |compile: Compile<'_>| {
        (query.filters("filter", mode, compile), query.receivers(mode, compile))
    };
    let (found, receivers) = state.compile(parse).await?;
    let Filters { matchers, .. } = filters(caller, found)?;
    let (receivers, warnings) = receivers.map_err(|refusal| caller.refuse(refusal))?;
    warn(caller.backend, warnings);
    Ok(AlertQuery { filters: matchers, active, silenced, inhibited, receivers })
}

/// The filters of a list, once their errors and warnings are reported.
fn filters<B: Backend>(
    caller: &Caller<'_, B>,
    found: Result<Filters, String>,
) -> Result<Filters, ApiError> {
    let mut filters = found.map_err(|error| caller.refuse(Refusal::Filter { error }))?;
    warn(caller.backend, std::mem::take(&mut filters.warnings));
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

//! The API, version 2: from a request to one of its six paths to a JSON answer.
//!
//! In: path, method, headers, body. Out: JSON. The order of the checks is upstream's: path, method,
//! type of the body, type of the answer, then the parameters of the path.
//!
//! Reads take a view and are written beside the threads that serve connections, so that a large one
//! delays nobody.

use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use bellwether_engine::{AlertQuery, GroupQuery, ReceiverFilter, View};
use bellwether_model::quote::quoted;
use bellwether_model::{MatcherMode, Timestamp};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, HeaderValue, ORIGIN};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::answer::{ApiError, JSON, empty, json, typed};
use crate::door::Door;
use crate::gate::Pass;
use crate::house::{House, Observation};
use crate::negotiate::{check_accept, check_content_type};
use crate::outflow::Outflow;
use crate::paths::ApiPath;
use crate::query::{Filters, Query};
use crate::silences::SilenceQuery;
use crate::{alerts, cors, listing, silences};

/// Answers one request; `None` stands for a path that is not there.
pub(crate) async fn answer<H: House>(
    door: Arc<Door<H>>,
    path: Option<ApiPath>,
    request: Request,
    pass: Option<Pass<H>>,
) -> Response {
    let method = request.method().clone();
    if let Some(response) = cors::preflight(&method, request.headers()) {
        return response;
    }
    let has_origin = request.headers().contains_key(ORIGIN);
    let mut response = match dispatch(&door, path, request, pass).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    cors::decorate(&mut response, &method, has_origin);
    response
}

async fn dispatch<H: House>(
    door: &Door<H>,
    path: Option<ApiPath>,
    request: Request,
    pass: Option<Pass<H>>,
) -> Result<Response, ApiError> {
    let Some(path) = path else {
        let path = request.uri().path();
        let path = path.strip_prefix(door.settings.route_prefix.trim_end_matches('/'));
        let path = path.unwrap_or_default();
        return Err(ApiError::misfit(404, format!("path {path} was not found")));
    };
    let (parts, body) = request.into_parts();
    if !path.allowed().split(',').any(|method| parts.method.as_str() == method) {
        return Err(ApiError::Method { method: parts.method, allowed: path.allowed() });
    }
    let room = door.room.take(body.size_hint().exact(), door.settings.body_bytes_max).await;
    let body = read_body(&parts.headers, body, door.settings.body_bytes_max).await?;
    if body.is_empty() {
        check_accept(&parts.headers)?;
    }
    let query = Query::parse(parts.uri.query());
    let mode = door.settings.matcher_mode;
    let house = &*door.house;
    match (path, parts.method) {
        (ApiPath::Alerts, Method::POST) => {
            let posted = alerts::post(house, body, mode).await;
            drop(room);
            posted.map(|()| empty(StatusCode::OK))
        }
        (ApiPath::Silences, Method::POST) => silences::post(house, body, mode).await.map(ok),
        (ApiPath::Silence { id }, method) => {
            if !silences::is_uuid(&id) {
                let message = format!("silenceID in path must be of type uuid: {}", quoted(&id));
                return Err(ApiError::misfit(601, message));
            }
            if method == Method::DELETE {
                return silences::expire(house, id).await.map(|()| empty(StatusCode::OK));
            }
            read(house, pass, move |view, now| silences::one(view, now, &id)).await
        }
        (ApiPath::Status, _) => Ok(ok(listing::status(&house.status()))),
        (ApiPath::Receivers, _) => {
            let Filters { matchers, warnings } = query.receiver_matchers(mode)?;
            warn(house, warnings);
            let filter = ReceiverFilter { name: None, labels: matchers };
            read(house, pass, move |view, _| Ok(listing::receivers(view, &filter))).await
        }
        (ApiPath::Alerts, _) => {
            let query = alert_query(house, &query, mode)?;
            stream(house, pass, move |view, now, out| listing::alerts(view, now, &query, out)).await
        }
        (ApiPath::Groups, _) => {
            let alerts = alert_query(house, &query, mode)?;
            let query = GroupQuery { alerts, muted: query.flag("muted") };
            stream(house, pass, move |view, now, out| listing::groups(view, now, &query, out)).await
        }
        (ApiPath::Silences, _) => {
            let filters = filters(house, &query, mode)?;
            let query = SilenceQuery::new(&query, filters.matchers);
            read(house, pass, move |view, now| silences::list(view, now, &query)).await
        }
    }
}

/// Runs a read beside the threads that serve connections.
async fn read<H: House>(
    house: &H,
    pass: Option<Pass<H>>,
    write: impl FnOnce(&View, Timestamp) -> Result<String, ApiError> + Send + 'static,
) -> Result<Response, ApiError> {
    let view = house.view().await.map_err(|error| ApiError::internal(error.to_string()))?;
    let now = house.now();
    let written = tokio::task::spawn_blocking(move || {
        let written = write(&view, now);
        drop(pass);
        written
    });
    written.await.map_err(|error| ApiError::internal(error.to_string()))?.map(ok)
}

/// Runs a read beside the threads that serve connections, and sends what it writes as it comes.
async fn stream<H: House>(
    house: &H,
    pass: Option<Pass<H>>,
    write: impl FnOnce(&View, Timestamp, &mut Outflow) + Send + 'static,
) -> Result<Response, ApiError> {
    let view = house.view().await.map_err(|error| ApiError::internal(error.to_string()))?;
    let now = house.now();
    let (mut outflow, body) = Outflow::new();
    tokio::task::spawn_blocking(move || {
        write(&view, now, &mut outflow);
        // Before the last piece leaves: whoever has it may ask again.
        drop(pass);
        outflow.finish();
    });
    let body = body.await.map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(typed(StatusCode::OK, JSON, body))
}

fn alert_query<H: House>(
    house: &H,
    query: &Query,
    mode: MatcherMode,
) -> Result<AlertQuery, ApiError> {
    let Filters { matchers, .. } = filters(house, query, mode)?;
    let (receivers, warnings) = query.receivers(mode)?;
    warn(house, warnings);
    Ok(AlertQuery {
        filters: matchers,
        active: query.flag("active"),
        silenced: query.flag("silenced"),
        inhibited: query.flag("inhibited"),
        receivers,
    })
}

fn filters<H: House>(house: &H, query: &Query, mode: MatcherMode) -> Result<Filters, ApiError> {
    let mut filters = query.filters("filter", mode).map_err(ApiError::bad_request)?;
    warn(house, std::mem::take(&mut filters.warnings));
    Ok(filters)
}

fn warn<H: House>(house: &H, warnings: Vec<String>) {
    for warning in warnings {
        house.observe(Observation::MatcherWarning(warning));
    }
}

/// Reads the body within its limit, if it claims to be JSON.
pub(crate) async fn read_body(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<Bytes, ApiError> {
    let too_large = || ApiError::misfit(413, format!("body is larger than {limit} bytes"));
    let announced = body.size_hint().exact();
    if announced == Some(0) {
        return Ok(Bytes::new());
    }
    if announced.is_some() {
        check_content_type(headers)?;
    }
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    match Limited::new(body, limit).collect().await {
        Ok(collected) => {
            let bytes = collected.to_bytes();
            if !bytes.is_empty() {
                check_content_type(headers)?;
            }
            Ok(bytes)
        }
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        // Most probably nobody is there to read this.
        Err(error) => Err(ApiError::misfit(400, format!("the body ended early: {error}"))),
    }
}

fn ok(body: String) -> Response {
    json(StatusCode::OK, body)
}

//! Everything that is not API: health, readiness, reload, metrics, and a page for people.
//!
//! In: which page. Out: its text. The user interface will take the place of the page for people.

use std::io::Write;

use axum::body::Body;
use axum::response::Response;
use bellwether_encoding::html::escape;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, EXPIRES, HeaderValue,
    PRAGMA, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use percent_encoding::percent_decode_str;
use tokio::time::Instant;

use crate::answer::{empty, json, not_found, text, text_error, typed, with_header};
use crate::backend::{Backend, Exposition, Observation};
use crate::heads::query;
use crate::negotiate::accepts_gzip;
use crate::paths::PageKind;
use crate::query::Query;
use crate::receiver_test;
use crate::state::AppState;

pub(crate) async fn answer<B: Backend>(
    state: &AppState<B>,
    kind: PageKind,
    request: Parts,
    body: Body,
    deadline: Option<Instant>,
) -> Response {
    let backend = &*state.backend;
    match kind {
        PageKind::Home => home(backend, ""),
        PageKind::InterfaceRoot => home(backend, "../"),
        // The router redirects it.
        PageKind::Interface => not_found(),
        PageKind::Asset => not_found(),
        PageKind::Metrics => metrics(backend, &request.headers).await,
        PageKind::Healthy if request.method == Method::HEAD => empty(StatusCode::OK),
        PageKind::Healthy => text(StatusCode::OK, "OK"),
        PageKind::Ready => ready(backend, &request),
        PageKind::Reload => reload(backend).await,
        PageKind::Debug if request.uri.path().contains("/debug/pprof") => {
            text_error(StatusCode::NOT_FOUND, NO_PROFILES)
        }
        PageKind::Debug => not_found(),
        PageKind::ReceiverTest => {
            receiver_test::answer(state, &request.headers, body, deadline).await
        }
        PageKind::OldApi => {
            let path = percent_decode_str(request.uri.path()).decode_utf8_lossy().into_owned();
            backend.observe(Observation::OldApi { path, method: request.method });
            json(StatusCode::GONE, OLD_API.to_string())
        }
    }
}

/// `?verbose` shows all checks, whatever came of them.
fn ready<B: Backend>(backend: &B, request: &Parts) -> Response {
    let readiness = backend.readiness();
    let status =
        if readiness.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    if request.method == Method::HEAD {
        return empty(status);
    }
    let verbose =
        Query::parse(query(&request.uri, &request.headers)).all("verbose").next().is_some();
    if readiness.is_ready() && !verbose {
        return text(StatusCode::OK, "OK");
    }
    let mut body = String::from(if readiness.is_ready() { "OK\n" } else { "not ready\n" });
    for check in &readiness.checks {
        match &check.problem {
            Some(problem) => body.push_str(&format!("[-] {}: {problem}\n", check.name)),
            None if verbose => {
                let remark = check.remark.iter().map(|remark| format!(": {remark}"));
                body.push_str(&format!("[+] {}{}\n", check.name, remark.collect::<String>()));
            }
            None => {}
        }
    }
    text(status, body)
}

async fn reload<B: Backend>(backend: &B) -> Response {
    match backend.reload().await {
        Ok(()) => empty(StatusCode::OK),
        Err(reason) => {
            let body = format!("failed to reload config: {reason}\n");
            text_error(StatusCode::INTERNAL_SERVER_ERROR, body)
        }
    }
}

async fn metrics<B: Backend>(backend: &B, headers: &HeaderMap) -> Response {
    let accept = headers.get(http::header::ACCEPT).and_then(|value| value.to_str().ok());
    let Exposition { content_type, body } = backend.metrics(accept).await;
    let content_type = HeaderValue::from_str(&content_type)
        .unwrap_or(HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    let mut response = if accepts_gzip(headers) {
        let packed = tokio::task::spawn_blocking(move || gzipped(&body)).await;
        let Ok(Ok(packed)) = packed else {
            return text_error(StatusCode::INTERNAL_SERVER_ERROR, "metrics cannot be packed\n");
        };
        with_header(Response::new(Body::from(packed)), CONTENT_ENCODING, "gzip")
    } else {
        Response::new(Body::from(body))
    };
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

fn gzipped(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(body)?;
    packer.finish()
}

/// Links are relative, so that they hold under any prefix and behind any proxy; `up` leads to the root.
fn home<B: Backend>(backend: &B, up: &str) -> Response {
    let status = backend.status();
    let state = if backend.readiness().is_ready() { "ready" } else { "not ready" };
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Bellwether</title></head>\n\
         <body>\n<h1>Bellwether</h1>\n\
         <p>This alert manager is <a href=\"{up}-/ready?verbose\">{state}</a>. It speaks the API of \
         Alertmanager {version}.</p>\n<ul>\n\
         <li><a href=\"{up}api/v2/alerts\">Alerts</a>, in <a href=\"{up}api/v2/alerts/groups\">groups</a>\n\
         <li><a href=\"{up}api/v2/silences\">Silences</a>\n\
         <li><a href=\"{up}api/v2/receivers\">Receivers</a>\n\
         <li><a href=\"{up}api/v2/status\">Status and configuration</a>\n\
         <li><a href=\"{up}metrics\">Metrics</a>\n</ul>\n</body>\n</html>\n",
        version = escape(&status.version.version),
    );
    let mut response = typed(StatusCode::OK, "text/html; charset=utf-8", page);
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-cache, no-store, must-revalidate"),
        (PRAGMA, "no-cache"),
        (EXPIRES, "0"),
    ] {
        response = with_header(response, name, value);
    }
    response
}

const NO_PROFILES: &str =
    "This is not a Go program: there are no pprof profiles. See /metrics for what it measures.\n";

const OLD_API: &str = "{\"status\":\"deprecated\",\"error\":\"The Alertmanager v1 API was deprecated \
     in version 0.16.0 and is removed as of version 0.27.0 - please use the equivalent route in the \
     v2 API\"}\n";

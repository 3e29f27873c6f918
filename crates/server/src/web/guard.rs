//! What every request passes before it is handled: rate limit, headers, password.
//!
//! In: a request to any path, health and metrics included. Out: the response of the API, or a
//! rejection in the Go server's words.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use tracing::info;

use super::passwords::{Credentials, Passwords, Verdict};
use super::rate::Bucket;
use super::{Web, WebSettings};
use crate::connections::ClientAddress;
use crate::metrics::Metrics;
use crate::restore::random;

struct Guard {
    web: Arc<Web>,
    bucket: Option<Bucket>,
    passwords: Passwords,
    metrics: Arc<Metrics>,
}

/// Protects `app` by the rules of the file; blocks on files.
pub fn protect(
    app: axum::Router,
    web: Arc<Web>,
    metrics: Arc<Metrics>,
) -> anyhow::Result<axum::Router> {
    let limit = web.0.now().value.config.rate_limit;
    let bucket = Bucket::new(limit, Instant::now());
    if bucket.is_some() {
        info!(burst = limit.burst, interval = ?limit.interval, "Rate Limiter is enabled.");
    }
    let passwords = Passwords::new(random()?);
    let guard = Guard { web, bucket, passwords, metrics };
    Ok(app.layer(from_fn_with_state(Arc::new(guard), pass)))
}

async fn pass(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let web = Arc::clone(&guard.web);
    let Ok(Some(settings)) = tokio::task::spawn_blocking(move || web.settings()).await else {
        return rejection(StatusCode::INTERNAL_SERVER_ERROR);
    };
    if guard.bucket.as_ref().is_some_and(|bucket| !bucket.take(Instant::now())) {
        return rejection(StatusCode::TOO_MANY_REQUESTS);
    }
    let client = request.extensions().get::<ClientAddress>().copied();
    let credentials = Credentials::of(request.headers());
    let mut response = match guard.verdict(credentials, &settings, client).await {
        Verdict::Right => next.run(request).await,
        Verdict::Wrong => {
            let mut response = rejection(StatusCode::UNAUTHORIZED);
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
            response
        }
        Verdict::Busy => {
            guard.metrics.password_checks_refused.increment();
            rejection(StatusCode::TOO_MANY_REQUESTS)
        }
    };
    for (name, value) in &settings.config.http.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            // Headers that the response already has take precedence.
            response.headers_mut().entry(name).or_insert(value);
        }
    }
    response
}

impl Guard {
    async fn verdict(
        &self,
        credentials: Option<Credentials>,
        settings: &WebSettings,
        client: Option<ClientAddress>,
    ) -> Verdict {
        let users = &settings.config.users;
        if users.is_empty() {
            return Verdict::Right;
        }
        let Some(credentials) = credentials else { return Verdict::Wrong };
        let client = client.map_or(Ipv4Addr::UNSPECIFIED.into(), ClientAddress::client);
        self.passwords.verify(credentials, users, client).await
    }
}

fn rejection(status: StatusCode) -> Response {
    let words = status.canonical_reason().unwrap_or_default();
    let mut response = Response::new(Body::from(format!("{words}\n")));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

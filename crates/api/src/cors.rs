//! Which web pages of other origins may use the API from a browser (`--web.cors.origin`): none,
//! unless the operator says which.
//!
//! In: a request to the API, and what answers it. Out: the answer with the headers that browsers ask
//! for; preflights are answered here. Without [`CrossOrigin`] nothing is answered and no header is
//! added: a browser then shows the answer to pages of the same origin only.

use axum::extract::Request;
use axum::response::Response;
use bellwether_model::regex::{Pattern, PatternError};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderName, HeaderValue, ORIGIN, VARY,
};
use http::{HeaderMap, Method, StatusCode};

use crate::answer::empty;

/// The origins whose pages may use the API, to read, to post and to delete, with any header but never
/// with the browser's credentials.
#[derive(Clone, Debug)]
pub struct CrossOrigin {
    origins: Pattern,
}

impl CrossOrigin {
    /// `origins` must match an origin from its start to its end, letter case included. `None` if it
    /// is empty.
    ///
    /// # Errors
    /// In the words of Go's `regexp`.
    pub fn parse(origins: &str) -> Result<Option<CrossOrigin>, PatternError> {
        if origins.is_empty() {
            return Ok(None);
        }
        Ok(Some(CrossOrigin { origins: Pattern::anchored(origins)? }))
    }

    /// Answers a request by `inner`, unless it is a preflight.
    pub async fn around<F: Future<Output = Response>>(
        &self,
        request: Request,
        inner: impl FnOnce(Request) -> F,
    ) -> Response {
        let asks = request.headers().get(ACCESS_CONTROL_REQUEST_METHOD);
        if *request.method() == Method::OPTIONS && asks.is_some_and(|method| !method.is_empty()) {
            return self.preflight(request.headers());
        }
        let origins = match may_use(request.method()) {
            true => self.allowed(request.headers()),
            false => Vec::new(),
        };
        let mut response = inner(request).await;
        let headers = response.headers_mut();
        let mut vary = vec![HeaderValue::from_static("Origin")];
        vary.extend(headers.get_all(VARY).iter().cloned());
        set(headers, VARY, vary);
        if !origins.is_empty() {
            set(headers, ACCESS_CONTROL_ALLOW_ORIGIN, origins);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        }
        response
    }

    fn preflight(&self, request: &HeaderMap) -> Response {
        let mut response = empty(StatusCode::NO_CONTENT);
        let headers = response.headers_mut();
        headers.insert(VARY, HeaderValue::from_static(PREFLIGHT_VARY));
        let origins = self.allowed(request);
        let method = request.get(ACCESS_CONTROL_REQUEST_METHOD);
        let method = method.and_then(|method| Method::from_bytes(method.as_bytes()).ok());
        if origins.is_empty() || !method.as_ref().is_some_and(may_use) {
            return response;
        }
        let sent = |name| request.get_all(name).iter().cloned().collect::<Vec<_>>();
        set(headers, ACCESS_CONTROL_ALLOW_ORIGIN, origins);
        set(headers, ACCESS_CONTROL_ALLOW_METHODS, sent(ACCESS_CONTROL_REQUEST_METHOD));
        let names = sent(ACCESS_CONTROL_REQUEST_HEADERS);
        if names.first().is_some_and(|first| !first.is_empty()) {
            set(headers, ACCESS_CONTROL_ALLOW_HEADERS, names);
        }
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE_SECONDS));
        response
    }

    /// The origin of a request as it was sent; empty if there is none, or it does not match.
    fn allowed(&self, request: &HeaderMap) -> Vec<HeaderValue> {
        let origins = request.get_all(ORIGIN);
        let Some(first) = origins.iter().next().filter(|first| !first.is_empty()) else {
            return Vec::new();
        };
        match self.origins.is_match(&String::from_utf8_lossy(first.as_bytes())) {
            true => origins.iter().cloned().collect(),
            false => Vec::new(),
        }
    }
}

/// Compat: `HEAD` may not, `OPTIONS` may.
fn may_use(method: &Method) -> bool {
    [Method::GET, Method::POST, Method::DELETE, Method::OPTIONS].contains(method)
}

fn set(headers: &mut HeaderMap, name: HeaderName, values: Vec<HeaderValue>) {
    headers.remove(&name);
    for value in values {
        headers.append(name.clone(), value);
    }
}

/// Pages may read these besides the usual ones: gRPC-Web puts its status there.
const EXPOSED: &str = "Grpc-Status, Grpc-Message, Grpc-Status-Details-Bin";
const MAX_AGE_SECONDS: &str = "600";
const PREFLIGHT_VARY: &str =
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";

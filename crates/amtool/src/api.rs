//! The client of a server's API v2.
//!
//! In: the server's URL and, from a file, how requests travel. Out: what was answered, or why not, in
//! the words of the Go client: `[GET /alerts][400] getAlertsBadRequest "…"`, or
//! `Get "http://…": dial tcp …`.

use std::time::Duration;

use bellwether_courier::{BuildError, Client, Dials, NetworkPolicy, Redactor};
use bellwether_encoding::json::{Escape, push_string};
use bellwether_encoding::url::component;
use bellwether_integrations::http::{
    BasicAuth, HttpConfig, Method, ProxyConfig, Request, RequestError,
};
use bellwether_model::Secret;
use bytes::Bytes;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::server_url::ServerUrl;
use crate::wire::{self, Read};

/// A connection to one server.
pub struct Api {
    client: Client,
    url: ServerUrl,
    /// When the command has taken long enough.
    deadline: Instant,
    user_agent: String,
}

/// One kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    method: Method,
    /// As the API's description has it.
    path: &'static str,
    name: &'static str,
    /// Answers that it has a name for, besides 200.
    failures: &'static [Failure],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Failure {
    status: u16,
    name: &'static str,
    /// Whether it says why.
    has_text: bool,
}

const fn failure(status: u16, name: &'static str) -> Failure {
    Failure { status, name, has_text: true }
}

const BAD_REQUEST: Failure = failure(400, "BadRequest");
const INTERNAL: Failure = failure(500, "InternalServerError");
const NOT_FOUND: Failure = Failure { status: 404, name: "NotFound", has_text: false };

pub const GET_ALERTS: Operation = Operation {
    method: Method::Get,
    path: "/alerts",
    name: "getAlerts",
    failures: &[BAD_REQUEST, INTERNAL],
};
pub const POST_ALERTS: Operation = Operation {
    method: Method::Post,
    path: "/alerts",
    name: "postAlerts",
    failures: &[BAD_REQUEST, INTERNAL],
};
pub const GET_SILENCES: Operation = Operation {
    method: Method::Get,
    path: "/silences",
    name: "getSilences",
    failures: &[BAD_REQUEST, INTERNAL],
};
pub const POST_SILENCES: Operation = Operation {
    method: Method::Post,
    path: "/silences",
    name: "postSilences",
    failures: &[BAD_REQUEST, failure(404, "NotFound")],
};
pub const GET_SILENCE: Operation = Operation {
    method: Method::Get,
    path: "/silence/{silenceID}",
    name: "getSilence",
    failures: &[NOT_FOUND, INTERNAL],
};
pub const DELETE_SILENCE: Operation = Operation {
    method: Method::Delete,
    path: "/silence/{silenceID}",
    name: "deleteSilence",
    failures: &[NOT_FOUND, INTERNAL],
};
pub const GET_STATUS: Operation =
    Operation { method: Method::Get, path: "/status", name: "getStatus", failures: &[] };

/// What is asked for beyond the kind of request.
#[derive(Clone, Debug, Default)]
pub struct Call<'a> {
    /// For `{silenceID}`.
    pub silence: &'a str,
    /// Encoded.
    pub query: String,
    pub body: Option<String>,
}

/// Why there is no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    pub status: Option<u16>,
    pub text: String,
}

/// How requests travel.
#[derive(Clone, Debug)]
pub struct Travel {
    pub http: HttpConfig,
    /// For the whole command.
    pub deadline: Instant,
    pub user_agent: String,
}

impl Api {
    /// # Errors
    /// If certificates and the like cannot be used.
    pub fn new(url: &ServerUrl, travel: &Travel) -> Result<Self, BuildError> {
        let mut http = travel.http.clone();
        if let Some((username, password)) = &url.user {
            http.basic_auth = Some(BasicAuth {
                username: username.clone(),
                password: Secret::new(password.as_str()),
                ..BasicAuth::default()
            });
        }
        Ok(Api {
            client: Client::build(&http, &NetworkPolicy::default(), &Dials::default())?,
            url: url.clone(),
            deadline: travel.deadline,
            user_agent: travel.user_agent.clone(),
        })
    }

    /// Asks for something; an empty answer is `null`.
    pub async fn read<T: Read>(&self, operation: Operation, call: Call<'_>) -> Result<T, ApiError> {
        let text = self.send(operation, call).await?;
        let value = if text.trim().is_empty() { Value::Null } else { value_of(&text)? };
        T::read(&value).map_err(ApiError::from)
    }

    /// Asks for something to be done; what is answered does not matter.
    pub async fn act(&self, operation: Operation, call: Call<'_>) -> Result<(), ApiError> {
        self.send(operation, call).await.map(drop)
    }

    /// The body of an answer with 200.
    async fn send(&self, operation: Operation, call: Call<'_>) -> Result<String, ApiError> {
        let Call { silence, query, body } = call;
        let path = operation.path.replace("{silenceID}", &component(silence));
        let url = self.url.endpoint(&path, &query);
        let mut request = Request {
            method: operation.method,
            url: Secret::new(url.as_str()),
            headers: Vec::new(),
            body: Bytes::new(),
            timeout: None,
        };
        request = request.header("Accept", "application/json");
        request = request.header("User-Agent", self.user_agent.as_str());
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json");
            request.body = Bytes::from(body + "\n");
        }
        let deadline = self.deadline.min(Instant::now() + REQUEST_TIMEOUT);
        let failed = |error| ApiError::from(transport_text(operation.method, &url, error));
        let redactor = Redactor::default();
        let fetching = self.client.fetch(request, &redactor, deadline, ANSWER_MAX_BYTES);
        if !["http", "https"].contains(&self.url.scheme.as_str()) {
            let reason = format!("unsupported protocol scheme \"{}\"", self.url.scheme);
            return Err(failed(RequestError::Unusable(reason)));
        }
        // Without time there is no attempt either.
        let answer = timeout_at(deadline, fetching).await;
        let answer = answer.unwrap_or(Err(RequestError::DeadlinePassed)).map_err(failed)?;
        let media_type = answer.content_type.as_deref().unwrap_or("application/json");
        let is_json = is_known(media_type).map_err(ApiError::from)?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let known = operation.failures.iter().find(|failure| failure.status == answer.status);
        match (answer.status, known) {
            (200, _) if is_json || answer.body.is_empty() => Ok(text),
            (200, _) => Err(ApiError::from(format!(
                "the answer is {media_type}, not JSON: is this the URL of an Alertmanager?"
            ))),
            (status, Some(failure)) => Err(operation.failed(status, failure, &text, is_json)),
            (status, None) => {
                let text = format!("{} (status {status}): {{}}", operation.shown());
                Err(ApiError { status: Some(status), text })
            }
        }
    }
}

impl Operation {
    /// `[GET /alerts] getAlerts`
    fn shown(self) -> String {
        format!("[{} {}] {}", method_name(self.method).to_uppercase(), self.path, self.name)
    }

    fn failed(self, status: u16, failure: &Failure, text: &str, is_json: bool) -> ApiError {
        let method = method_name(self.method).to_uppercase();
        let Operation { path, name, .. } = self;
        let mut shown = format!("[{method} {path}][{status}] {name}{}", failure.name);
        if failure.has_text {
            let reason = match is_json {
                false => Ok(text.to_owned()),
                true if text.trim().is_empty() => Ok(String::new()),
                true => value_of(text).and_then(|value| match value {
                    Value::String(reason) => Ok(reason),
                    Value::Null => Ok(String::new()),
                    other => {
                        Err(ApiError::from(wire::read::mismatch(&other, "Go value of type string")))
                    }
                }),
            };
            match reason {
                Ok(reason) => {
                    shown.push(' ');
                    push_string(&mut shown, &reason, Escape::Html);
                }
                Err(error) => return error,
            }
        }
        ApiError { status: Some(status), text: shown }
    }
}

impl From<String> for ApiError {
    fn from(text: String) -> Self {
        ApiError { status: None, text }
    }
}

fn value_of(text: &str) -> Result<Value, ApiError> {
    wire::read::parse(text).map_err(ApiError::from)
}

/// Whether the answer is JSON.
///
/// # Errors
/// If it is something that the Go client cannot read at all.
fn is_known(content_type: &str) -> Result<bool, String> {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if media_type.is_empty() {
        return Err("parse content type: mime: no media type".to_owned());
    }
    if media_type.ends_with('/') {
        return Err("parse content type: mime: expected token after slash".to_owned());
    }
    match media_type.to_ascii_lowercase().as_str() {
        "application/json" => Ok(true),
        "text/plain"
        | "text/html"
        | "text/csv"
        | "application/octet-stream"
        | "application/xml"
        | "application/x-yaml"
        | "application/yaml" => Ok(false),
        _ => {
            let shown = bellwether_model::quote::quoted(content_type);
            Err(format!("no consumer: {shown}"))
        }
    }
}

fn method_name(method: Method) -> &'static str {
    match method {
        Method::Get => "Get",
        Method::Post => "Post",
        Method::Put => "Put",
        Method::Delete => "Delete",
    }
}

/// The whole URL is shown: it is the operator's own, and has no password any more.
fn transport_text(method: Method, url: &str, error: RequestError) -> String {
    let reason = match error {
        RequestError::Transport(text) | RequestError::Denied(text) => {
            text.split_once(">\": ").map(|(_, reason)| reason.to_owned()).unwrap_or(text)
        }
        RequestError::Unusable(text) => text,
        RequestError::TimedOut(_) | RequestError::DeadlinePassed => {
            "context deadline exceeded".to_owned()
        }
    };
    format!("{} \"{url}\": {reason}", method_name(method))
}

/// The settings without a file: proxies come from the environment.
pub fn usual_http_config() -> HttpConfig {
    HttpConfig {
        proxy: ProxyConfig { proxy_from_environment: true, ..ProxyConfig::default() },
        ..HttpConfig::default()
    }
}

/// Limit: for one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Limit: of an answer.
const ANSWER_MAX_BYTES: usize = 1 << 30;

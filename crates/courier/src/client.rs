//! The HTTP client of one integration: performs single requests as its `http_config` says.
//!
//! In: a [`Request`] and the deadline of the delivery that it belongs to. Out: the [`Response`], or
//! why there is none. To the request's own headers it adds the operator's headers and credentials,
//! again for each hop of a redirect chain: credentials are sent to the first host only.

use bellwether_encoding::go_url::{check_http_url, host_name, request_target};
use bellwether_integrations::http::{HttpConfig, Method, Request, RequestError, Response};
use bellwether_model::Secret;
use http::header::{
    AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION, USER_AGENT, WWW_AUTHENTICATE,
};
use percent_encoding::percent_decode_str;
use tokio::time::{Instant, timeout_at};
use url::{Host, Url};

use crate::aws::credentials::CredentialCache;
use crate::credentials::{AddedHeaders, Credentials};
use crate::dials::Dials;
use crate::error::{BuildError, transport, unusable, within};
use crate::firewall::NetworkPolicy;
use crate::header::{basic, secret_value};
use crate::progress::Progress;
use crate::redactor::Redactor;
use crate::redirect::{self, Redirect};
use crate::response;
use crate::transport::{Answer, Http2, OutgoingRequest, Transport};
use crate::transport_error;

/// The `User-Agent`, unless an integration has its own.
const DEFAULT_USER_AGENT: &str = "Alertmanager/0.35.0";

/// Performs requests for one integration; keeps its connections and its token.
pub struct Client {
    credentials: Credentials,
    added_headers: AddedHeaders,
    follow_redirects: bool,
    transport: Transport,
    policy: NetworkPolicy,
    /// The temporary credentials of calls to AWS.
    pub(crate) aws_credentials: CredentialCache,
}

impl Client {
    /// Reads the files of `tls_config` to see that they can be used; opens no connection.
    ///
    /// # Errors
    /// Everything that would make each request fail, as far as it can be seen now.
    pub fn build(
        config: &HttpConfig,
        policy: &NetworkPolicy,
        dials: &Dials,
    ) -> Result<Self, BuildError> {
        let http2 = if config.enable_http2 { Http2::Offer } else { Http2::Avoid };
        Ok(Client {
            credentials: Credentials::build(config, &policy.firewall)?,
            added_headers: AddedHeaders::build(config)?,
            follow_redirects: config.follow_redirects,
            transport: Transport::build(
                &config.tls_config,
                &config.proxy,
                http2,
                &policy.firewall,
                dials,
            )?,
            policy: policy.clone(),
            aws_credentials: CredentialCache::default(),
        })
    }

    /// Mails keep to it as well.
    pub(crate) fn policy(&self) -> &NetworkPolicy {
        &self.policy
    }

    /// Performs one request, redirects included.
    ///
    /// Ends at `deadline` at the latest, or when the request's own timeout has passed. Its URL and
    /// what is secret in the headers that are added to it are noted in `redactor`.
    pub async fn send(
        &self,
        request: Request,
        redactor: &Redactor,
        deadline: Instant,
    ) -> Result<Response, RequestError> {
        self.send_noting(request, redactor, &Progress::default(), deadline).await
    }

    /// As [`Client::send`], for a caller that needs all of the answer, of at most `body_max` bytes.
    ///
    /// # Errors
    /// Also if the body breaks off, is too long, or is not complete at the deadline.
    pub async fn fetch(
        &self,
        request: Request,
        redactor: &Redactor,
        deadline: Instant,
        body_max: usize,
    ) -> Result<Response, RequestError> {
        let progress = Progress::default();
        let whole = async {
            let answer = self.send_following_redirects(request, redactor, &progress).await?;
            response::read_all(answer, body_max).await
        };
        timeout_at(deadline, whole).await.unwrap_or(Err(RequestError::DeadlinePassed))
    }

    /// [`Client::send`]; if time runs out, `progress` says what was being done, for which host, and
    /// in which phase.
    pub(crate) async fn send_noting(
        &self,
        request: Request,
        redactor: &Redactor,
        progress: &Progress,
        deadline: Instant,
    ) -> Result<Response, RequestError> {
        let timeout = request.timeout;
        let own = timeout.and_then(|timeout| Some((Instant::now().checked_add(timeout)?, timeout)));
        let (until, late) = match own {
            Some((own, timeout)) if own < deadline => (own, RequestError::TimedOut(timeout)),
            _ => (deadline, RequestError::DeadlinePassed),
        };
        match timeout_at(until, self.send_following_redirects(request, redactor, progress)).await {
            Ok(answer) => Ok(response::read(answer?, until).await),
            Err(_) => Err(late),
        }
    }

    /// Performs one request to a server that is not the receiver: nothing is added to it, and no
    /// redirect is followed.
    pub(crate) async fn send_plain(
        &self,
        request: Request,
        progress: &Progress,
        deadline: Instant,
    ) -> Result<Response, RequestError> {
        let outgoing = OutgoingRequest {
            method: wire_method(request.method),
            url: parsed(&request.url)?,
            target: request_target(request.url.reveal()),
            headers: header_map(&request.headers)?,
            body: request.body,
        };
        match timeout_at(deadline, self.transport.send(outgoing, progress)).await {
            Ok(answer) => Ok(response::read(answer?, deadline).await),
            Err(_) => Err(RequestError::DeadlinePassed),
        }
    }

    /// Follows redirects until there is a response to return.
    async fn send_following_redirects(
        &self,
        request: Request,
        redactor: &Redactor,
        progress: &Progress,
    ) -> Result<Answer, RequestError> {
        redactor.add_url(request.url.reveal());
        self.transport.add_proxy_secrets(redactor);
        let mut url = parsed(&request.url)?;
        let mut target = request_target(request.url.reveal());
        let first = url.clone();
        let mut method = wire_method(request.method);
        let mut body = request.body;
        let mut own_headers = header_map(&request.headers)?;
        let mut on_first_host = true;
        for _ in 0..redirect::CHAIN_MAX {
            on_first_host = on_first_host && redirect::is_same_site(&first, &url);
            let operation = transport_error::operation(&method, &url);
            let adding = progress.enter(&operation);
            let headers = self.headers(&own_headers, &url, on_first_host, redactor, &adding).await;
            let headers = headers.map_err(|error| within(&operation, error))?;
            let outgoing = OutgoingRequest {
                method: method.clone(),
                url: without_user(&url)?,
                target: target.clone(),
                headers,
                body: body.clone(),
            };
            let answer = self.transport.send(outgoing, progress).await?;
            if !self.follow_redirects {
                return Ok(answer);
            }
            let status = answer.status().as_u16();
            match redirect::next(&method, &url, status, answer.headers()) {
                Ok(None) => return Ok(answer),
                Ok(Some(Redirect { url: next_url, method: next, keep_body })) => {
                    if !keep_body {
                        body.clear();
                        own_headers.remove(CONTENT_TYPE);
                    }
                    method = next;
                    url = checked(next_url).map_err(|_| transport(BAD_REDIRECT))?;
                    target = request_target(url.as_str());
                }
                Err(redirect::BadLocation) => return Err(transport(BAD_REDIRECT)),
            }
        }
        Err(transport(format!("stopped after {} redirects", redirect::CHAIN_MAX)))
    }

    /// All headers of one hop.
    async fn headers(
        &self,
        own: &HeaderMap,
        url: &Url,
        on_first_host: bool,
        redactor: &Redactor,
        progress: &Progress,
    ) -> Result<HeaderMap, RequestError> {
        let mut headers = own.clone();
        self.added_headers.add_to(&mut headers, on_first_host, redactor).await?;
        let agent = headers
            .entry(USER_AGENT)
            .or_insert(HeaderValue::from_static(DEFAULT_USER_AGENT))
            .clone();
        if !on_first_host {
            for name in &FIRST_HOST_ONLY {
                headers.remove(name);
            }
        }
        if let Some(user) = user_of(url)? {
            headers.entry(AUTHORIZATION).or_insert(user);
        }
        let replaces = matches!(self.credentials, Credentials::OAuth2(_));
        if on_first_host
            && (replaces || !headers.contains_key(AUTHORIZATION))
            && let Some(value) = self.credentials.authorization(&agent, progress).await?
        {
            headers.insert(AUTHORIZATION, value);
        }
        if let Some(value) = headers.get(AUTHORIZATION) {
            redactor.add_authorization(value.as_bytes());
        }
        Ok(headers)
    }
}

/// Shows nothing: almost all of it is secret.
impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

/// Headers that do not follow a redirect to a foreign host; the last two are Rocket.Chat's.
const FIRST_HOST_ONLY: [HeaderName; 8] = [
    AUTHORIZATION,
    COOKIE,
    HeaderName::from_static("cookie2"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    WWW_AUTHENTICATE,
    HeaderName::from_static("x-auth-token"),
    HeaderName::from_static("x-user-id"),
];

const BAD_REDIRECT: &str = "redirected to what is not an http or https URL";

/// Where a request goes.
///
/// Compat: what Go refuses is refused, where a browser would mend it and ask somebody else: line
/// breaks, backslashes, `010.0.0.1`.
fn parsed(url: &Secret) -> Result<Url, RequestError> {
    let text = url.reveal();
    let refused = |reason: String| unusable(format!("parse \"<redacted>\": {reason}"));
    check_http_url(text).map_err(refused)?;
    let url = Url::parse(text).map_err(|error| refused(error.to_string()))?;
    if let Some(Host::Ipv4(address)) = url.host()
        && let Some(written) = host_name(text).filter(|written| *written != address.to_string())
    {
        return Err(transport(format!("dial tcp: lookup {written}: no such host")));
    }
    checked(url)
}

fn checked(url: Url) -> Result<Url, RequestError> {
    match url.scheme() {
        "http" | "https" => Ok(url),
        _ => Err(unusable("\"<redacted>\" is not an http or https URL")),
    }
}

/// The user and password in a URL, as a header.
fn user_of(url: &Url) -> Result<Option<HeaderValue>, RequestError> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let decoded = |text| percent_decode_str(text).decode_utf8_lossy();
    basic(&decoded(url.username()), &decoded(url.password().unwrap_or_default())).map(Some)
}

fn without_user(url: &Url) -> Result<Url, RequestError> {
    let mut url = url.clone();
    let cleared = url.set_username("").and_then(|()| url.set_password(None));
    cleared.map_err(|()| unusable("\"<redacted>\" has no host"))?;
    Ok(url)
}

fn wire_method(method: Method) -> http::Method {
    match method {
        Method::Get => http::Method::GET,
        Method::Post => http::Method::POST,
        Method::Put => http::Method::PUT,
        Method::Delete => http::Method::DELETE,
    }
}

fn header_map(headers: &[(String, String)]) -> Result<HeaderMap, RequestError> {
    let mut map = HeaderMap::with_capacity(headers.len() + 4);
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| unusable("a header's name contains what it cannot"))?;
        map.append(name, secret_value(value)?);
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use bellwether_integrations::http::RequestError;
    use bellwether_model::Secret;

    use super::parsed;

    #[test]
    fn a_url_that_go_refuses_leads_nowhere_else() {
        for (text, reason) in [
            ("http://h/a\nhttp://h/b", "invalid control character in URL"),
            ("http://h\\other/", "invalid character '\\\\' in host name"),
            ("http:h/a", "missing host for URL"),
            ("ftp://h/a", "unsupported scheme \"ftp\" for URL"),
            (" http://h/", "first path segment in URL cannot contain colon"),
        ] {
            let reason = format!("parse \"<redacted>\": {reason}");
            let error = parsed(&Secret::new(text)).expect_err(text);
            assert_eq!(error, RequestError::Unusable(reason), "{text}");
        }
    }

    #[test]
    fn a_number_that_is_no_address_is_a_name() {
        for host in ["010.0.0.1", "2130706433", "0x7f.1", "127.1", "127.0.0.1."] {
            let text = format!("dial tcp: lookup {host}: no such host");
            let error = parsed(&Secret::new(format!("http://u@{host}:80/"))).expect_err(host);
            assert_eq!(error, RequestError::Transport(text));
        }
        assert!(parsed(&Secret::new("http://127.0.0.1:80/")).is_ok());
        assert!(parsed(&Secret::new("http://127.0.0.1.example/")).is_ok());
    }
}

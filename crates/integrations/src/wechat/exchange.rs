//! The requests to WeChat: a token if none is known, then the message.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bellwether_model::{FailureReason, Outcome, Secret, Timestamp};
use bytes::Bytes;
use serde_json::Value;

use crate::exchange::{Exchange, Step};
use crate::http::{Method, Request, RequestError, Response};
use crate::outcome::{ResponseRules, check_response_with, delivered, failure_reason};
use crate::url;

/// The token that was fetched last, and when.
///
/// The only lock among the integrations: attempts for different groups share the token, and it is
/// held for a copy.
#[derive(Clone, Debug, Default)]
pub struct SharedToken(Arc<Mutex<Option<(Secret, Timestamp)>>>);

/// One attempt.
pub struct WeChatExchange {
    api_url: String,
    corp_id: String,
    token_url: Secret,
    body: String,
    shared: SharedToken,
    now: Timestamp,
    waits_for_token: bool,
}

impl SharedToken {
    fn usable(&self, now: Timestamp) -> Option<Secret> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (token, at) = held.as_ref()?;
        (at.plus(TOKEN_LASTS) >= now && *at <= now).then(|| token.clone())
    }

    fn set(&self, token: Option<(Secret, Timestamp)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = token;
    }
}

impl WeChatExchange {
    pub fn new(
        api_url: &str,
        corp_id: String,
        secret: &Secret,
        body: String,
        shared: SharedToken,
        now: Timestamp,
    ) -> Self {
        // Compat: a query of the configured URL is left out here, and kept below.
        let token_url = url::with_path(api_url, "gettoken");
        let token_url = token_url.split('?').next().unwrap_or_default();
        let query = url::query(&[("corpid", &corp_id), ("corpsecret", secret.reveal())]);
        WeChatExchange {
            api_url: api_url.to_owned(),
            corp_id,
            token_url: Secret::new(format!("{token_url}?{query}")),
            body,
            shared,
            now,
            waits_for_token: false,
        }
    }

    fn send(&self, token: &Secret) -> Step {
        let url = url::with_path(&self.api_url, "message/send");
        let url = url::with_parameter(&url, "access_token", token.reveal());
        Step::Send(Request::post_json(Secret::new(url), self.body.clone()))
    }

    fn take_token(&mut self, answer: Result<Response, RequestError>) -> Step {
        // Compat: what the status is does not matter if a token is there.
        let response = match answer {
            Ok(response) => response,
            Err(error) => return refused_or_retried(Err(error)),
        };
        let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        match body["access_token"].as_str() {
            Some(token) if !token.is_empty() => {
                let token = Secret::new(token);
                self.shared.set(Some((token.clone(), self.now)));
                self.waits_for_token = false;
                self.send(&token)
            }
            _ if response.status >= 500 || response.status == 429 => {
                refused_or_retried(Ok(response))
            }
            _ => Step::Done(Outcome::Refused {
                reason: FailureReason::Other,
                detail: format!("invalid APISecret for CorpID: {}", self.corp_id),
            }),
        }
    }

    fn take_answer(&self, answer: Result<Response, RequestError>) -> Step {
        let response = match answer {
            Ok(response) if response.status == 200 => response,
            Ok(response) => {
                let status = response.status;
                return Step::Done(Outcome::Retry {
                    after: response.retry_after,
                    reason: failure_reason(status),
                    detail: format!("unexpected status code {status}"),
                });
            }
            Err(error) => return refused_or_retried(Err(error)),
        };
        let reason = FailureReason::Other;
        let body: Value = match serde_json::from_slice(&response.body) {
            Ok(body) => body,
            Err(error) => {
                let detail = format!("the answer is not JSON: {error}");
                return Step::Done(Outcome::Retry { after: None, reason, detail });
            }
        };
        let detail = body["errmsg"].as_str().unwrap_or_default().to_owned();
        Step::Done(match body["errcode"].as_i64().unwrap_or_default() {
            0 => delivered(),
            TOKEN_EXPIRED => {
                self.shared.set(None);
                Outcome::Retry { after: None, reason, detail }
            }
            _ => Outcome::Refused { reason, detail },
        })
    }
}

impl Exchange for WeChatExchange {
    fn begin(&mut self) -> Step {
        if let Some(token) = self.shared.usable(self.now) {
            return self.send(&token);
        }
        self.waits_for_token = true;
        Step::Send(Request {
            method: Method::Get,
            url: self.token_url.clone(),
            headers: Vec::new(),
            body: Bytes::new(),
            timeout: None,
        })
    }

    fn receive(&mut self, answer: Result<Response, RequestError>) -> Step {
        if self.waits_for_token { self.take_token(answer) } else { self.take_answer(answer) }
    }
}

fn refused_or_retried(answer: Result<Response, RequestError>) -> Step {
    match check_response_with("wechat", answer, &ResponseRules::default()) {
        Ok(_) => Step::Done(delivered()),
        Err(outcome) => Step::Done(outcome),
    }
}

const TOKEN_LASTS: Duration = Duration::from_secs(2 * 3600);
/// <https://work.weixin.qq.com/api/doc#10649>
const TOKEN_EXPIRED: i64 = 42_001;

//! The requests to Jira: search, then create or update, then perhaps a transition.

use bellwether_model::{FailureReason, Outcome, Secret};
use bytes::Bytes;
use serde_json::Value;

use crate::exchange::{Exchange, Step};
use crate::http::{Method, Request, RequestError, Response};
use crate::outcome::{ResponseRules, check_response_with, delivered};

/// The texts of all requests that may be needed.
pub struct JiraRequest {
    pub api_url: String,
    pub search_url: String,
    pub search: String,
    pub firing: bool,
    pub creation: String,
    pub update: String,
    /// The name of the transition that the issue should take; empty if it stays.
    pub transition: String,
}

pub struct JiraExchange {
    request: JiraRequest,
    stage: Stage,
}

enum Stage {
    Searching,
    Creating,
    Updating(Found),
    ListingTransitions { key: String },
    Moving,
}

/// The issue of the group.
#[derive(Clone)]
struct Found {
    key: String,
    /// `None` if Jira did not say.
    is_done: Option<bool>,
}

impl JiraExchange {
    pub fn new(request: JiraRequest) -> Self {
        JiraExchange { request, stage: Stage::Searching }
    }

    fn ask(&mut self, stage: Stage, method: Method, path: &str, body: String) -> Step {
        self.stage = stage;
        Step::Send(request(method, format!("{}/{path}", self.request.api_url), body))
    }

    fn found(&mut self, body: &Bytes) -> Step {
        let answer: Value = match serde_json::from_slice(body) {
            Ok(answer) => answer,
            Err(error) => return refused(format!("failed to look up existing issues: {error}")),
        };
        let issue = &answer["issues"][0];
        let Some(key) = issue["key"].as_str().filter(|key| !key.is_empty()) else {
            // No issue was created while the alerts fired, so none is to be resolved.
            if !self.request.firing {
                return Step::Done(delivered());
            }
            let body = self.request.creation.clone();
            return self.ask(Stage::Creating, Method::Post, "issue", body);
        };
        let category = issue["fields"]["status"]["statusCategory"]["key"].as_str();
        let found = Found { key: key.to_owned(), is_done: category.map(|key| key == "done") };
        let (path, body) = (format!("issue/{key}"), self.request.update.clone());
        self.ask(Stage::Updating(found), Method::Put, &path, body)
    }

    fn updated(&mut self, found: Found) -> Step {
        // What fires should not be done, and what is resolved should be.
        let is_right = found.is_done != Some(self.request.firing);
        if is_right || found.is_done.is_none() || self.request.transition.is_empty() {
            return Step::Done(delivered());
        }
        let path = format!("issue/{}/transitions", found.key);
        let stage = Stage::ListingTransitions { key: found.key };
        self.ask(stage, Method::Get, &path, String::new())
    }

    fn listed(&mut self, key: &str, body: &Bytes) -> Step {
        let answer: Value = serde_json::from_slice(body).unwrap_or_default();
        let wanted = self.request.transition.as_str();
        let transitions = answer["transitions"].as_array().map_or(&[][..], Vec::as_slice);
        let id =
            transitions.iter().find(|it| it["name"] == wanted).and_then(|it| it["id"].as_str());
        let Some(id) = id else {
            return refused(format!("can't find transition {wanted} for issue {key}"));
        };
        let id = Value::from(id);
        let body = format!("{{\"transition\":{{\"id\":{id}}}}}\n");
        let path = format!("issue/{key}/transitions");
        self.ask(Stage::Moving, Method::Post, &path, body)
    }

    fn what_failed(&self) -> String {
        match &self.stage {
            Stage::Searching => {
                "failed to look up existing issues: HTTP request to JIRA API: ".to_owned()
            }
            Stage::Creating => "failed to POST request to \"issue\": ".to_owned(),
            Stage::Updating(found) => format!("failed to PUT request to \"issue/{}\": ", found.key),
            Stage::ListingTransitions { .. } | Stage::Moving => String::new(),
        }
    }
}

impl Exchange for JiraExchange {
    fn begin(&mut self) -> Step {
        let (url, body) = (self.request.search_url.clone(), self.request.search.clone());
        Step::Send(request(Method::Post, url, body))
    }

    fn receive(&mut self, answer: Result<Response, RequestError>) -> Step {
        let response = match check_response_with("jira", answer, &ResponseRules::default()) {
            Ok(response) => response,
            Err(outcome) => return Step::Done(prefixed(&self.what_failed(), outcome)),
        };
        match std::mem::replace(&mut self.stage, Stage::Searching) {
            Stage::Searching => self.found(&response.body),
            Stage::Creating | Stage::Moving => Step::Done(delivered()),
            Stage::Updating(found) => self.updated(found),
            Stage::ListingTransitions { key } => self.listed(&key, &response.body),
        }
    }
}

fn request(method: Method, url: String, body: String) -> Request {
    Request { method, ..Request::post_json(Secret::new(url), body) }.header("Accept-Language", "en")
}

fn prefixed(what: &str, outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Retry { after, reason, detail } => {
            Outcome::Retry { after, reason, detail: format!("{what}{detail}") }
        }
        Outcome::Refused { reason, detail } => {
            Outcome::Refused { reason, detail: format!("{what}{detail}") }
        }
        delivered @ Outcome::Delivered { .. } => delivered,
    }
}

fn refused(detail: String) -> Step {
    Step::Done(Outcome::Refused { reason: FailureReason::Other, detail })
}

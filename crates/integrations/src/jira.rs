//! Jira: one issue per group, found again by a label that carries the group's hash.
//!
//! An exchange of several requests: search, then create, update or transition. The API differs between
//! Jira Cloud and Data Center, in its paths and in how a description is written.

pub mod config;
mod exchange;
mod message;
mod search;

use self::config::{ApiType, Config, Field};
use self::exchange::{JiraExchange, JiraRequest};
use crate::exchange::{BuildError, Exchange, Integration};
use crate::outcome::BeginError;
use crate::renderer::Renderer;
use crate::templates::{Structure, Templates, TextTemplate};

/// One configured project.
#[derive(Debug)]
pub struct Jira {
    /// Without a slash at its end.
    api_url: String,
    api_type: ApiType,
    project: TextTemplate,
    issue_type: TextTemplate,
    summary: TextTemplate,
    description: TextTemplate,
    updates_summary: bool,
    updates_description: bool,
    labels: Vec<TextTemplate>,
    priority: TextTemplate,
    reopen_transition: String,
    resolve_transition: String,
    wont_fix_resolution: String,
    reopen_minutes: u64,
    fields: Vec<(String, Structure)>,
}

impl Jira {
    /// # Errors
    /// None; the result is what all integrations have in common.
    pub fn build(config: &Config, templates: &mut Templates) -> Result<Self, BuildError> {
        let Config {
            send_resolved: _,
            http_config: _,
            api_url,
            api_type,
            project,
            summary,
            description,
            labels,
            priority,
            issue_type,
            reopen_transition,
            resolve_transition,
            wont_fix_resolution,
            reopen_duration,
            fields,
        } = config;
        let field = |name: &'static str, it: &Field, templates: &mut Templates| {
            (templates.text(name, &it.template), it.is_updated())
        };
        let (summary, updates_summary) = field("summary", summary, templates);
        let (description, updates_description) = field("description", description, templates);
        let structures = fields
            .iter()
            .map(|(name, value)| (name.clone(), templates.structure("fields", value)))
            .collect();
        Ok(Jira {
            api_url: api_url.trim_end_matches('/').to_owned(),
            api_type: *api_type,
            project: templates.text("project", project),
            issue_type: templates.text("issue_type", issue_type),
            summary,
            description,
            updates_summary,
            updates_description,
            labels: labels.iter().map(|label| templates.text("labels", label)).collect(),
            priority: templates.text("priority", priority),
            reopen_transition: reopen_transition.clone(),
            resolve_transition: resolve_transition.clone(),
            wont_fix_resolution: wont_fix_resolution.clone(),
            reopen_minutes: reopen_duration.as_secs() / 60,
            fields: structures,
        })
    }

    /// Whether descriptions are documents and not texts.
    fn is_version_3(&self) -> bool {
        self.api_url.ends_with("/3")
    }
}

impl Integration for Jira {
    fn begin(&self, renderer: &mut Renderer<'_>) -> Result<Box<dyn Exchange>, BeginError> {
        let project = renderer.required(&self.project)?;
        let issue = message::Issue::write(self, &project, renderer)?;
        let firing = renderer.is_firing();
        Ok(Box::new(JiraExchange::new(JiraRequest {
            api_url: self.api_url.clone(),
            search_url: search::url(self),
            search: search::body(self, &project, &renderer.group_hash(), firing),
            firing,
            creation: issue.json(true, true),
            update: issue.json(self.updates_summary, self.updates_description),
            transition: match firing {
                true => self.reopen_transition.clone(),
                false => self.resolve_transition.clone(),
            },
        })))
    }
}

#[cfg(test)]
mod tests;

//! What an operator can set for one Jira project.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::any_value::AnyValue;
use crate::http::HttpConfig;

/// One entry of `jira_configs`. Texts are templates except where noted.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub send_resolved: bool,
    /// The global one if the receiver gave none; `None` means the defaults.
    pub http_config: Option<HttpConfig>,
    /// As written; the global one if empty in the file.
    pub api_url: String,
    pub api_type: ApiType,
    /// Never empty.
    pub project: String,
    pub summary: Field,
    pub description: Field,
    pub labels: Vec<String>,
    pub priority: String,
    /// Never empty.
    pub issue_type: String,
    /// As written.
    pub reopen_transition: String,
    /// As written.
    pub resolve_transition: String,
    /// As written.
    pub wont_fix_resolution: String,
    /// How old a resolved issue may be to be opened again; zero: any age.
    pub reopen_duration: Duration,
    /// Further fields of the issue; all texts within are templates.
    pub fields: BTreeMap<String, AnyValue>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            send_resolved: true,
            http_config: None,
            api_url: String::new(),
            api_type: ApiType::default(),
            project: String::new(),
            summary: Field::template(r#"{{ template "jira.default.summary" . }}"#),
            description: Field::template(r#"{{ template "jira.default.description" . }}"#),
            labels: Vec::new(),
            priority: r#"{{ template "jira.default.priority" . }}"#.to_owned(),
            issue_type: String::new(),
            reopen_transition: String::new(),
            resolve_transition: String::new(),
            wont_fix_resolution: String::new(),
            reopen_duration: Duration::ZERO,
            fields: BTreeMap::new(),
        }
    }
}

/// A field that may be left alone when an issue is updated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    pub template: String,
    /// `None` counts as true.
    pub enable_update: Option<bool>,
}

impl Field {
    fn template(text: &str) -> Self {
        Field { template: text.to_owned(), enable_update: None }
    }

    pub fn is_updated(&self) -> bool {
        self.enable_update.unwrap_or(true)
    }
}

/// Which dialect of the API to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ApiType {
    /// Cloud if the host is one of Atlassian's own.
    #[default]
    Auto,
    Cloud,
    Datacenter,
}

//! What the flags and arguments of all commands were given, or default to.

use crate::server_url::ServerUrl;

/// The values. Commands share fields: only one of them is selected.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    pub date_format: String,
    pub verbose: bool,
    pub url: Option<ServerUrl>,
    pub output: String,
    /// Nanoseconds; may be negative.
    pub timeout: i64,
    pub http_config_file: String,
    pub version_check: bool,
    pub features: String,
    /// Completions are asked for.
    pub completes: bool,

    /// Labels, matchers, ids: what most commands take any number of.
    pub words: Vec<String>,
    pub inhibited: bool,
    pub silenced: bool,
    pub active: bool,
    pub unprocessed: bool,
    pub receiver: String,
    pub generator_url: String,
    pub start: String,
    pub end: String,
    pub annotations: Vec<String>,
    pub author: String,
    pub require_comment: bool,
    pub duration: String,
    pub comment: String,
    pub expired: bool,
    pub quiet: bool,
    pub created_by: String,
    pub id: String,
    /// Nanoseconds.
    pub within: i64,
    pub force: bool,
    pub workers: i64,
    pub input_file: String,
    pub check_files: Vec<String>,
    pub config_file: String,
    pub expected_receivers: String,
    pub tree: bool,
    pub template_globs: Vec<String>,
    pub template_text: String,
    pub template_type: String,
    pub template_data: String,
}

//! How the issue of a group is found again.

use bellwether_model::quote::quoted;
use url::Url;

use super::Jira;
use super::config::ApiType;
use bellwether_encoding::json::{Escape, List, Object, push_string};

/// Jira Cloud has only the search of version 3, Data Center only the old one.
///
/// <https://developer.atlassian.com/changelog/#CHANGE-2046>
pub fn url(it: &Jira) -> String {
    let is_cloud = match it.api_type {
        ApiType::Cloud => true,
        ApiType::Datacenter => false,
        ApiType::Auto => Url::parse(&it.api_url)
            .ok()
            .and_then(|url| Some(url.host_str()?.ends_with("atlassian.net")))
            .unwrap_or(false),
    };
    if is_cloud {
        format!("{}/search/jql", it.api_url).replacen("/rest/api/2/", "/rest/api/3/", 1)
    } else {
        format!("{}/search", it.api_url)
    }
}

pub fn body(it: &Jira, project: &str, group_hash: &str, firing: bool) -> String {
    let mut jql = String::new();
    if !it.wont_fix_resolution.is_empty() {
        // `!=` alone would leave out issues without a resolution.
        let resolution = quoted(&it.wont_fix_resolution);
        jql.push_str(&format!("(resolution is EMPTY or resolution != {resolution}) and "));
    }
    if firing && !it.reopen_transition.is_empty() && it.reopen_minutes > 0 {
        let minutes = it.reopen_minutes;
        jql.push_str(&format!("(resolutiondate is EMPTY OR resolutiondate >= -{minutes}m) and "));
    } else {
        jql.push_str("statusCategory != Done and ");
    }
    let (project, label) = (quoted(project), quoted(&alert_label(group_hash)));
    jql.push_str(&format!(
        "project={project} and labels={label} order by status ASC,resolutiondate DESC"
    ));
    let mut out = String::new();
    let mut object = Object::begin(&mut out);
    let mut fields = List::begin(object.value("fields"));
    push_string(fields.value(), "status", Escape::Html);
    fields.end();
    object.string("jql", &jql);
    object.number("maxResults", 2);
    object.end();
    out.push('\n');
    out
}

/// The label by which the issue of a group is known.
pub fn alert_label(group_hash: &str) -> String {
    format!("ALERT{{{group_hash}}}")
}

//! An issue as it is created or updated.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Jira;
use super::search::alert_label;
use crate::outcome::BeginError;
use crate::renderer::{Limit, Renderer};
use crate::trim;
use bellwether_encoding::json::{Escape, List, Object, push_string};

/// The fields of an issue, each as JSON; sorted by name.
pub struct Issue {
    fields: BTreeMap<String, String>,
}

impl Issue {
    pub fn write(
        it: &Jira,
        project: &str,
        renderer: &mut Renderer<'_>,
    ) -> Result<Self, BeginError> {
        let mut fields = BTreeMap::new();
        let summary = renderer.line(&it.summary);
        fields.insert(SUMMARY, json_string(&trim::to_chars(&summary, SUMMARY_CHARS_MAX).0));
        let description = match it.is_version_3() {
            true => renderer.document_within(&it.description, DESCRIPTION_MAX, with_paragraph),
            false => renderer.prose_within(&it.description, DESCRIPTION_MAX),
        };
        if let Some(description) = description_json(&description, it.is_version_3()) {
            fields.insert(DESCRIPTION, description);
        }
        fields.insert("issuetype", named("name", &renderer.required(&it.issue_type)?));
        let mut labels: Vec<String> =
            it.labels.iter().map(|label| renderer.or_default(label, "")).collect();
        labels.push(alert_label(&renderer.group_hash()));
        labels.sort();
        let mut list_json = String::new();
        let mut list = List::begin(&mut list_json);
        for label in &labels {
            push_string(list.value(), label, Escape::Html);
        }
        list.end();
        fields.insert("labels", list_json);
        let priority = renderer.or_default(&it.priority, "");
        if !priority.is_empty() {
            fields.insert("priority", named("name", &priority));
        }
        fields.insert("project", named("key", project));
        let mut fields: BTreeMap<String, String> =
            fields.into_iter().map(|(name, json)| (name.to_owned(), json)).collect();
        // The operator's own fields come last and may replace the others.
        for (name, structure) in &it.fields {
            let mut json = String::new();
            renderer.structure(structure).push_json(&mut json);
            fields.insert(name.clone(), json);
        }
        Ok(Issue { fields })
    }

    pub fn json(&self, with_summary: bool, with_description: bool) -> String {
        let mut out = String::new();
        let mut issue = Object::begin(&mut out);
        let mut object = Object::begin(issue.value("fields"));
        for (name, json) in &self.fields {
            let left_out = match name.as_str() {
                SUMMARY => !with_summary,
                DESCRIPTION => !with_description,
                _ => false,
            };
            if !left_out {
                object.value(name).push_str(json);
            }
        }
        object.end();
        issue.end();
        out.push('\n');
        out
    }
}

/// A document with one more paragraph; `None` if it is not a document.
fn with_paragraph(document: &str, text: &str) -> Option<String> {
    let mut document: Value = serde_json::from_str(document).ok()?;
    let content = document.get_mut("content")?.as_array_mut()?;
    content.push(json!({"type": "paragraph", "content": [{"type": "text", "text": text}]}));
    Some(document.to_string())
}

/// In version 3 a description is a document. A text that is not one, such as the fallback for a
/// template that failed, becomes the only paragraph of one.
fn description_json(text: &str, is_document: bool) -> Option<String> {
    if !is_document {
        return (!text.is_empty()).then(|| json_string(text));
    }
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    Some(match serde_json::from_str::<&RawValue>(text) {
        Ok(document) => compact(document.get()),
        Err(_) => format!(
            "{{\"type\":\"doc\",\"version\":1,\"content\":[{{\"type\":\"paragraph\",\"content\":\
             [{{\"type\":\"text\",\"text\":{}}}]}}]}}",
            json_string(text)
        ),
    })
}

/// JSON without white space between its parts, its order kept.
fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for c in json.chars() {
        match c {
            ' ' | '\n' | '\r' | '\t' if !in_string => continue,
            '"' if !escaped => in_string = !in_string,
            _ => {}
        }
        escaped = in_string && c == '\\' && !escaped;
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

fn named(name: &str, text: &str) -> String {
    let mut out = String::new();
    let mut object = Object::begin(&mut out);
    object.non_empty(name, text);
    object.end();
    out
}

fn json_string(text: &str) -> String {
    let mut out = String::new();
    push_string(&mut out, text, Escape::Html);
    out
}

const SUMMARY: &str = "summary";
const DESCRIPTION: &str = "description";

const SUMMARY_CHARS_MAX: usize = 255;
const DESCRIPTION_MAX: Limit = Limit::Chars(32_767);

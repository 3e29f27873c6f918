//! The form of a `Publish` call.
//!
//! In: a user's texts. Out: an encoded form, its fields sorted by name.
//!
//! SNS refuses a message that is too long, has an empty text or an attribute without a value; all of
//! these are put right here rather than lost.

use std::collections::BTreeMap;

use super::Sns;
use crate::outcome::BeginError;
use crate::renderer::{Limit, Renderer};
use crate::templates::TextTemplate;
use crate::trim;
use crate::url;

/// The version of the API.
const VERSION: &str = "2010-03-31";

/// Limit: message and attributes together.
const MESSAGE_BYTES_MAX: usize = 256 * 1024;
/// Limit: a text message to a phone.
const PHONE_BYTES_MAX: usize = 1600;
/// Limit: SNS wants less than 100 characters.
const SUBJECT_CHARS_MAX: usize = 99;

/// Of all attributes.
const DATA_TYPE: &str = "String";
/// Says that the message was cut.
const TRUNCATED: (&str, &str) = ("truncated", "true");

pub fn form(sns: &Sns, renderer: &mut Renderer<'_>) -> Result<String, BeginError> {
    let mut address = |text: &Option<TextTemplate>| match text {
        Some(text) => renderer.required(text).map(Some),
        None => Ok(None),
    };
    let topic = address(&sns.topic_arn)?;
    let phone = address(&sns.phone_number)?;
    let target = address(&sns.target_arn)?;

    let mut attributes = attributes(sns, renderer);
    let bytes_max = match phone {
        Some(_) => PHONE_BYTES_MAX,
        None => MESSAGE_BYTES_MAX.saturating_sub(taken(&attributes)),
    };
    let (message, was_cut) = renderer.fitted(&sns.message, Limit::Bytes(bytes_max));
    if was_cut {
        attributes.insert(TRUNCATED.0.to_owned(), TRUNCATED.1.to_owned());
    }

    let mut fields = vec![
        ("Action".to_owned(), "Publish".to_owned()),
        ("Version".to_owned(), VERSION.to_owned()),
        ("Message".to_owned(), or_excuse(message)),
    ];
    let subject = subject(&renderer.line(&sns.subject));
    if !subject.is_empty() {
        fields.push(("Subject".to_owned(), subject));
    }
    if topic.as_ref().is_some_and(|topic| topic.ends_with(".fifo")) {
        fields.push(("MessageGroupId".to_owned(), renderer.group_hash()));
        fields.push(("MessageDeduplicationId".to_owned(), renderer.idempotency_key()));
    }
    let targets = [("TopicArn", topic), ("PhoneNumber", phone), ("TargetArn", target)];
    for (name, value) in targets {
        fields.extend(value.map(|value| (name.to_owned(), value)));
    }
    for (at, (name, value)) in attributes.into_iter().enumerate() {
        let entry = format!("MessageAttributes.entry.{}", at + 1);
        fields.push((format!("{entry}.Name"), name));
        fields.push((format!("{entry}.Value.DataType"), DATA_TYPE.to_owned()));
        fields.push((format!("{entry}.Value.StringValue"), value));
    }
    fields.sort();
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Ok(url::query(&fields))
}

/// Those that have a name and a value, by name.
fn attributes(sns: &Sns, renderer: &mut Renderer<'_>) -> BTreeMap<String, String> {
    let mut rendered = |(name, value): &(TextTemplate, TextTemplate)| {
        let (name, value) = (renderer.or_default(name, ""), renderer.or_default(value, ""));
        (!name.is_empty() && !value.is_empty()).then_some((name, value))
    };
    sns.attributes.iter().filter_map(&mut rendered).collect()
}

/// What the attributes take of a message's bytes, one more for the cut included.
fn taken(attributes: &BTreeMap<String, String>) -> usize {
    let one = |name: &str, value: &str| name.len() + DATA_TYPE.len() + value.len();
    let own: usize = attributes.iter().map(|(name, value)| one(name, value)).sum();
    own + one(TRUNCATED.0, TRUNCATED.1)
}

/// One line that SNS takes.
fn subject(text: &str) -> String {
    let line: String = text.chars().map(|one| if one.is_control() { ' ' } else { one }).collect();
    trim::to_chars(line.trim(), SUBJECT_CHARS_MAX).0.into_owned()
}

/// SNS refuses empty messages.
fn or_excuse(message: String) -> String {
    if message.is_empty() { "(no details)".to_owned() } else { message }
}

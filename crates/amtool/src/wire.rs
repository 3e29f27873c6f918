//! The bodies of requests and answers of the API v2: alerts, silences and the status, as JSON.
//!
//! In: the JSON of answers and of files with silences. Out: values, and JSON again with the members in
//! the order of the Go client. A member that is missing is `None` and becomes `null` again; the
//! formats that need it say so.

use std::collections::BTreeMap;

use bellwether_encoding::json::{Escape, List, Object, push_string, push_string_map};
use bellwether_model::Timestamp;
use bellwether_model::matcher::{Matcher, Op};
use serde_json::Value;

pub mod read;

use read::Fields;

pub type Labels = BTreeMap<String, String>;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Silence {
    pub id: Option<String>,
    /// Only a server says it.
    pub state: Option<State>,
    pub updated_at: Option<Timestamp>,
    pub annotations: Labels,
    pub comment: Option<String>,
    pub created_by: Option<String>,
    pub ends_at: Option<Timestamp>,
    pub matchers: Option<Vec<WireMatcher>>,
    pub starts_at: Option<Timestamp>,
}

/// The member `status`, which has one member.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    pub state: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct WireMatcher {
    /// Servers of old do not say it; then it is true.
    pub is_equal: Option<bool>,
    pub is_regex: Option<bool>,
    pub name: Option<String>,
    pub value: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alert {
    pub annotations: Option<Labels>,
    pub ends_at: Option<Timestamp>,
    pub fingerprint: Option<String>,
    pub receivers: Option<Vec<Receiver>>,
    pub starts_at: Option<Timestamp>,
    pub status: Option<AlertStatus>,
    pub updated_at: Option<Timestamp>,
    pub generator_url: String,
    pub labels: Option<Labels>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Receiver {
    pub name: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlertStatus {
    pub inhibited_by: Option<Vec<String>>,
    pub muted_by: Option<Vec<String>>,
    pub silenced_by: Option<Vec<String>>,
    pub state: Option<String>,
}

/// An alert to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct NewAlert {
    pub annotations: Labels,
    pub ends_at: Timestamp,
    pub starts_at: Timestamp,
    pub generator_url: String,
    pub labels: Labels,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    pub cluster: Option<Cluster>,
    /// The member `original` of `config`.
    pub config: Option<Option<String>>,
    pub uptime: Option<Timestamp>,
    pub version: Option<Version>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cluster {
    pub name: String,
    pub peers: Option<Vec<Peer>>,
    pub status: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Peer {
    pub address: Option<String>,
    pub name: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Version {
    pub branch: Option<String>,
    pub build_date: Option<String>,
    pub build_user: Option<String>,
    pub go_version: Option<String>,
    pub revision: Option<String>,
    pub version: Option<String>,
}

/// What can be read from an answer.
pub trait Read: Sized {
    fn read(value: &Value) -> Result<Self, String>;
}

/// What can be written as JSON.
pub trait Write {
    fn write(&self, out: &mut String);

    fn json(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }
}

// === impl Silence ===

impl Read for Silence {
    fn read(value: &Value) -> Result<Self, String> {
        let fields = Fields::of(value, "models.Silence")?;
        Ok(Silence {
            id: fields.text("id")?,
            state: fields.inner("status")?,
            updated_at: fields.time("updatedAt")?,
            annotations: fields.labels("annotations")?.unwrap_or_default(),
            comment: fields.text("comment")?,
            created_by: fields.text("createdBy")?,
            ends_at: fields.time("endsAt")?,
            matchers: fields.list("matchers")?,
            starts_at: fields.time("startsAt")?,
        })
    }
}

impl Write for Silence {
    fn write(&self, out: &mut String) {
        let mut object = Object::begin(out);
        push_text(object.value("id"), self.id.as_deref());
        push_value(object.value("status"), self.state.as_ref());
        push_time(object.value("updatedAt"), self.updated_at);
        self.write_rest(&mut object);
        object.end();
    }
}

impl Silence {
    /// As it is sent to be created, or changed if it has an id.
    pub fn postable(&self) -> String {
        let mut out = String::new();
        let mut object = Object::begin(&mut out);
        object.non_empty("id", self.id.as_deref().unwrap_or_default());
        self.write_rest(&mut object);
        object.end();
        out
    }

    fn write_rest(&self, object: &mut Object<'_>) {
        if !self.annotations.is_empty() {
            push_labels(object.value("annotations"), Some(&self.annotations));
        }
        push_text(object.value("comment"), self.comment.as_deref());
        push_text(object.value("createdBy"), self.created_by.as_deref());
        push_time(object.value("endsAt"), self.ends_at);
        push_list(object.value("matchers"), self.matchers.as_deref());
        push_time(object.value("startsAt"), self.starts_at);
    }
}

impl Read for State {
    fn read(value: &Value) -> Result<Self, String> {
        Ok(State { state: Fields::of(value, "models.SilenceStatus")?.text("state")? })
    }
}

impl Write for State {
    fn write(&self, out: &mut String) {
        let mut object = Object::begin(out);
        push_text(object.value("state"), self.state.as_deref());
        object.end();
    }
}

impl Read for WireMatcher {
    fn read(value: &Value) -> Result<Self, String> {
        let fields = Fields::of(value, "models.Matcher")?;
        Ok(WireMatcher {
            is_equal: fields.bool("isEqual")?,
            is_regex: fields.bool("isRegex")?,
            name: fields.text("name")?,
            value: fields.text("value")?,
        })
    }
}

impl Write for WireMatcher {
    fn write(&self, out: &mut String) {
        let mut object = Object::begin(out);
        if let Some(is_equal) = self.is_equal {
            object.bool("isEqual", is_equal);
        }
        match self.is_regex {
            Some(is_regex) => object.bool("isRegex", is_regex),
            None => object.value("isRegex").push_str("null"),
        }
        push_text(object.value("name"), self.name.as_deref());
        push_text(object.value("value"), self.value.as_deref());
        object.end();
    }
}

impl WireMatcher {
    /// `name="value"`. The value is not compiled: it need not be a pattern that this program can read.
    pub fn shown(&self) -> String {
        let op = match (self.is_regex.unwrap_or_default(), self.is_equal.unwrap_or(true)) {
            (false, true) => Op::Equal,
            (false, false) => Op::NotEqual,
            (true, true) => Op::Matches,
            (true, false) => Op::NotMatches,
        };
        let name = self.name.as_deref().unwrap_or_default();
        let value = self.value.as_deref().unwrap_or_default();
        // As a comparison, which needs no program; what it compares with looks the same.
        let mut shown = Matcher::new(name, Op::Equal, value).expect("a comparison has no pattern");
        shown.op = op;
        shown.to_string()
    }
}

impl From<&Matcher> for WireMatcher {
    fn from(matcher: &Matcher) -> Self {
        WireMatcher {
            is_equal: Some(matcher.op.is_positive()),
            is_regex: Some(matcher.op.is_regex()),
            name: Some(matcher.name.clone()),
            value: Some(matcher.value.clone()),
        }
    }
}

// === impl Alert ===

impl Read for Alert {
    fn read(value: &Value) -> Result<Self, String> {
        let fields = Fields::of(value, "models.Alert")?;
        Ok(Alert {
            annotations: fields.labels("annotations")?,
            ends_at: fields.time("endsAt")?,
            fingerprint: fields.text("fingerprint")?,
            receivers: fields.list("receivers")?,
            starts_at: fields.time("startsAt")?,
            status: fields.inner("status")?,
            updated_at: fields.time("updatedAt")?,
            generator_url: fields.text("generatorURL")?.unwrap_or_default(),
            labels: fields.labels("labels")?,
        })
    }
}

impl Write for Alert {
    fn write(&self, out: &mut String) {
        let mut object = Object::begin(out);
        push_labels(object.value("annotations"), self.annotations.as_ref());
        push_time(object.value("endsAt"), self.ends_at);
        push_text(object.value("fingerprint"), self.fingerprint.as_deref());
        push_list(object.value("receivers"), self.receivers.as_deref());
        push_time(object.value("startsAt"), self.starts_at);
        push_value(object.value("status"), self.status.as_ref());
        push_time(object.value("updatedAt"), self.updated_at);
        object.non_empty("generatorURL", &self.generator_url);
        push_labels(object.value("labels"), self.labels.as_ref());
        object.end();
    }
}

impl Read for Receiver {
    fn read(value: &Value) -> Result<Self, String> {
        Ok(Receiver { name: Fields::of(value, "models.ReceiverReference")?.text("name")? })
    }
}

impl Write for Receiver {
    fn write(&self, out: &mut String) {
        let mut object = Object::begin(out);
        push_text(object.value("name"), self.name.as_deref());
        object.end();
    }
}

impl Read for AlertStatus {
    fn read(value: &Value) -> Result<Self, String> {
        let fields = Fields::of(value, "models.AlertStatus")?;
        Ok(AlertStatus {
            inhibited_by: fields.texts("inhibitedBy")?,
            muted_by: fields.texts("mutedBy")?,
            silenced_by: fields.texts("silencedBy")?,
            state: fields.text("state")?,
        })
    }
}

impl Write for AlertStatus {
    fn write(&self, out: &mut String) {
        let mut object = Object::begin(out);
        push_texts(object.value("inhibitedBy"), self.inhibited_by.as_deref());
        push_texts(object.value("mutedBy"), self.muted_by.as_deref());
        push_texts(object.value("silencedBy"), self.silenced_by.as_deref());
        push_text(object.value("state"), self.state.as_deref());
        object.end();
    }
}

impl Write for NewAlert {
    fn write(&self, out: &mut String) {
        let mut object = Object::begin(out);
        if !self.annotations.is_empty() {
            push_labels(object.value("annotations"), Some(&self.annotations));
        }
        push_time(object.value("endsAt"), Some(self.ends_at));
        push_time(object.value("startsAt"), Some(self.starts_at));
        object.non_empty("generatorURL", &self.generator_url);
        push_labels(object.value("labels"), Some(&self.labels));
        object.end();
    }
}

// === impl Status ===

impl Read for Status {
    fn read(value: &Value) -> Result<Self, String> {
        let fields = Fields::of(value, "models.AlertmanagerStatus")?;
        Ok(Status {
            cluster: fields.inner("cluster")?,
            config: match fields.member("config") {
                None => None,
                Some(config) => {
                    Some(Fields::of(config, "models.AlertmanagerConfig")?.text("original")?)
                }
            },
            uptime: fields.time("uptime")?,
            version: fields.inner("versionInfo")?,
        })
    }
}

impl Write for Status {
    fn write(&self, out: &mut String) {
        let mut object = Object::begin(out);
        push_value(object.value("cluster"), self.cluster.as_ref());
        match &self.config {
            None => object.value("config").push_str("null"),
            Some(original) => {
                let mut config = Object::begin(object.value("config"));
                push_text(config.value("original"), original.as_deref());
                config.end();
            }
        }
        push_time(object.value("uptime"), self.uptime);
        push_value(object.value("versionInfo"), self.version.as_ref());
        object.end();
    }
}

impl Read for Cluster {
    fn read(value: &Value) -> Result<Self, String> {
        let fields = Fields::of(value, "models.ClusterStatus")?;
        Ok(Cluster {
            name: fields.text("name")?.unwrap_or_default(),
            peers: fields.list("peers")?,
            status: fields.text("status")?,
        })
    }
}

impl Write for Cluster {
    fn write(&self, out: &mut String) {
        let mut object = Object::begin(out);
        object.non_empty("name", &self.name);
        push_list(object.value("peers"), self.peers.as_deref());
        push_text(object.value("status"), self.status.as_deref());
        object.end();
    }
}

impl Read for Peer {
    fn read(value: &Value) -> Result<Self, String> {
        let fields = Fields::of(value, "models.PeerStatus")?;
        Ok(Peer { address: fields.text("address")?, name: fields.text("name")? })
    }
}

impl Write for Peer {
    fn write(&self, out: &mut String) {
        let mut object = Object::begin(out);
        push_text(object.value("address"), self.address.as_deref());
        push_text(object.value("name"), self.name.as_deref());
        object.end();
    }
}

impl Read for Version {
    fn read(value: &Value) -> Result<Self, String> {
        let fields = Fields::of(value, "models.VersionInfo")?;
        Ok(Version {
            branch: fields.text("branch")?,
            build_date: fields.text("buildDate")?,
            build_user: fields.text("buildUser")?,
            go_version: fields.text("goVersion")?,
            revision: fields.text("revision")?,
            version: fields.text("version")?,
        })
    }
}

impl Write for Version {
    fn write(&self, out: &mut String) {
        let Version { branch, build_date, build_user, go_version, revision, version } = self;
        let mut object = Object::begin(out);
        push_text(object.value("branch"), branch.as_deref());
        push_text(object.value("buildDate"), build_date.as_deref());
        push_text(object.value("buildUser"), build_user.as_deref());
        push_text(object.value("goVersion"), go_version.as_deref());
        push_text(object.value("revision"), revision.as_deref());
        push_text(object.value("version"), version.as_deref());
        object.end();
    }
}

impl<T: Read> Read for Option<Vec<T>> {
    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Null => Ok(None),
            Value::Array(items) => items.iter().map(T::read).collect::<Result<_, _>>().map(Some),
            other => Err(read::mismatch(other, "Go value of type []interface {}")),
        }
    }
}

impl<T: Write> Write for [T] {
    fn write(&self, out: &mut String) {
        let mut list = List::begin(out);
        for item in self {
            item.write(list.value());
        }
        list.end();
    }
}

impl<T: Write> Write for Option<T> {
    fn write(&self, out: &mut String) {
        push_value(out, self.as_ref());
    }
}

fn push_value<T: Write>(out: &mut String, value: Option<&T>) {
    match value {
        Some(value) => value.write(out),
        None => out.push_str("null"),
    }
}

fn push_list<T: Write>(out: &mut String, list: Option<&[T]>) {
    match list {
        Some(list) => list.write(out),
        None => out.push_str("null"),
    }
}

fn push_text(out: &mut String, text: Option<&str>) {
    match text {
        Some(text) => push_string(out, text, Escape::Html),
        None => out.push_str("null"),
    }
}

fn push_texts(out: &mut String, texts: Option<&[String]>) {
    match texts {
        Some(texts) => bellwether_encoding::json::push_strings(out, texts, Escape::Html),
        None => out.push_str("null"),
    }
}

fn push_time(out: &mut String, at: Option<Timestamp>) {
    match at {
        Some(at) => {
            out.push('"');
            at.write_millis(out);
            out.push('"');
        }
        None => out.push_str("null"),
    }
}

fn push_labels(out: &mut String, labels: Option<&Labels>) {
    match labels {
        Some(labels) => {
            let pairs = labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            push_string_map(out, pairs, Escape::Html);
        }
        None => out.push_str("null"),
    }
}

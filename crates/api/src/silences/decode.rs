//! Decodes the body of a POST into the request for a silence.
//!
//! Compat: as with alerts the order of the checks is visible: JSON, types, schema (in upstream's
//! order of members, the first error only), times, matchers.

use std::collections::BTreeMap;

use bellwether_engine::{PostedSilence, SilenceRefusal};
use bellwether_model::matcher::{Compile, valid_label_name};
use bellwether_model::quote::quoted;
use bellwether_model::regex::{self, Pattern};
use bellwether_model::{Matcher, MatcherMode, Op, Timestamp};

use crate::answer::ApiError;
use crate::fields::{Decoder, mistyped};
use crate::json::read::{JsonReader, Kind, SyntaxError, lossy};

/// A silence as posted: complete, but its meaning is not checked yet.
#[derive(Clone, Debug, PartialEq)]
pub struct SilenceDraft {
    pub id: String,
    pub matchers: Vec<MatcherDraft>,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    pub created_by: String,
    pub comment: String,
    pub annotations: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatcherDraft {
    pub name: String,
    pub value: String,
    pub op: Op,
}

/// Reads the body of a POST to `/silences`.
pub fn decode_silence(body: &[u8]) -> Result<SilenceDraft, ApiError> {
    let text = lossy(body);
    let mut reader = JsonReader::new(&text);
    if reader.is_at_end() {
        return Err(ApiError::framework(602, "silence in body is required"));
    }
    let broken = |reason: String| {
        ApiError::framework(400, format!("parsing silence body from \"\" failed, because {reason}"))
    };
    let mut members = Members::default();
    members.read(&mut reader).map_err(|SyntaxError(reason)| broken(reason))?;
    // Upstream reads the id first, then everything else, each in the order of the body.
    if let Some(reason) = members.first_pass.error.take().or(members.second_pass.error.take()) {
        return Err(broken(reason));
    }
    members.into_draft()
}

/// The members of the body that are present.
#[derive(Default)]
struct Members {
    id: Option<String>,
    matchers: Option<Vec<MatcherMembers>>,
    starts_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
    created_by: Option<String>,
    comment: Option<String>,
    annotations: BTreeMap<String, String>,
    first_pass: Decoder,
    second_pass: Decoder,
}

#[derive(Default)]
struct MatcherMembers {
    /// Whether the element was `null`.
    missing: bool,
    name: Option<String>,
    value: Option<String>,
    is_regex: Option<bool>,
    is_equal: Option<bool>,
}

impl Members {
    fn read(&mut self, reader: &mut JsonReader<'_>) -> Result<(), SyntaxError> {
        match reader.kind()? {
            Kind::Object => reader.open_object()?,
            Kind::Null => return reader.null(),
            kind => {
                self.first_pass.error = Some(format!(
                    "{} into Go value of type models.PostableSilence",
                    mistyped(kind)
                ));
                return reader.skip();
            }
        }
        let mut first = true;
        while let Some(key) = reader.next_key(&mut first)? {
            self.read_member(&key, reader)?;
        }
        Ok(())
    }

    fn read_member(&mut self, key: &str, reader: &mut JsonReader<'_>) -> Result<(), SyntaxError> {
        let key = key.to_ascii_lowercase();
        let second = &mut self.second_pass;
        match key.as_str() {
            "id" => {
                if let Some(id) = self.first_pass.string(reader, ".id")? {
                    self.id = Some(id.into_owned());
                }
            }
            "matchers" => self.read_matchers(reader)?,
            // Here `null` removes an earlier value of the same name.
            "startsat" => {
                self.starts_at = None;
                second.date_time(reader, "Silence.startsAt", &mut self.starts_at)?;
            }
            "endsat" => {
                self.ends_at = None;
                second.date_time(reader, "Silence.endsAt", &mut self.ends_at)?;
            }
            "createdby" => {
                let text = second.string(reader, "Silence.createdBy")?;
                self.created_by = text.map(|text| text.into_owned());
            }
            "comment" => {
                let text = second.string(reader, "Silence.comment")?;
                self.comment = text.map(|text| text.into_owned());
            }
            "annotations" => {
                let mut pairs = Vec::new();
                if second.string_map(reader, "Silence.annotations", &mut pairs)?.is_none() {
                    self.annotations.clear();
                }
                let pairs =
                    pairs.into_iter().map(|(name, value)| (name.into_owned(), value.into_owned()));
                self.annotations.extend(pairs);
            }
            _ => reader.skip()?,
        }
        Ok(())
    }

    fn read_matchers(&mut self, reader: &mut JsonReader<'_>) -> Result<(), SyntaxError> {
        let second = &mut self.second_pass;
        if !second.expect(reader, Kind::Array, "Silence.matchers", "models.Matchers")? {
            self.matchers = None;
            return Ok(());
        }
        reader.open_array()?;
        let mut matchers = Vec::new();
        let mut first = true;
        while reader.next_element(&mut first)? {
            let mut matcher = MatcherMembers::default();
            if second.expect(reader, Kind::Object, "Silence.matchers", "models.Matcher")? {
                matcher.read(reader, second)?;
            } else {
                matcher.missing = true;
            }
            matchers.push(matcher);
        }
        self.matchers = Some(matchers);
        Ok(())
    }

    fn into_draft(self) -> Result<SilenceDraft, ApiError> {
        let required = |name: &str| ApiError::framework(602, format!("{name} in body is required"));
        let comment = self.comment.ok_or_else(|| required("comment"))?;
        let created_by = self.created_by.ok_or_else(|| required("createdBy"))?;
        let ends_at = self.ends_at.ok_or_else(|| required("endsAt"))?;
        let matchers = self.matchers.ok_or_else(|| required("matchers"))?;
        if matchers.is_empty() {
            return Err(ApiError::framework(612, "matchers in body should have at least 1 items"));
        }
        let matchers: Result<Vec<MatcherDraft>, ApiError> = matchers
            .into_iter()
            .enumerate()
            .map(|(index, matcher)| {
                let required = |name: &str| required(&format!("matchers.{index}{name}"));
                matcher.into_draft(required)
            })
            .collect();
        Ok(SilenceDraft {
            matchers: matchers?,
            starts_at: self.starts_at.ok_or_else(|| required("startsAt"))?,
            id: self.id.unwrap_or_default(),
            ends_at,
            created_by,
            comment,
            annotations: self.annotations,
        })
    }
}

impl MatcherMembers {
    fn read(
        &mut self,
        reader: &mut JsonReader<'_>,
        decoder: &mut Decoder,
    ) -> Result<(), SyntaxError> {
        reader.open_object()?;
        let mut first = true;
        while let Some(key) = reader.next_key(&mut first)? {
            match key.to_ascii_lowercase().as_str() {
                "name" => {
                    let name = decoder.string(reader, "Matcher.matchers.name")?;
                    self.name = name.map(|name| name.into_owned());
                }
                "value" => {
                    let value = decoder.string(reader, "Matcher.matchers.value")?;
                    self.value = value.map(|value| value.into_owned());
                }
                "isregex" => {
                    self.is_regex = decoder.boolean(reader, "Matcher.matchers.isRegex")?;
                }
                "isequal" => {
                    self.is_equal = decoder.boolean(reader, "Matcher.matchers.isEqual")?;
                }
                _ => reader.skip()?,
            }
        }
        Ok(())
    }

    fn into_draft(self, required: impl Fn(&str) -> ApiError) -> Result<MatcherDraft, ApiError> {
        if self.missing {
            // Compat: upstream hangs up on these.
            return Err(required(""));
        }
        let is_regex = self.is_regex.ok_or_else(|| required(".isRegex"))?;
        let op = match (self.is_equal.unwrap_or(true), is_regex) {
            (true, false) => Op::Equal,
            (false, false) => Op::NotEqual,
            (true, true) => Op::Matches,
            (false, true) => Op::NotMatches,
        };
        Ok(MatcherDraft {
            name: self.name.ok_or_else(|| required(".name"))?,
            value: self.value.ok_or_else(|| required(".value"))?,
            op,
        })
    }
}

/// Why a draft cannot become a silence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DraftRefusal {
    /// What the engine would say of the times.
    Times(SilenceRefusal),
    Matchers(String),
}

impl SilenceDraft {
    /// Compiles the matchers.
    pub fn into_posted(
        self,
        mode: MatcherMode,
        now: Timestamp,
    ) -> Result<PostedSilence, DraftRefusal> {
        self.into_posted_by(mode, now, &mut Pattern::anchored)
    }

    /// As [`SilenceDraft::into_posted`], with patterns that are made by what is given.
    ///
    /// The engine checks the times, too; here they only matter because an error in
    /// them is reported before an error in a matcher.
    pub fn into_posted_by(
        self,
        mode: MatcherMode,
        now: Timestamp,
        by: Compile<'_>,
    ) -> Result<PostedSilence, DraftRefusal> {
        let SilenceDraft { id, matchers, starts_at, ends_at, created_by, comment, annotations } =
            self;
        let matchers = compile(matchers, mode, by).map_err(|reason| {
            if starts_at >= ends_at {
                DraftRefusal::Times(SilenceRefusal::StartNotBeforeEnd)
            } else if ends_at < now {
                DraftRefusal::Times(SilenceRefusal::EndsInThePast)
            } else {
                DraftRefusal::Matchers(format!("invalid silence: {reason}"))
            }
        })?;
        let id = Some(id).filter(|id| !id.is_empty());
        Ok(PostedSilence { id, matchers, starts_at, ends_at, created_by, comment, annotations })
    }
}

fn compile(
    drafts: Vec<MatcherDraft>,
    mode: MatcherMode,
    by: Compile<'_>,
) -> Result<Vec<Matcher>, String> {
    if drafts.len() > MATCHERS_MAX {
        return Err(format!("{} matchers (limit: {MATCHERS_MAX})", drafts.len()));
    }
    let compiled =
        drafts.into_iter().enumerate().map(|(index, MatcherDraft { name, value, op })| {
            let at = format!("invalid label matcher {index} in set 0");
            if !valid_label_name(&name, mode) {
                return Err(format!("{at}: invalid label name {}", quoted(&name)));
            }
            Matcher::compiled_by(name, op, value.clone(), by).map_err(|anchored| {
                // Upstream checks the pattern without anchors here, and the error may quote them.
                let error = regex::check(&value).err().unwrap_or(anchored);
                format!("{at}: invalid regular expression {}: {error}", quoted(&value))
            })
        });
    compiled.collect()
}

/// Limit: matchers of one silence.
pub const MATCHERS_MAX: usize = 256;

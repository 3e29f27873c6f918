//! Decodes the body of a POST into alerts, in one pass and without a tree: this is the hottest path.
//!
//! Strings are borrowed from the body where they carry no escapes, sorted in place, and packed.
//!
//! Compat: the order of the checks is visible. A syntax error of the JSON comes first; then the
//! first value of a wrong type; then the first violation of the schema; and only if the body passes
//! all this is each alert checked by itself.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use bellwether_model::labels::{fingerprint_of, sort_last_wins};
use bellwether_model::matcher::valid_label_name;
use bellwether_model::quote::quoted;
use bellwether_model::{LabelSet, MatcherMode, NewAlert, Timestamp};

use super::{DecodedAlerts, InvalidAlert};
use crate::answer::ApiError;
use crate::fields::{Decoder, mistyped};
use crate::json::read::{JsonReader, Kind, SyntaxError, lossy};
use crate::uri::is_request_uri;

/// Reads the body of a POST to `/alerts`.
pub fn decode_alerts(body: &[u8], mode: MatcherMode) -> Result<DecodedAlerts, ApiError> {
    let text = lossy(body);
    let mut reader = JsonReader::new(&text);
    if reader.is_at_end() {
        return Err(ApiError::framework(602, "alerts in body is required"));
    }
    let broken = |reason: String| {
        ApiError::framework(400, format!("parsing alerts body from \"\" failed, because {reason}"))
    };
    let mut decoder = AlertsDecoder {
        mode,
        decoded: DecodedAlerts::default(),
        type_error: None,
        schema_error: None,
    };
    decoder.read_all(&mut reader).map_err(|SyntaxError(reason)| broken(reason))?;
    match (decoder.type_error, decoder.schema_error) {
        (Some(reason), _) => Err(broken(reason)),
        (None, Some(error)) => Err(error),
        (None, None) => Ok(decoder.decoded),
    }
}

/// One pass over a body.
struct AlertsDecoder {
    mode: MatcherMode,
    decoded: DecodedAlerts,
    /// The first of each in the body.
    type_error: Option<String>,
    schema_error: Option<ApiError>,
}

type Pairs<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// An alert as far as it was read; reused from one to the next.
#[derive(Default)]
struct Draft<'a> {
    /// `None` if the alert has none, which is not the same as an empty set.
    labels: Option<()>,
    label_pairs: Pairs<'a>,
    annotation_pairs: Pairs<'a>,
    /// Label sets are built in here.
    scratch: String,
    generator_url: Cow<'a, str>,
    starts_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
    /// Upstream reads an alert in two halves, and an error of the first one wins.
    first_half: Decoder,
    second_half: Decoder,
}

impl AlertsDecoder {
    fn read_all<'a>(&mut self, reader: &mut JsonReader<'a>) -> Result<(), SyntaxError> {
        match reader.kind()? {
            Kind::Array => reader.open_array()?,
            Kind::Null => return reader.null(),
            kind => {
                self.type_error =
                    Some(format!("{} into Go value of type models.PostableAlerts", mistyped(kind)));
                return reader.skip();
            }
        }
        let mut draft = Draft::default();
        let mut first = true;
        let mut position = 0;
        while reader.next_element(&mut first)? {
            match reader.kind()? {
                Kind::Object => {
                    draft.clear();
                    draft.read(reader)?;
                    self.finish(&mut draft, position);
                }
                Kind::Null => {
                    // Compat: upstream hangs up on these.
                    reader.null()?;
                    self.note_schema(602, || format!("{position} in body is required"));
                }
                kind => {
                    reader.skip()?;
                    self.type_error.get_or_insert_with(|| {
                        format!("{} into Go value of type models.PostableAlert", mistyped(kind))
                    });
                }
            }
            position += 1;
        }
        Ok(())
    }

    fn note_schema(&mut self, code: u16, message: impl FnOnce() -> String) {
        self.schema_error.get_or_insert_with(|| ApiError::framework(code, message()));
    }

    /// Checks a draft, and turns it into an alert if it is valid.
    fn finish(&mut self, draft: &mut Draft<'_>, position: usize) {
        if let Some(error) = draft.first_half.error.take().or(draft.second_half.error.take()) {
            self.type_error.get_or_insert(error);
        }
        let url = &draft.generator_url;
        if !url.is_empty() && !is_request_uri(url) {
            self.note_schema(601, || {
                format!("{position}.generatorURL in body must be of type uri: {}", quoted(url))
            });
        }
        if draft.labels.is_none() {
            self.note_schema(602, || format!("{position}.labels in body is required"));
        }
        // If the body as a whole is invalid, none of its alerts is accepted.
        if self.type_error.is_some() || self.schema_error.is_some() {
            return;
        }
        match draft.build(self.mode) {
            Ok(alert) => self.decoded.alerts.push(alert),
            Err(message) => {
                let ends_at = draft.ends_at.filter(|end| !end.is_zero());
                self.decoded.invalid.push(InvalidAlert { position, ends_at, message });
            }
        }
    }
}

impl<'a> Draft<'a> {
    fn clear(&mut self) {
        self.labels = None;
        self.label_pairs.clear();
        self.annotation_pairs.clear();
        self.generator_url = Cow::Borrowed("");
        self.starts_at = None;
        self.ends_at = None;
    }

    fn read(&mut self, reader: &mut JsonReader<'a>) -> Result<(), SyntaxError> {
        reader.open_object()?;
        let mut first = true;
        while let Some(key) = reader.next_key(&mut first)? {
            match Field::of(&key) {
                Some(Field::Labels) => {
                    let pairs = &mut self.label_pairs;
                    self.labels = self.second_half.string_map(reader, "Alert.labels", pairs)?;
                }
                Some(Field::Annotations) => {
                    let pairs = &mut self.annotation_pairs;
                    self.first_half.string_map(reader, ".annotations", pairs)?;
                }
                Some(Field::StartsAt) => {
                    let half = &mut self.first_half;
                    half.date_time(reader, ".startsAt", &mut self.starts_at)?;
                }
                Some(Field::EndsAt) => {
                    self.first_half.date_time(reader, ".endsAt", &mut self.ends_at)?;
                }
                Some(Field::GeneratorUrl) => {
                    let half = &mut self.second_half;
                    if let Some(url) = half.string(reader, "Alert.generatorURL")? {
                        self.generator_url = url;
                    }
                }
                None => reader.skip()?,
            }
        }
        Ok(())
    }

    /// Sorts what was read, and makes an alert of it; the error says what is wrong.
    fn build(&mut self, mode: MatcherMode) -> Result<NewAlert, String> {
        let set = |at: Option<Timestamp>| at.filter(|at| !at.is_zero());
        let (starts_at, ends_at) = (set(self.starts_at), set(self.ends_at));
        if let (Some(start), Some(end)) = (starts_at, ends_at)
            && end < start
        {
            return Err("start time must be before end time".into());
        }
        sort(&mut self.label_pairs);
        sort(&mut self.annotation_pairs);
        // Compat: a label with an empty value is dropped; such an annotation is kept.
        self.label_pairs.retain(|(_, value)| !value.is_empty());
        if self.label_pairs.is_empty() {
            return Err("at least one label pair required".into());
        }
        check("label set", &self.label_pairs, mode)?;
        check("annotations", &self.annotation_pairs, mode)?;
        Ok(NewAlert {
            fingerprint: fingerprint_of(borrowed(&self.label_pairs)),
            labels: LabelSet::from_sorted_in(&mut self.scratch, borrowed(&self.label_pairs)),
            annotations: LabelSet::from_sorted_in(
                &mut self.scratch,
                borrowed(&self.annotation_pairs),
            ),
            generator_url: shared(&self.generator_url),
            starts_at,
            ends_at,
        })
    }
}

enum Field {
    Labels,
    Annotations,
    StartsAt,
    EndsAt,
    GeneratorUrl,
}

impl Field {
    /// Senders write the names as documented; upstream takes them in any case.
    fn of(key: &str) -> Option<Field> {
        match key {
            "labels" => Some(Field::Labels),
            "annotations" => Some(Field::Annotations),
            "startsAt" => Some(Field::StartsAt),
            "endsAt" => Some(Field::EndsAt),
            "generatorURL" => Some(Field::GeneratorUrl),
            _ if key.eq_ignore_ascii_case("labels") => Some(Field::Labels),
            _ if key.eq_ignore_ascii_case("annotations") => Some(Field::Annotations),
            _ if key.eq_ignore_ascii_case("startsat") => Some(Field::StartsAt),
            _ if key.eq_ignore_ascii_case("endsat") => Some(Field::EndsAt),
            _ if key.eq_ignore_ascii_case("generatorurl") => Some(Field::GeneratorUrl),
            _ => None,
        }
    }
}

/// Sorts by name, the last of equal names wins; senders mostly send sorted sets.
fn sort(pairs: &mut Pairs<'_>) {
    if pairs.is_sorted_by(|a, b| a.0 < b.0) {
        return;
    }
    let owned = std::mem::take(pairs);
    let mut by_name: Vec<(&str, usize)> =
        owned.iter().enumerate().map(|(at, (name, _))| (name.as_ref(), at)).collect();
    sort_last_wins(&mut by_name);
    *pairs = by_name.into_iter().filter_map(|(_, at)| owned.get(at).cloned()).collect();
}

/// Limit: number and length of the pairs.
fn check(what: &str, pairs: &Pairs<'_>, mode: MatcherMode) -> Result<(), String> {
    let invalid = |reason: String| Err(format!("invalid {what}: {reason}"));
    if pairs.len() > PAIRS_MAX {
        return invalid(format!("{} names (limit: {PAIRS_MAX})", pairs.len()));
    }
    for (name, value) in pairs {
        if name.len() > NAME_BYTES_MAX {
            return invalid(format!("name of {} bytes (limit: {NAME_BYTES_MAX})", name.len()));
        }
        if !valid_label_name(name, mode) {
            return invalid(format!("invalid name {}", quoted(name)));
        }
        if value.len() > VALUE_BYTES_MAX {
            let bytes = value.len();
            return invalid(format!(
                "value of {} has {bytes} bytes (limit: {VALUE_BYTES_MAX})",
                quoted(name)
            ));
        }
    }
    Ok(())
}

fn borrowed<'p>(pairs: &'p Pairs<'_>) -> impl Iterator<Item = (&'p str, &'p str)> {
    pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
}

fn shared(text: &str) -> Arc<str> {
    static EMPTY: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from(""));
    if text.is_empty() { EMPTY.clone() } else { text.into() }
}

/// Limit: labels, and annotations, of one alert.
pub const PAIRS_MAX: usize = 1_024;
/// Limit: length of the name of a label or annotation.
pub const NAME_BYTES_MAX: usize = 4 * 1024;
/// Limit: length of the value of a label or annotation.
pub const VALUE_BYTES_MAX: usize = 256 * 1024;

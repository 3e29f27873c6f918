//! Silences over HTTP: post, read, list, expire.
//!
//! In: bodies, ids and queries. Out: commands for the backend, and silences as JSON. The engine
//! decides which changes are allowed; this file checks the form of a body, and turns each rejection
//! into a response.

mod decode;
mod write;

use std::cmp::Reverse;
use std::sync::Arc;

use bellwether_engine::{SilenceRefusal, UnknownSilence, View};
use bellwether_model::matcher::Compile;
use bellwether_model::{Matcher, Silence, SilenceState, Timestamp};
use http::StatusCode;

use crate::answer::ApiError;
use crate::backend::{Answered, Backend};
use crate::body::HeldBody;
use crate::caller::Caller;
use crate::query::Query;
use crate::refusal::Refusal;
use crate::saved::Saved;
use crate::state::AppState;
use bellwether_encoding::json::{Escape, push_string};

use decode::DraftRefusal;
pub use decode::{MatcherDraft, SilenceDraft, decode_silence};
use write::push_silence;

/// Which silences a reader wants.
#[derive(Debug)]
pub(crate) struct SilenceQuery {
    pub filters: Vec<Matcher>,
    pub active: bool,
    pub pending: bool,
    pub expired: bool,
}

/// Takes the body of a POST to `/silences`; returns the JSON of the answer, and how far it is saved.
pub(crate) async fn post<B: Backend>(
    caller: &Caller<'_, B>,
    state: &AppState<B>,
    body: HeldBody,
    mode: bellwether_model::MatcherMode,
) -> Result<(String, Saved), ApiError> {
    let HeldBody { bytes, room: _room, .. } = body;
    let draft = if bytes.len() > INLINE_BYTES_MAX {
        let decoded = tokio::task::spawn_blocking(move || decode_silence(&bytes)).await;
        decoded.map_err(|error| ApiError::internal(error.to_string()))??
    } else {
        decode_silence(&bytes)?
    };
    let (starts_at, ends_at) = (draft.starts_at, draft.ends_at);
    let now = caller.backend.now();
    let read = move |compile: Compile<'_>| draft.clone().into_posted_by(mode, now, compile);
    let posted = state.compile(read).await?;
    let refuse =
        |refusal: SilenceRefusal| caller.refuse(refusal_to_create(&refusal, starts_at, ends_at));
    let posted = posted.map_err(|refusal| match refusal {
        DraftRefusal::Times(refusal) => refuse(refusal),
        DraftRefusal::Matchers(error) => {
            let status = StatusCode::BAD_REQUEST;
            caller.refuse(Refusal::SilenceNotCreated { status, error })
        }
    })?;
    match caller.backend.post_silence(posted).await {
        Ok(Answered { reply: Ok(id), saved }) => {
            let mut out = String::from("{\"silenceID\":");
            push_string(&mut out, &id, Escape::Plain);
            out.push_str("}\n");
            Ok((out, saved))
        }
        Ok(Answered { reply: Err(refusal), .. }) => Err(refuse(refusal)),
        Err(error) => {
            let (status, error) = (error.status(), error.to_string());
            Err(caller.refuse(Refusal::SilenceNotCreated { status, error }))
        }
    }
}

fn refusal_to_create(
    refusal: &SilenceRefusal,
    starts_at: Timestamp,
    ends_at: Timestamp,
) -> Refusal {
    let error = refusal.to_string();
    let status = match refusal {
        SilenceRefusal::StartNotBeforeEnd => {
            return Refusal::SilenceStartNotBeforeEnd { starts_at, ends_at, error };
        }
        SilenceRefusal::EndsInThePast => return Refusal::SilenceEndsInThePast { ends_at, error },
        SilenceRefusal::NotFound => StatusCode::NOT_FOUND,
        SilenceRefusal::NoMatchers
        | SilenceRefusal::OnlyEmptyMatches
        | SilenceRefusal::TooMany { .. }
        | SilenceRefusal::TooLarge { .. }
        | SilenceRefusal::PatternsTooLarge { .. } => StatusCode::BAD_REQUEST,
    };
    Refusal::SilenceNotCreated { status, error }
}

/// Ends the silence with this id now; one that has ended stays as it is.
pub(crate) async fn expire<B: Backend>(
    caller: &Caller<'_, B>,
    id: String,
) -> Result<Saved, ApiError> {
    let (status, error) = match caller.backend.expire_silence(id).await {
        Ok(Answered { reply: Ok(()), saved }) => return Ok(saved),
        Ok(Answered { reply: Err(UnknownSilence), .. }) => {
            (StatusCode::NOT_FOUND, SilenceRefusal::NotFound.to_string())
        }
        Err(error) => (error.status(), error.to_string()),
    };
    Err(caller.refuse(Refusal::SilenceNotExpired { status, error }))
}

/// One silence as JSON.
pub(crate) fn one(view: &View, now: Timestamp, id: &str) -> Result<String, Refusal> {
    let silence = view.silence(id).ok_or_else(|| Refusal::SilenceNotFound { id: id.to_owned() })?;
    let mut out = String::new();
    let why = view.not_in_force(id);
    push_silence(&mut out, silence, view.silence_state(silence, now), why)
        .map_err(|error| Refusal::SilenceNotShown { error })?;
    out.push('\n');
    Ok(out)
}

/// The silences that a query asks for, as a JSON array.
///
/// Compat: this version of the interface cannot show a silence with several matcher sets, and one
/// such silence in the result turns all of it into an error.
pub(crate) fn list(view: &View, now: Timestamp, query: &SilenceQuery) -> Result<String, Refusal> {
    let all = view.silences().map(|silence| (silence, view.silence_state(silence, now)));
    let mut chosen: Vec<(&Arc<Silence>, SilenceState)> =
        all.filter(|(silence, state)| query.fits(silence, *state)).collect();
    chosen.sort_by_cached_key(|(silence, state)| place(silence, *state));
    let mut out = String::with_capacity(2 + chosen.len() * 400);
    out.push('[');
    for (index, (silence, state)) in chosen.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        push_silence(&mut out, silence, state, view.not_in_force(&silence.id))
            .map_err(|error| Refusal::SilencesNotShown { error })?;
    }
    out.push_str("]\n");
    Ok(out)
}

impl SilenceQuery {
    pub fn new(query: &Query, filters: Vec<Matcher>) -> Self {
        SilenceQuery {
            filters,
            active: query.flag("active"),
            pending: query.flag("pending"),
            expired: query.flag("expired"),
        }
    }

    fn fits(&self, silence: &Silence, state: SilenceState) -> bool {
        let wanted = match state {
            SilenceState::Active => self.active,
            SilenceState::Pending => self.pending,
            SilenceState::Expired => self.expired,
        };
        wanted
            && silence.matcher_sets.iter().any(|set| {
                // Compat: filters are compared by their text, never by what they match.
                self.filters.iter().all(|filter| set.iter().any(|matcher| matcher == filter))
            })
    }
}

/// Sorts active silences by end, then pending ones by start, then expired ones by end, the latest
/// first; those with equal times by their last change, which is mostly their creation.
fn place(silence: &Silence, state: SilenceState) -> (u8, i128, Reverse<i128>, Timestamp) {
    let none = Reverse(0);
    let changed = silence.updated_at;
    match state {
        SilenceState::Active => (0, silence.ends_at.unix_nanos(), none, changed),
        SilenceState::Pending => (1, silence.starts_at.unix_nanos(), none, changed),
        SilenceState::Expired => (2, 0, Reverse(silence.ends_at.unix_nanos()), changed),
    }
}

/// Whether a path may name a silence: a UUID, bare, without hyphens, in braces or as a URN.
pub(crate) fn is_uuid(text: &str) -> bool {
    let braced = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    let urn = text.split_at_checked("urn:uuid:".len());
    let urn = urn.filter(|(start, _)| start.eq_ignore_ascii_case("urn:uuid:"));
    let hyphenated = braced.or(urn.map(|(_, rest)| rest)).unwrap_or(text);
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let widths = [8, 4, 4, 4, 12];
    let mut parts = hyphenated.split('-');
    (text.len() == 32 && is_hex(text))
        || (widths.iter().all(|width| parts.next().is_some_and(|p| p.len() == *width && is_hex(p)))
            && parts.next().is_none())
}

/// Larger bodies are decoded outside the threads that serve connections.
const INLINE_BYTES_MAX: usize = 256 * 1024;

#[cfg(test)]
mod tests;

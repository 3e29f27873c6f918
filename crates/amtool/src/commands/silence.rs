//! `amtool silence add`, `query`, `update` and `expire`.

use std::sync::Arc;
use std::time::Duration;

use bellwether_encoding::url::query as encoded;
use bellwether_model::Timestamp;
use bellwether_model::duration::parse_prometheus;

use super::{Session, Stop, runtime};
use tokio::task::JoinSet;

use crate::api::{Api, ApiError, Call, DELETE_SILENCE, GET_SILENCE, GET_SILENCES};
use crate::date_time::parse_rfc3339;
use crate::line::Options;
use crate::output::present;
use crate::wire::{Silence, WireMatcher};

use super::import::post;

pub fn add(mut session: Session<'_, '_>) -> Result<(), Stop> {
    let silence = new_silence(&mut session)?;
    let id = runtime()?.block_on(async {
        let api = session.connect().await?;
        post(&api, &silence).await.map_err(Stop::from)
    })?;
    session.around.print(&format!("{id}\n"));
    Ok(())
}

fn new_silence(session: &mut Session<'_, '_>) -> Result<Silence, Stop> {
    let words = std::mem::take(&mut session.options.words);
    let words = session.syntax.filters(&words, session.around);
    let mut matchers = Vec::new();
    for word in &words {
        matchers.push(WireMatcher::from(&session.syntax.matcher(word, session.around)?));
    }
    if matchers.is_empty() {
        return Err(Stop::Failed("no matchers specified".to_owned()));
    }
    let options = &session.options;
    let starts_at = match options.start.as_str() {
        "" => session.around.now.in_utc(),
        text => parse_rfc3339(text)?,
    };
    let ends_at = match options.end.as_str() {
        "" => starts_at.in_utc().plus(duration(&options.duration)?),
        text => parse_rfc3339(text)?,
    };
    if starts_at > ends_at {
        return Err(Stop::Failed(ENDS_FIRST.to_owned()));
    }
    if options.require_comment && options.comment.is_empty() {
        return Err(Stop::Failed("comment required by config".to_owned()));
    }
    let annotations = session.syntax.pairs(
        &session.options.annotations,
        "annotations must be specified as key=value pairs",
        session.around,
    )?;
    Ok(Silence {
        annotations,
        comment: Some(session.options.comment.clone()),
        created_by: Some(session.options.author.clone()),
        ends_at: Some(ends_at),
        matchers: Some(matchers),
        starts_at: Some(starts_at),
        ..Silence::default()
    })
}

pub fn query(mut session: Session<'_, '_>) -> Result<(), Stop> {
    let words = std::mem::take(&mut session.options.words);
    let filters = session.syntax.filters(&words, session.around);
    let query: Vec<String> =
        filters.iter().map(|filter| format!("filter={}", encoded(filter))).collect();
    let call = Call { query: query.join("&"), ..Call::default() };
    let silences: Option<Vec<Silence>> = runtime()?.block_on(async {
        let api = session.connect().await?;
        api.read(GET_SILENCES, call).await.map_err(Stop::from)
    })?;
    let mut shown = Vec::new();
    for silence in silences.unwrap_or_default() {
        if is_asked_for(&silence, &session.options, session.around.now)? {
            shown.push(silence);
        }
    }
    print(session, shown)
}

/// The filters that the server does not know.
fn is_asked_for(silence: &Silence, options: &Options, now: Timestamp) -> Result<bool, Stop> {
    let ends_at = *present(silence.ends_at.as_ref(), "endsAt")?;
    let within = u64::try_from(options.within).ok().filter(|within| *within > 0);
    let within = within.map(Duration::from_nanos);
    let is_in_time = match (options.expired, within) {
        (false, None) => ends_at >= now,
        (false, Some(within)) => ends_at >= now && ends_at <= now.plus(within),
        (true, None) => ends_at <= now,
        (true, Some(within)) => ends_at <= now && ends_at >= now.minus(within),
    };
    let has = |wanted: &str, value: &Option<String>| {
        wanted.is_empty() || value.as_deref() == Some(wanted)
    };
    Ok(is_in_time && has(&options.created_by, &silence.created_by) && has(&options.id, &silence.id))
}

pub fn update(mut session: Session<'_, '_>) -> Result<(), Stop> {
    let ids = ids(&mut session)?;
    let updated = runtime()?.block_on(async {
        let api = session.connect().await?;
        let mut updated = Vec::new();
        for id in &ids {
            updated.push(update_one(&mut session, &api, id).await?);
        }
        Ok::<_, Stop>(updated)
    })?;
    print(session, updated)
}

async fn update_one(session: &mut Session<'_, '_>, api: &Api, id: &str) -> Result<Silence, Stop> {
    let call = Call { silence: id, ..Call::default() };
    let mut silence: Silence = api.read(GET_SILENCE, call).await?;
    let options = &session.options;
    if !options.start.is_empty() {
        silence.starts_at = Some(parse_rfc3339(&options.start)?);
    }
    let starts_at = *present(silence.starts_at.as_ref(), "startsAt")?;
    if !options.end.is_empty() {
        silence.ends_at = Some(parse_rfc3339(&options.end)?);
    } else if !options.duration.is_empty() {
        silence.ends_at = Some(starts_at.in_utc().plus(duration(&options.duration)?));
    }
    if starts_at > *present(silence.ends_at.as_ref(), "endsAt")? {
        return Err(Stop::Failed(ENDS_FIRST.to_owned()));
    }
    if !options.comment.is_empty() {
        silence.comment = Some(options.comment.clone());
    }
    // Compat: the version is compared again before each change.
    let api = session.connect().await?;
    silence.id = Some(post(&api, &silence).await?);
    Ok(silence)
}

pub fn expire(mut session: Session<'_, '_>) -> Result<(), Stop> {
    let ids = ids(&mut session)?;
    let at_a_time = if ids.len() > IN_ORDER_MAX { EXPIRED_AT_A_TIME } else { 1 };
    runtime()?.block_on(async {
        let api = Arc::new(session.connect().await?);
        let mut waiting = ids.into_iter().enumerate();
        let mut under_way = JoinSet::new();
        let mut failed: Option<(usize, ApiError)> = None;
        loop {
            while failed.is_none() && under_way.len() < at_a_time {
                let Some((place, id)) = waiting.next() else { break };
                let api = Arc::clone(&api);
                under_way.spawn(async move {
                    let call = Call { silence: &id, ..Call::default() };
                    api.act(DELETE_SILENCE, call).await.map_err(|error| (place, error))
                });
            }
            match under_way.join_next().await {
                None => break,
                Some(Ok(Ok(()))) => {}
                Some(Ok(Err(error))) => {
                    // The first of them is reported, whichever answer comes first.
                    let is_first = failed.as_ref().is_none_or(|(place, _)| error.0 < *place);
                    failed = if is_first { Some(error) } else { failed };
                }
                Some(Err(error)) => return Err(Stop::Failed(error.to_string())),
            }
        }
        failed.map_or(Ok(()), |(_, error)| Err(Stop::from(error)))
    })
}

/// So many ids are expired one after the other, as the Go program does it with any number: none of
/// those behind one that fails.
const IN_ORDER_MAX: usize = 16;
/// Limit: requests at a time with more ids. After a failure those under way still count.
/// Compat: docs/compat.md#amtool.
const EXPIRED_AT_A_TIME: usize = 8;

fn ids(session: &mut Session<'_, '_>) -> Result<Vec<String>, Stop> {
    let ids = std::mem::take(&mut session.options.words);
    if ids.is_empty() {
        return Err(Stop::Failed("no silence IDs specified".to_owned()));
    }
    Ok(ids)
}

fn print(session: Session<'_, '_>, silences: Vec<Silence>) -> Result<(), Stop> {
    let text = match session.options.quiet {
        // Compat: for `update` the Go program prints addresses in its memory.
        true => silences
            .iter()
            .map(|silence| present(silence.id.as_ref(), "id").map(|id| format!("{id}\n")))
            .collect::<Result<String, _>>()?,
        false => {
            let shown = session.style().silences(silences);
            shown.map_err(|error| format!("error formatting silences: {error}"))?
        }
    };
    session.around.print(&text);
    Ok(())
}

fn duration(text: &str) -> Result<Duration, Stop> {
    let duration = parse_prometheus(text).map_err(|error| error.to_string())?;
    if duration.is_zero() {
        return Err(Stop::Failed("silence duration must be greater than 0".to_owned()));
    }
    Ok(duration)
}

const ENDS_FIRST: &str = "silence cannot start after it ends";

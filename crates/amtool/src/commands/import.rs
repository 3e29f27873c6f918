//! `amtool silence import`: silences from a file, several requests at a time.
//!
//! The file is a JSON list, as `silence query -o json` prints it. A silence that is wrong ends the
//! reading; those before it are sent.

use std::sync::Arc;

use serde_json::Value;
use tokio::task::JoinSet;

use super::{Session, Stop, runtime};
use crate::api::{Api, ApiError, Call, POST_SILENCES};
use crate::files;
use crate::wire::read::described;
use crate::wire::{Read, Silence, read};

pub fn import(mut session: Session<'_, '_>) -> Result<(), Stop> {
    let bytes = match session.options.input_file.as_str() {
        "" => files::read_limited(&mut *session.around.stdin.stream, "/dev/stdin")?,
        file => files::read_bytes(file)?,
    };
    let text = String::from_utf8_lossy(&bytes);
    let unreadable = |reason: String| {
        Stop::Failed(format!("couldn't unmarshal input data, is it JSON?: {reason}"))
    };
    let items = Items::begin(&text).map_err(unreadable)?;
    let workers = usize::try_from(session.options.workers).unwrap_or_default();
    if workers == 0 {
        // The Go program succeeds here, having read the file and sent nothing.
        return Err(Stop::Failed("--worker must be at least 1, nothing was imported".into()));
    }
    let force = session.options.force;
    runtime()?.block_on(async {
        let api = Arc::new(session.connect().await?);
        let mut under_way = JoinSet::new();
        let mut tally = Tally::default();
        let mut end = Ok(());
        for item in items {
            let mut silence = match item {
                Ok(silence) => silence,
                Err(reason) => {
                    end = Err(unreadable(reason));
                    break;
                }
            };
            if force {
                silence.id = None;
            }
            if under_way.len() >= workers {
                tally.note(under_way.join_next().await, &mut session);
            }
            tally.count += 1;
            let api = Arc::clone(&api);
            under_way.spawn(async move { import_one(&api, silence).await });
        }
        while let Some(done) = under_way.join_next().await {
            tally.note(Some(done), &mut session);
        }
        end?;
        match tally {
            Tally { failed: 0, .. } => Ok(()),
            Tally { failed, count } => {
                Err(Stop::Failed(format!("couldn't import {failed} out of {count} silences")))
            }
        }
    })
}

/// Sends a silence to be created or changed; returns its id.
pub async fn post(api: &Api, silence: &Silence) -> Result<String, ApiError> {
    let body = Some(silence.postable());
    let answer: Posted = api.read(POST_SILENCES, Call { body, ..Call::default() }).await?;
    Ok(answer.0)
}

/// The id that a silence has now.
struct Posted(String);

impl Read for Posted {
    fn read(value: &Value) -> Result<Self, String> {
        Ok(Posted(
            read::Fields::of(value, "models.PostSilencesOKBody")?
                .text("silenceID")?
                .unwrap_or_default(),
        ))
    }
}

/// What became of one silence: the line to print, on standard output or as an error.
type Imported = Result<String, String>;

async fn import_one(api: &Api, mut silence: Silence) -> Imported {
    let id = silence.id.clone().unwrap_or_default();
    let mut posted = post(api, &silence).await;
    if posted.as_ref().is_err_and(|error| error.status == Some(404)) {
        // The server does not know it; so it is a new one.
        silence.id = None;
        posted = post(api, &silence).await;
    }
    match posted {
        Ok(id) => Ok(format!("{id}\n")),
        Err(error) => Err(format!("Error adding silence id='{id}': {}\n", error.text)),
    }
}

#[derive(Default)]
struct Tally {
    count: usize,
    failed: usize,
}

impl Tally {
    fn note(
        &mut self,
        done: Option<Result<Imported, tokio::task::JoinError>>,
        session: &mut Session<'_, '_>,
    ) {
        match done {
            Some(Ok(Ok(line))) => session.around.print(&line),
            Some(Ok(Err(line))) => {
                self.failed += 1;
                session.around.warn(&line);
            }
            Some(Err(_)) => self.failed += 1,
            None => {}
        }
    }
}

/// The silences of a list, one at a time.
struct Items<'a> {
    rest: &'a str,
    /// Whether one has been read, so that a comma must follow.
    is_behind_one: bool,
}

impl<'a> Items<'a> {
    fn begin(text: &'a str) -> Result<Self, String> {
        let text = text.trim_start();
        let rest = match text.strip_prefix('[') {
            Some(rest) => rest,
            // Compat: a value that is no list has no silences.
            None => match read::parse(text)? {
                Value::Object(_) => return Err("the text is not a list".to_owned()),
                _ => "",
            },
        };
        Ok(Items { rest, is_behind_one: false })
    }
}

impl Iterator for Items<'_> {
    type Item = Result<Silence, String>;

    fn next(&mut self) -> Option<Result<Silence, String>> {
        let rest = self.rest.trim_start();
        if rest.is_empty() || rest.starts_with(']') {
            return None;
        }
        let rest = match (self.is_behind_one, rest.strip_prefix(',')) {
            (false, _) => rest,
            (true, Some(rest)) => rest,
            (true, None) => {
                return Some(Err("expected comma after array element".to_owned()));
            }
        };
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let value = match values.next() {
            None => return Some(Err("unexpected EOF".to_owned())),
            Some(Ok(value)) => value,
            Some(Err(error)) => return Some(Err(described(rest, &error))),
        };
        self.rest = rest.get(values.byte_offset()..).unwrap_or_default();
        self.is_behind_one = true;
        Some(match value {
            Value::Object(_) | Value::Null => Silence::read(&value),
            other => Err(read::mismatch(&other, GO_TYPE)),
        })
    }
}

/// What errors call a silence that is to be sent.
const GO_TYPE: &str = r#"Go value of type struct { ID string "json:\"id,omitempty\"" }"#;

//! `amtool alert query` and `amtool alert add`.

use bellwether_encoding::url::query as encoded;
use bellwether_model::Timestamp;

use super::{Session, Stop, runtime};
use crate::api::{Call, GET_ALERTS, POST_ALERTS};
use crate::date_time::parse_rfc3339;
use crate::wire::{Alert, NewAlert, Write};

pub fn query(mut session: Session<'_, '_>) -> Result<(), Stop> {
    let words = std::mem::take(&mut session.options.words);
    let filters = session.syntax.filters(&words, session.around);
    let options = &session.options;
    let any = options.silenced || options.inhibited || options.active || options.unprocessed;
    let mut query = format!("active={}", options.active || !any);
    for filter in filters {
        query.push_str(&format!("&filter={}", encoded(&filter)));
    }
    query.push_str(&format!("&inhibited={}", options.inhibited));
    if !options.receiver.is_empty() {
        query.push_str(&format!("&receiver={}", encoded(&options.receiver)));
    }
    query.push_str(&format!("&silenced={}", options.silenced));
    query.push_str(&format!("&unprocessed={}", options.unprocessed));
    let call = Call { query, ..Call::default() };
    let alerts: Option<Vec<Alert>> = runtime()?.block_on(async {
        let api = session.connect().await?;
        api.read(GET_ALERTS, call).await.map_err(Stop::from)
    })?;
    let text = session.style().alerts(alerts)?;
    session.around.print(&text);
    Ok(())
}

pub fn add(mut session: Session<'_, '_>) -> Result<(), Stop> {
    let words = std::mem::take(&mut session.options.words);
    let words = session.syntax.filters(&words, session.around);
    let syntax = session.syntax;
    let labels =
        syntax.pairs(&words, "labels must be specified as key=value pairs", session.around)?;
    let annotations = syntax.pairs(
        &session.options.annotations,
        "annotations must be specified as key=value pairs",
        session.around,
    )?;
    let time = |text: &str| match text {
        "" => Ok(Timestamp::ZERO),
        text => parse_rfc3339(text),
    };
    let alert = NewAlert {
        annotations,
        starts_at: time(&session.options.start)?,
        ends_at: time(&session.options.end)?,
        generator_url: session.options.generator_url.clone(),
        labels,
    };
    let body = Some([alert].as_slice().json());
    runtime()?.block_on(async {
        let api = session.connect().await?;
        api.act(POST_ALERTS, Call { body, ..Call::default() }).await.map_err(Stop::from)
    })
}

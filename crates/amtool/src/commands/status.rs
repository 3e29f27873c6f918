//! `amtool config show` and `amtool cluster show`.

use super::{Session, Stop, runtime};
use crate::api::{Call, GET_STATUS};
use crate::wire::Status;

pub fn config(mut session: Session<'_, '_>) -> Result<(), Stop> {
    let status = fetch(&mut session)?;
    let text = session.style().config(&status)?;
    session.around.print(&text);
    Ok(())
}

pub fn cluster(mut session: Session<'_, '_>) -> Result<(), Stop> {
    let status = fetch(&mut session)?;
    let text = session.style().cluster(status.cluster.as_ref())?;
    session.around.print(&text);
    Ok(())
}

/// What the server says about itself.
pub fn fetch(session: &mut Session<'_, '_>) -> Result<Status, Stop> {
    runtime()?.block_on(async {
        let api = session.connect().await?;
        api.read(GET_STATUS, Call::default()).await.map_err(Stop::from)
    })
}

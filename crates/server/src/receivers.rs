//! What the flags say about all receivers.
//!
//! In: the flags, once at the start. Out: [`ReceiverSettings`], which every configuration's notifiers
//! and every test of a receiver share.

use std::sync::Arc;
use std::time::Duration;

use crate::flags::Flags;
use crate::metrics::Metrics;
use crate::rendering::{Limits, Rendering};

/// Shared by all configurations; cheap to clone.
#[derive(Clone)]
pub struct ReceiverSettings {
    pub rendering: Rendering,
}

impl ReceiverSettings {
    /// # Errors
    /// With a text that names the flag.
    pub fn from_flags(flags: &Flags, metrics: &Arc<Metrics>) -> Result<Self, String> {
        let time = flags.receivers_render_timeout.positive();
        let time = time.ok_or("--receivers.render-timeout must be above 0")?;
        Ok(ReceiverSettings { rendering: Rendering::new(Limits::new(time), Arc::clone(metrics)) })
    }

    /// Those of a server that is started without flags.
    pub fn usual(metrics: Arc<Metrics>) -> Self {
        ReceiverSettings { rendering: Rendering::new(Limits::new(RENDER_TIMEOUT), metrics) }
    }
}

/// Limit: for rendering one notification, unless `--receivers.render-timeout` says otherwise.
const RENDER_TIMEOUT: Duration = Duration::from_secs(10);

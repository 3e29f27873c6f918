//! What all calls share.

use std::sync::Arc;

use axum::body::Body;

use crate::budget::Budget;
use crate::negotiation::Call;
use crate::received::{Limits, Received};
use crate::settings::ConnectSettings;

pub(crate) struct Shared<B> {
    pub backend: Arc<B>,
    pub settings: ConnectSettings,
    budget: Budget,
}

impl<B> Shared<B> {
    pub fn new(backend: Arc<B>, settings: ConnectSettings) -> Self {
        Shared { backend, settings, budget: Budget::default() }
    }

    pub fn received(&self, call: &Call, body: Body) -> Received {
        let limits = Limits {
            message_bytes_max: self.settings.message_bytes_max(),
            body_bytes_max: self.settings.request_bytes_max,
        };
        let share = self.budget.open();
        Received::new(body, call.protocol, call.request_compressed, limits, share)
    }

    /// Resolves when the server begins to stop.
    pub async fn stopping(&self) {
        let mut stopping = self.settings.stopping.clone();
        if stopping.wait_for(|stopping| *stopping).await.is_err() {
            // Its sender is gone, so it is never stopped.
            std::future::pending::<()>().await;
        }
    }
}

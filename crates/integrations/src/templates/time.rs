//! Times as templates see them: `{{ .StartsAt.Format "15:04" }}`.

use bellwether_model::Timestamp;
use bellwether_template::{Body, Object};

/// `time.Time`.
pub(crate) struct Moment {
    at: Timestamp,
}

impl Moment {
    pub(crate) fn new(at: Timestamp) -> Self {
        Moment { at }
    }
}

impl Object for Moment {
    fn type_name(&self) -> &'static str {
        "time.Time"
    }

    fn body(&self) -> Body<'_> {
        Body::Opaque
    }

    fn text(&self) -> Option<String> {
        Some(self.at.rfc3339_nanos())
    }

    fn json(&self) -> Option<String> {
        Some(format!("\"{}\"", self.at.rfc3339_nanos()))
    }
}

//! What has disturbed the cluster, and when: nothing else explains a repeated notification.

use std::time::Duration;

#[derive(Debug, Default)]
pub struct Explanations {
    /// From when, and until when if it is over.
    disturbances: Vec<(Duration, Option<Duration>)>,
    /// The whole run is disturbed.
    always: bool,
}

impl Explanations {
    pub fn disturb_always(&mut self) {
        self.always = true;
    }

    /// A disturbance begins; returns the number that ends it.
    pub fn begin(&mut self, at: Duration) -> usize {
        self.disturbances.push((at, None));
        self.disturbances.len() - 1
    }

    pub fn end(&mut self, number: usize, at: Duration) {
        if let Some((_, until)) = self.disturbances.get_mut(number) {
            *until = Some(at);
        }
    }

    /// Whether there was a disturbance, or the recovery from one, between these instants.
    pub fn explain(&self, since: Duration, until: Duration) -> bool {
        let overlaps = |(from, end): &(Duration, Option<Duration>)| {
            *from <= until && end.is_none_or(|end| since <= end + RECOVERY)
        };
        self.always || self.disturbances.iter().any(overlaps)
    }
}

/// Until a peer that was away has been found again, and has received everything.
const RECOVERY: Duration = Duration::from_secs(90);

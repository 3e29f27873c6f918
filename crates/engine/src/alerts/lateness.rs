//! Is an end that is long past the end of the alert, or only of a clock that is hours late?
//!
//! In: what a sender reports, and what the alert store knows. Out: how the end is to be read.
//!
//! A sender says that an alert fires by an end that lies ahead *on its own clock*. If that clock is
//! hours late, the end is past on arrival, and the alert would count as resolved without ever
//! having been sent. No sender keeps repeating an end for that long (Prometheus does for 15
//! minutes), so an end that is older, of an alert that was unknown, is taken for a late clock: the
//! alert fires until it is silent for the resolve timeout. From then on the sender's ends are
//! compared with each other: one that moves ahead means firing, one that moves back means resolved.

use std::collections::BTreeMap;
use std::time::Duration;

use bellwether_model::{Alert, Fingerprint, NewAlert, Timestamp};

/// How a reported end is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    AsReported,
    /// The sender's clock is late; the alert fires.
    FiresStill,
    /// The sender's clock is late; the alert ended just now.
    EndedNow,
}

/// The last ends reported by late clocks, of alerts that are in the alert store.
#[derive(Debug, Default)]
pub(crate) struct LateEnds {
    reported: BTreeMap<Fingerprint, Timestamp>,
}

impl LateEnds {
    /// `known` finds the alert as the alert store has it; it is rarely called.
    pub fn read<'a>(
        &mut self,
        new: &NewAlert,
        known: impl FnOnce() -> Option<&'a Alert>,
        now: Timestamp,
    ) -> End {
        let Some(ends_at) = new.ends_at.filter(|ends_at| is_late(*ends_at, now)) else {
            self.reported.remove(&new.fingerprint);
            return End::AsReported;
        };
        let known = known();
        let last = self.reported.insert(new.fingerprint, ends_at);
        let fired = known.is_some_and(|known| !known.resolved_at(now));
        match (last, known) {
            (Some(last), _) if ends_at > last => End::FiresStill,
            (Some(last), _) if ends_at == last && fired => End::FiresStill,
            (Some(_), _) if fired => End::EndedNow,
            (None, None) => End::FiresStill,
            // After a restart: only such a clock, or no end at all, makes an alert time out.
            (None, Some(known)) if fired && known.timed_out => End::FiresStill,
            _ => {
                self.reported.remove(&new.fingerprint);
                End::AsReported
            }
        }
    }

    pub fn forget(&mut self, fingerprint: Fingerprint) {
        self.reported.remove(&fingerprint);
    }
}

fn is_late(ends_at: Timestamp, now: Timestamp) -> bool {
    ends_at.plus(LATE_MIN) < now
}

/// Twice as long as Prometheus repeats that an alert is resolved.
const LATE_MIN: Duration = Duration::from_secs(30 * 60);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bellwether_model::{Alert, LabelSet, NewAlert, Timestamp};

    use super::{End, LateEnds};

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_unix(1_700_000_000 + 60 * minutes, 0)
    }

    fn report(ends_at: Timestamp) -> NewAlert {
        let labels = LabelSet::new([("alertname", "Disk")]);
        NewAlert {
            fingerprint: labels.fingerprint(),
            labels,
            annotations: LabelSet::default(),
            generator_url: "".into(),
            starts_at: Some(at(-600)),
            ends_at: Some(ends_at),
        }
    }

    fn known(ends_at: Timestamp, timed_out: bool) -> Alert {
        let NewAlert { fingerprint, labels, annotations, generator_url, .. } = report(ends_at);
        let starts_at = at(-600);
        Alert {
            fingerprint,
            labels,
            annotations,
            generator_url,
            starts_at,
            ends_at,
            updated_at: starts_at,
            timed_out,
        }
    }

    #[test]
    fn ends_that_move_ahead_fire_and_one_that_moves_back_resolves() {
        let mut ends = LateEnds::default();
        let firing = known(at(5), true);
        assert_eq!(ends.read(&report(at(-176)), || None, at(0)), End::FiresStill);
        assert_eq!(ends.read(&report(at(-175)), || Some(&firing), at(1)), End::FiresStill);
        assert_eq!(
            ends.read(&report(at(-175)), || Some(&firing), at(1)),
            End::FiresStill,
            "repeated"
        );
        assert_eq!(ends.read(&report(at(-178)), || Some(&firing), at(2)), End::EndedNow);
        let ended = known(at(2), false);
        assert_eq!(
            ends.read(&report(at(-178)), || Some(&ended), at(3)),
            End::AsReported,
            "repeated"
        );
    }

    #[test]
    fn a_short_past_is_a_resolve_and_so_is_a_long_one_of_what_fired_by_a_good_clock() {
        let mut ends = LateEnds::default();
        assert_eq!(ends.read(&report(at(-15)), || None, at(0)), End::AsReported);
        let firing = known(at(5), false);
        assert_eq!(ends.read(&report(at(-60)), || Some(&firing), at(0)), End::AsReported);
    }

    #[test]
    fn a_late_clock_is_known_again_after_a_restart() {
        let mut ends = LateEnds::default();
        let firing = known(at(5).plus(Duration::from_secs(1)), true);
        assert_eq!(ends.read(&report(at(-175)), || Some(&firing), at(0)), End::FiresStill);
    }
}

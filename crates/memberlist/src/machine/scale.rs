//! How the protocol's parameters scale with the size of the cluster.
//!
//! Pure formulas, equal to those of Go: a member with longer or shorter timeouts than the others
//! changes the behaviour of the whole cluster.

use std::time::Duration;

use super::time::nanos;

/// How often one broadcast is sent: `mult` times the decimal digits of `nodes`.
pub(super) fn retransmit_limit(mult: u32, nodes: usize) -> u32 {
    let digits = nodes.checked_ilog10().map_or(0, |log| log + 1);
    mult.saturating_mul(digits)
}

/// The minimum suspicion timeout: `mult` intervals, times the logarithm of `nodes` above ten,
/// which is cut off after three decimals.
pub(super) fn suspicion_timeout(mult: u32, nodes: usize, interval: Duration) -> Duration {
    let scale = (nodes.max(1) as f64).log10().max(1.0);
    let thousandths = u128::from(mult) * u128::from(nanos(interval)) * (scale * 1000.0) as u128;
    Duration::from_nanos(u64::try_from(thousandths / 1000).unwrap_or(u64::MAX))
}

/// The suspicion timeout after `confirmations` of the `wanted` ones: `max` at first, `min` with all
/// of them; each counts less than the one before.
pub(super) fn suspicion_after(
    confirmations: u32,
    wanted: u32,
    min: Duration,
    max: Duration,
) -> Duration {
    if wanted == 0 {
        return min;
    }
    let share = f64::from(confirmations + 1).ln() / f64::from(wanted + 1).ln();
    let seconds = max.as_secs_f64() - share * (max.as_secs_f64() - min.as_secs_f64());
    Duration::from_millis((seconds * 1000.0).max(0.0) as u64).max(min)
}

/// One more interval for every doubling beyond 32 nodes, begun ones included.
pub(super) fn push_pull_interval(interval: Duration, nodes: usize) -> Duration {
    if nodes <= 32 {
        return interval;
    }
    let doublings = ((nodes as f64).log2() - 5.0).ceil();
    interval.saturating_mul(doublings as u32 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As captured from memberlist 0.6.0: nodes, transmits at 4 and at 3, suspicion in ms at
    /// (4, 1 s), push-pull in minutes at 1 min.
    const CAPTURED: [(usize, u32, u32, u64, u64); 12] = [
        (0, 0, 0, 4000, 1),
        (1, 4, 3, 4000, 1),
        (2, 4, 3, 4000, 1),
        (3, 4, 3, 4000, 1),
        (5, 4, 3, 4000, 1),
        (8, 4, 3, 4000, 1),
        (9, 4, 3, 4000, 1),
        (10, 8, 6, 4000, 1),
        (50, 8, 6, 6792, 2),
        (99, 8, 6, 7980, 3),
        (100, 12, 9, 8000, 3),
        (999, 12, 9, 11996, 6),
    ];

    #[test]
    fn figures_equal_those_of_go_for_every_captured_size() {
        for (nodes, at_four, at_three, suspicion_ms, push_pull_minutes) in CAPTURED {
            let second = Duration::from_secs(1);
            assert_eq!(retransmit_limit(4, nodes), at_four, "{nodes} nodes");
            assert_eq!(retransmit_limit(3, nodes), at_three, "{nodes} nodes");
            let suspicion = suspicion_timeout(4, nodes, second);
            assert_eq!(suspicion, Duration::from_millis(suspicion_ms), "{nodes} nodes");
            let push_pull = push_pull_interval(second * 60, nodes);
            assert_eq!(push_pull, second * 60 * push_pull_minutes as u32, "{nodes} nodes");
        }
    }

    #[test]
    fn push_pull_slows_down_just_beyond_each_power_of_two() {
        let minute = Duration::from_secs(60);
        for (nodes, minutes) in [(32, 1), (33, 2), (64, 2), (65, 3), (10_000, 10)] {
            assert_eq!(push_pull_interval(minute, nodes), minute * minutes, "{nodes} nodes");
        }
    }

    /// As captured: confirmations, wanted, total in ms between 4 s and 24 s.
    #[test]
    fn each_confirmation_shortens_a_suspicion_as_in_go() {
        let captured = [
            (0, 1, 24_000),
            (1, 1, 4_000),
            (0, 2, 24_000),
            (1, 2, 11_381),
            (2, 2, 4_000),
            (0, 3, 24_000),
            (1, 3, 14_000),
            (2, 3, 8_150),
            (3, 3, 4_000),
        ];
        let (min, max) = (Duration::from_secs(4), Duration::from_secs(24));
        for (confirmations, wanted, total_ms) in captured {
            let total = suspicion_after(confirmations, wanted, min, max);
            assert_eq!(total, Duration::from_millis(total_ms), "{confirmations} of {wanted}");
        }
    }

    #[test]
    fn without_confirming_peers_the_suspicion_is_shortest() {
        let (min, max) = (Duration::from_secs(4), Duration::from_secs(24));
        assert_eq!(suspicion_after(0, 0, min, max), min);
    }
}

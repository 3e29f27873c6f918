//! Does a receiver that is dead for days cost more and more?

#![allow(clippy::disallowed_methods, reason = "a process reads its memory use from the system")]

#[path = "scenario/plan.rs"]
mod plan;

use bellwether_engine::{Effect, Engine, EngineSettings, Input, Note, RefusedAlerts, Ticket, Turn};
use bellwether_model::{FailureReason, LabelSet, Mono, NewAlert, Now, Outcome, Timestamp};

#[test]
fn a_webhook_that_is_dead_for_three_days_costs_no_more_than_on_the_first() {
    let plan = plan::parse_plan(
        "route receiver=dead group_by=... group_wait=1s group_interval=1s repeat_interval=1s",
    );
    let mut engine = Engine::new(plan, EngineSettings::default(), 1);
    let start = Timestamp::from_unix(1_767_614_400, 0);
    let clocks = |mono: Mono| Now { wall: start.plus(mono.since(Mono(0))), mono };
    let alerts = (0..20).map(|number| firing(number, start)).collect();
    let mut turn = Turn::default();
    let input = Input::Alerts { alerts, refused: RefusedAlerts::default(), ticket: Ticket(1) };
    engine.handle(clocks(Mono(0)), input, &mut turn);

    let (mut attempts, mut failures, mut most_open) = (0, 0, 0);
    let mut after_a_day = None;
    let mut at = Mono(0);
    while let Some(next) = engine.next_wakeup().filter(|at| at.0 < 3 * DAY) {
        at = at.max(next);
        if at.0 >= DAY {
            after_a_day.get_or_insert_with(resident_pages);
        }
        turn.clear();
        engine.handle(clocks(at), Input::Tick, &mut turn);
        for effect in std::mem::take(&mut turn.after) {
            let Effect::Attempt(attempt) = effect else { continue };
            attempts += 1;
            let outcome = Outcome::Retry {
                after: None,
                reason: FailureReason::ServerError,
                detail: String::new(),
            };
            let input = Input::Outcome { delivery: attempt.delivery, outcome };
            engine.handle(clocks(at), input, &mut turn);
        }
        let failed = |note: &&Note| matches!(note, Note::DeliveryFailed { .. });
        failures += turn.notes.iter().filter(failed).count();
        most_open = most_open.max(engine.deliveries_open());
    }
    assert!(most_open <= 20, "{most_open} deliveries were open at a time");
    assert!(failures > 20 * 3000, "the flushes end: {failures}");
    assert!(attempts < 20 * 3 * 24 * 3600, "{attempts} attempts in three days are too many");
    assert_eq!(engine.view().group_count(), 20);
    let after_a_day = after_a_day.expect("a day passed");
    let grown = resident_pages().saturating_sub(after_a_day);
    assert!(grown <= 64, "{grown} more pages than the {after_a_day} after the first day");
}

/// What this process, which runs this test alone, holds in memory.
fn resident_pages() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let resident = statm.split(' ').nth(1).expect("the second field");
    resident.parse().expect("a number")
}

/// In nanoseconds.
const DAY: u64 = 24 * 3600 * 1_000_000_000;

fn firing(number: u32, start: Timestamp) -> NewAlert {
    let labels = LabelSet::new([("alertname", "Disk"), ("host", &number.to_string())]);
    NewAlert {
        fingerprint: labels.fingerprint(),
        labels,
        annotations: LabelSet::default(),
        generator_url: "".into(),
        starts_at: Some(start),
        ends_at: Some(Timestamp::MAX),
    }
}

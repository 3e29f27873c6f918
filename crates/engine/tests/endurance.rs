//! Does a receiver that is dead for days cost more and more?

#[path = "scenario/plan.rs"]
mod plan;

use bellwether_engine::{Effect, Engine, Input, Note, Settings, Ticket, Turn};
use bellwether_model::{FailureReason, LabelSet, Mono, NewAlert, Now, Outcome, Timestamp};

#[test]
fn a_dead_webhook_keeps_one_delivery_for_each_group_whatever_the_interval() {
    let plan = plan::parse_plan(
        "route receiver=dead group_by=... group_wait=1s group_interval=1s repeat_interval=1s",
    );
    let mut engine = Engine::new(plan, Settings::default(), 1);
    let start = Timestamp::from_unix(1_767_614_400, 0);
    let clocks = |mono: Mono| Now { wall: start.plus(mono.since(Mono(0))), mono };
    let alerts = (0..20).map(|number| firing(number, start)).collect();
    let mut turn = Turn::default();
    let input = Input::Alerts { alerts, refused: 0, ticket: Ticket(1) };
    engine.handle(clocks(Mono(0)), input, &mut turn);

    let (mut attempts, mut failures, mut most_open) = (0, 0, 0);
    let day = 24 * 3600 * 1_000_000_000;
    while let Some(at) = engine.next_wakeup().filter(|at| at.0 < day / 8) {
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
    assert!(failures > 20 * 100, "the flushes end: {failures}");
    assert!(attempts < 20 * 3 * 3600, "{attempts} attempts in three hours are too many");
    assert_eq!(engine.view().group_count(), 20);
}

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

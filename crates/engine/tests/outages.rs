//! Does the end of an outage page anybody whom the Go Alertmanager would not have paged?
//!
//! Outages drawn from seeds: a source fires, its targets fire at other times, each in a group of its
//! own, and after the source has resolved they resolve in later evaluations, or stay. The engine is
//! compared with a model of the Go Alertmanager's rule for a group with one alert: flushed
//! `group_wait` after it fired and then every `group_interval`, it is notified with the first flush
//! at which it fires and its source does not.

#[path = "scenario/plan.rs"]
mod plan;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bellwether_engine::{Effect, Engine, EngineSettings, Input, Ticket, Turn};
use bellwether_model::{LabelSet, Mono, NewAlert, Now, Outcome, Timestamp};

#[test]
fn the_end_of_an_outage_pages_no_more_than_the_go_rules_would() {
    let (mut needless, mut go_needless, mut needed) = (0, 0, 0);
    for seed in 0..300 {
        let outage = Outage::draw(&mut Random(seed));
        let pages = outage.play();
        for (number, target) in outage.targets.iter().enumerate() {
            let by_go_rules = outage.page_by_go_rules(target);
            // A page that waits for `group_wait` after its source is not needed once it has resolved.
            let expected = by_go_rules
                .map(|at| match at >= outage.source.ends {
                    true => at.max(outage.source.ends + GROUP_WAIT),
                    false => at,
                })
                .filter(|at| *at < target.ends);
            let page = pages.get(&number).copied();
            assert_eq!(page, expected, "seed {seed}: target {number} of {outage:#?}");
            let after_the_end = |page: Option<u64>| page.is_some_and(|at| at >= outage.source.ends);
            let stays = target.ends > outage.source.ends + GROUP_WAIT;
            go_needless += usize::from(!stays && after_the_end(by_go_rules));
            needless += usize::from(!stays && after_the_end(page));
            needed += usize::from(stays && after_the_end(page));
        }
    }
    assert_eq!(needless, 0, "by the Go rules {go_needless}");
    assert!(
        go_needless > 100,
        "only {go_needless} outages could have paged needlessly at their end"
    );
    assert!(needed > 100, "only {needed} targets that stayed were notified");
}

const GROUP_WAIT: u64 = 30;

/// Seconds since the start at which an alert is reported as firing, then as resolved.
#[derive(Debug)]
struct Fires {
    starts: u64,
    ends: u64,
}

#[derive(Debug)]
struct Outage {
    group_interval: u64,
    source: Fires,
    targets: Vec<Fires>,
}

impl Outage {
    fn draw(random: &mut Random) -> Self {
        let starts = random.below(120);
        let source = Fires { starts, ends: starts + 300 + random.below(600) };
        let target = |random: &mut Random| {
            let starts = random.below(source.ends);
            let later = if random.below(5) == 0 { 5000 } else { random.below(GROUP_WAIT) };
            Fires { starts, ends: source.ends + later }
        };
        let targets = (0..20).map(|_| target(random)).collect();
        let group_interval = [30, 60, 300, 1000][random.below(4) as usize];
        Outage { group_interval, source, targets }
    }

    fn page_by_go_rules(&self, target: &Fires) -> Option<u64> {
        let flushes = (target.starts + GROUP_WAIT..).step_by(self.group_interval as usize);
        let mut firing = flushes.take_while(|at| *at < target.ends);
        firing.find(|at| !(self.source.starts..self.source.ends).contains(at))
    }

    /// When each target was notified as firing, by its number.
    fn play(&self) -> BTreeMap<usize, u64> {
        let plan = plan::parse_plan(&format!(
            "route receiver=team group_by=alertname,host group_interval={}s\n\
             inhibit {{alertname=Down}} => {{alertname=Disk}}",
            self.group_interval
        ));
        let mut engine = Engine::new(plan, EngineSettings::default(), 1);
        let mut reports: BTreeMap<u64, Vec<NewAlert>> = BTreeMap::new();
        let targets = self.targets.iter().enumerate();
        let targets = targets.map(|(number, fires)| ("Disk", number.to_string(), fires));
        for (name, host, fires) in targets.chain([("Down", String::new(), &self.source)]) {
            let report = |ends_at| report(name, &host, second(fires.starts), ends_at);
            reports.entry(fires.starts).or_default().push(report(Timestamp::MAX));
            reports.entry(fires.ends).or_default().push(report(second(fires.ends)));
        }
        let mut pages = BTreeMap::new();
        let mut turn = Turn::default();
        let mut at = Mono(0);
        while let Some(next) = engine.next_wakeup().into_iter().chain(next_report(&reports)).min() {
            at = at.max(next);
            let at_second = at.0 / NANOS;
            if at_second > 20_000 {
                break;
            }
            let now = Now { wall: second(0).plus(Duration::from_nanos(at.0)), mono: at };
            let first = match reports.first_entry().filter(|reports| *reports.key() == at_second) {
                Some(due) => Input::Alerts {
                    alerts: due.remove(),
                    refused: Default::default(),
                    ticket: Ticket(1),
                },
                None => Input::Tick,
            };
            let mut inputs = VecDeque::from([first]);
            while let Some(input) = inputs.pop_front() {
                turn.clear();
                engine.handle(now, input, &mut turn);
                for effect in std::mem::take(&mut turn.after) {
                    let Effect::Attempt(attempt) = effect else { continue };
                    for alert in attempt.notification().alerts {
                        let is_target = alert.name() == "Disk" && !alert.resolved_at(now.wall);
                        if let (true, Ok(number)) = (is_target, alert.labels.value("host").parse())
                        {
                            pages.entry(number).or_insert(at_second);
                        }
                    }
                    let outcome = Outcome::Delivered { remember: Default::default() };
                    inputs.push_back(Input::Outcome { delivery: attempt.delivery, outcome });
                }
            }
        }
        pages
    }
}

const NANOS: u64 = 1_000_000_000;

fn next_report(reports: &BTreeMap<u64, Vec<NewAlert>>) -> Option<Mono> {
    reports.first_key_value().map(|(second, _)| Mono(second * NANOS))
}

fn second(number: u64) -> Timestamp {
    Timestamp::from_unix(1_767_614_400, 0).plus(Duration::from_secs(number))
}

fn report(name: &str, host: &str, starts_at: Timestamp, ends_at: Timestamp) -> NewAlert {
    let labels = LabelSet::new([("alertname", name), ("host", host)]);
    NewAlert {
        fingerprint: labels.fingerprint(),
        labels,
        annotations: LabelSet::default(),
        generator_url: "".into(),
        starts_at: Some(starts_at),
        ends_at: Some(ends_at),
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

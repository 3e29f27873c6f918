//! Hundreds of lives. `SIM_SEEDS=1000..2000` chooses others.

use std::ops::Range;
use std::time::Duration;

use bellwether_sim::flock::measure;

#[test]
fn no_life_breaks_a_promise_and_equal_seeds_live_equal_lives() {
    let (mut crashes, mut notifications, mut repeated) = (0, 0, 0);
    for seed in seeds(200) {
        let life = match bellwether_sim::alone::live(seed, None) {
            Ok(life) => life,
            Err(broken) => panic!("{broken}"),
        };
        if seed % 5 == 0 {
            let again =
                bellwether_sim::alone::live(seed, None).expect("it went well the first time");
            assert_eq!(life, again, "seed {seed} lived two different lives");
        }
        crashes += life.crashes;
        notifications += life.notifications;
        repeated += life.repeated;
    }
    println!("{crashes} crashes, {notifications} notifications, {repeated} of them repeated");
    assert!(crashes > 0 && repeated > 0, "the lives were too quiet to show anything");
    assert!(repeated * 10 < notifications, "{repeated} of {notifications} were repetitions");
}

#[test]
fn no_cluster_breaks_a_promise_and_equal_seeds_live_equal_lives() {
    let (mut calm, mut crashes, mut notifications, mut repeated) = (0, 0, 0, 0);
    for seed in seeds(200) {
        let life = match bellwether_sim::flock::live(seed, None) {
            Ok(life) => life,
            Err(broken) => panic!("{broken}"),
        };
        if seed % 10 == 0 {
            let again = bellwether_sim::flock::live(seed, None).expect("it went well");
            assert_eq!(life, again, "seed {seed} lived two different lives");
        }
        if life.calm {
            calm += 1;
            assert_eq!(life.repeated, 0, "seed {seed} repeats without a reason");
        }
        crashes += life.crashes;
        notifications += life.notifications;
        repeated += life.repeated;
    }
    println!("{crashes} crashes, {notifications} notifications, {repeated} of them repeated");
    assert!(calm > 0 && crashes > 0 && repeated > 0, "the lives were too quiet to show anything");
    assert!(repeated * 5 < notifications, "{repeated} of {notifications} were repetitions");
}

#[test]
fn a_cluster_is_as_fast_as_it_is_meant_to_be() {
    let silence = measure::silence_reaches_all(3, 10).expect("nothing goes wrong");
    assert!(silence.percentile(99) <= Duration::from_millis(300), "{silence}");
    let silence = measure::silence_reaches_all(10, 3).expect("nothing goes wrong");
    assert!(silence.percentile(99) <= Duration::from_secs(1), "{silence}");
    let failover = measure::failover(3, 20).expect("nothing goes wrong");
    assert!(failover.percentile(100) <= Duration::from_secs(2), "{failover}");
    let converged = measure::all_converge(50, 1).expect("nothing goes wrong");
    assert!(converged.percentile(100) <= Duration::from_secs(30), "{converged}");
}

fn seeds(many: u64) -> Range<u64> {
    let Ok(text) = std::env::var("SIM_SEEDS") else { return 0..many };
    let (from, to) = text.split_once("..").expect("SIM_SEEDS is two numbers and two dots");
    from.parse().expect("a number")..to.parse().expect("a number")
}

//! Hundreds of lives. `SIM_SEEDS=1000..2000` chooses others.

use std::ops::Range;

#[test]
fn no_life_breaks_a_promise_and_equal_seeds_live_equal_lives() {
    let (mut crashes, mut notifications, mut repeated) = (0, 0, 0);
    for seed in seeds() {
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

fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("SIM_SEEDS") else { return 0..200 };
    let (from, to) = text.split_once("..").expect("SIM_SEEDS is two numbers and two dots");
    from.parse().expect("a number")..to.parse().expect("a number")
}

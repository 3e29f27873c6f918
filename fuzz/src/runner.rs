//! How long is a target tried, and what is printed when it fails?

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::mutation::{Random, mutate};

/// One decoder under test.
pub struct Target {
    pub name: &'static str,
    /// Panics if something is wrong with what the decoder does with these bytes.
    pub check: fn(&[u8]),
    /// Inputs that the decoder accepts.
    pub inputs: fn() -> Vec<Vec<u8>>,
    /// Iterations of a short run: cheap decoders can be tried more often.
    pub iterations: u64,
}

/// Tries all inputs as they are, and then mutations of them.
pub fn run(target: &Target) {
    let iterations = from_environment("FUZZ_ITERATIONS").unwrap_or(target.iterations);
    let seed = from_environment("FUZZ_SEED").unwrap_or(SEED);
    let inputs = (target.inputs)();
    assert!(!inputs.is_empty(), "{} has inputs to start from", target.name);
    for input in &inputs {
        check(target, input, "an input as it is");
    }
    for iteration in 0..iterations {
        // A seed for each input, so that a failure is repeated by one iteration.
        let of_iteration = seed.wrapping_add(iteration);
        let input = mutate(&mut Random::new(of_iteration), &inputs);
        check(target, &input, &format!("FUZZ_SEED={of_iteration} FUZZ_ITERATIONS=1"));
    }
}

fn check(target: &Target, input: &[u8], origin: &str) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (target.check)(input))) {
        eprintln!("{} fails with {origin}, input: b\"{}\"", target.name, input.escape_ascii());
        resume_unwind(panic);
    }
}

fn from_environment(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")))
}

/// Where a run begins by default; always the same, so that a failure comes again.
const SEED: u64 = 34;

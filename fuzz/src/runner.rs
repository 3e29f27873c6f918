//! How long is a target tried, and what is kept when it fails?

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{any::Any, env};

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

/// An input that a decoder did not stand.
struct Failure {
    input: Vec<u8>,
    panic: Box<dyn Any + Send>,
}

/// Tries all inputs as they are, and then some mutations of them; panics at the first that fails.
pub fn run(target: &Target) {
    let iterations = from_environment("FUZZ_ITERATIONS").unwrap_or(target.iterations);
    let seed = from_environment("FUZZ_SEED").unwrap_or(SEED);
    let inputs = all_inputs(target);
    for input in &inputs {
        check(target, input).unwrap_or_else(|failure| fail(target, failure, "an input as it is"));
    }
    for iteration in 0..iterations {
        // A seed for each input, so that a failure is repeated by one iteration.
        let of_iteration = seed.wrapping_add(iteration);
        let input = mutate(&mut Random::new(of_iteration), &inputs);
        check(target, &input).unwrap_or_else(|failure| {
            fail(target, failure, &format!("FUZZ_SEED={of_iteration} FUZZ_ITERATIONS=1"));
        });
    }
}

/// Tries mutations from this seed on until `end`. Returns how many were tried, and where the one that
/// failed has been kept.
pub fn run_until(target: &Target, seed: u64, end: Instant) -> (u64, Option<PathBuf>) {
    let inputs = all_inputs(target);
    let mut tried = 0;
    while Instant::now() < end {
        let input = mutate(&mut Random::new(seed.wrapping_add(tried)), &inputs);
        tried += 1;
        if let Err(failure) = check(target, &input) {
            return (tried, Some(keep(target, &failure.input)));
        }
    }
    (tried, None)
}

/// What the target starts from: its own inputs, and those that failed once.
fn all_inputs(target: &Target) -> Vec<Vec<u8>> {
    let mut inputs = (target.inputs)();
    assert!(!inputs.is_empty(), "{} has inputs to start from", target.name);
    let kept = fs::read_dir(folder(target)).into_iter().flatten();
    let mut paths: Vec<PathBuf> = kept.flatten().map(|file| file.path()).collect();
    // The order of a folder differs between machines, and mutations must not.
    paths.sort();
    inputs.extend(paths.iter().map(|path| fs::read(path).expect("the kept input is readable")));
    inputs
}

fn check(target: &Target, input: &[u8]) -> Result<(), Failure> {
    catch_unwind(AssertUnwindSafe(|| (target.check)(input)))
        .map_err(|panic| Failure { input: input.to_vec(), panic })
}

fn fail(target: &Target, failure: Failure, origin: &str) {
    let input = failure.input.escape_ascii();
    eprintln!("{} fails with {origin}, input: b\"{input}\"", target.name);
    resume_unwind(failure.panic);
}

/// Writes the input where every later run begins with it.
fn keep(target: &Target, input: &[u8]) -> PathBuf {
    let folder = folder(target);
    let hash = input.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    });
    let path = folder.join(format!("{hash:016x}"));
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&path, input))
        .unwrap_or_else(|error| panic!("keep an input in {}: {error}", path.display()));
    path
}

fn folder(target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name)
}

fn from_environment(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")))
}

/// Where a run begins by default; always the same, so that a failure comes again.
const SEED: u64 = 34;

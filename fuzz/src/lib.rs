//! Does any sequence of bytes make a decoder panic, or contradict itself?
//!
//! Each [`Target`] is one decoder that reads what clients, peers, old disks or users write, together
//! with a few inputs that it accepts. A target panics when something is wrong: by a panic of the
//! decoder, or because what was read does not survive being written and read again.
//!
//! [`run`] feeds it mutations of its inputs. The stable toolchain is enough, there is no coverage
//! feedback; in exchange it runs in every `cargo test`. The functions in [`targets`] take plain
//! bytes, so a coverage-guided fuzzer can call them as they are.
//!
//! `FUZZ_ITERATIONS` and `FUZZ_SEED` choose how many and from which seed; a failure prints its seed
//! and its input. `make fuzz HOURS=8` tries all targets for longer ([`run_until`]).

mod corpus;
mod mutation;
/// The server has no public modules, so this file of it is included.
#[path = "../../crates/server/src/cluster/node_metadata.rs"]
pub mod node_metadata;
mod runner;
pub mod targets;

pub use runner::{Target, run, run_until};
pub use targets::TARGETS;

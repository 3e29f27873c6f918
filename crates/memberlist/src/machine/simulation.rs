//! Does a whole cluster behave, in good weather and in bad?
//!
//! The stories in `stories` play on the [`World`] of `world`: machines on one thread, in virtual
//! time, over a network that loses, delays, doubles and reorders as a seed will have it. What is
//! sent is really encoded and decoded. A story that fails prints its seed.

mod stories;
mod world;

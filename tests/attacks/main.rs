//! What does an attack cost those whom it does not concern?
//!
//! Each test attacks a running server the way one subject's stranger could: a client of the web port,
//! a member of the cluster, a receiver, the author of a label. During the attack and after it, an
//! unrelated page must go out within 2 s of its time and a good POST be answered within 1 s; see
//! [`bystander`]. The bounds are those of the promise in SECURITY.md, and wide against the few
//! milliseconds that both take on an idle machine.

mod bystander;
mod forger;

mod bodies;
mod connections;
mod descriptors;
mod gossip;
mod labels;
mod passwords;
mod patterns;
mod receivers;
mod rendering;

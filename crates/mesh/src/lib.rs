//! The sockets under the gossip: UDP, TCP and TLS around the [`Cluster`] machine.
//!
//! In: how to listen, whom to join, and what to tell the others. Out: [`MeshEvent`]s, of what others
//! told and of who is there. What content means is not known here, and whom to tell what and when
//! is decided by the machine: this crate moves its bytes.
//!
//! One task owns the machine ([`Mesh::start`]) and never waits for a peer. Each stream, each name
//! lookup and each TLS connection has a task of its own, with a deadline; the channels between them
//! are bounded, and what finds one full is dropped and counted, as a datagram would be.
//!
//! Nothing is logged: what is worth a line comes out as a [`MeshNote`].
//!
//! [`Cluster`]: bellwether_memberlist::Cluster

mod settings;

mod advertise;
mod mesh;

mod streams;

mod resolve;

mod bind;
mod transport;

mod limits;

mod handle;
mod note;

pub use advertise::{Advertised, LocalAddress, Origin};
pub use handle::{Handle, MeshEnded, MeshEvent, Report};
pub use mesh::{Mesh, StartError};
pub use note::MeshNote;
pub use settings::{Credentials, MeshSettings, Security};
pub use transport::{Traffic, TransportCounters};

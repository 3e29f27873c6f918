//! The sockets of the cluster: UDP, TCP and TLS around the [`Cluster`] machine.
//!
//! In: settings, and messages for the other members. Out: [`MeshEvent`]s, of messages received and of
//! changes of membership. What the messages mean is not known here, and the machine decides what is
//! sent to whom and when: this crate moves its bytes.
//!
//! One task owns the machine ([`Mesh::start`]) and never waits for a peer. Each stream, each name
//! lookup and each TLS connection has a task of its own, with a deadline; the channels between them are
//! bounded, and what does not fit is dropped and counted, as a datagram would be.
//!
//! Nothing is logged: what is worth a log line comes out as a [`MeshNote`].
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

//! The sockets under the gossip: UDP, TCP and TLS around the membership machine.

//! The gossip protocol of hashicorp/memberlist, without sockets or clocks.

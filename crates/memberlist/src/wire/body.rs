//! Which fields has each message, under which names?
//!
//! Every message but a user's is one msgpack structure. The names are those of Go's types; written
//! they are sorted by their bytes, and the lists for reading are in the order of declaration, since
//! a structure may also come as an array.

mod read;
mod write;

pub(super) use read::{
    read_ack, read_alive, read_compressed, read_compressed_length, read_dead, read_error_reply,
    read_indirect_ping, read_nack, read_node_state, read_ping, read_push_pull_header, read_suspect,
    read_user_length,
};
pub(super) use write::{
    write_accusation, write_ack, write_alive, write_compressed, write_error_reply,
    write_indirect_ping, write_nack, write_ping, write_push_pull, write_push_pull_head,
    write_user_message,
};

/// The head of a push-pull: what it claims to bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PushPullHeader {
    pub(super) join: bool,
    pub(super) nodes: usize,
    pub(super) user_state_bytes: usize,
}

/// The only algorithm of compress frames.
const LZW: u32 = 0;

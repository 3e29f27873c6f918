//! The mesh over loopback: the same stories for both transports, and bad manners of each kind.

mod certificates;
mod node;

mod bad_input;
mod scenarios;
mod tls;

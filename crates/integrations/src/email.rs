//! E-mail: one message per notification through an SMTP server.
//!
//! The only receiver that does not speak HTTP. Its server, sender and credentials usually come from the
//! global block; TLS is implicit on port 465 and by `STARTTLS` elsewhere, unless told otherwise.

pub mod config;

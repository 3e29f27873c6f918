//! Telegram: a bot's message to a chat, HTML unless another parse mode is chosen.
//!
//! The bot's token is part of the URL, so no error may show where a request went.

pub mod config;

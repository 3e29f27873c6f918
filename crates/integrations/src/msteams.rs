//! Microsoft Teams through an Office 365 connector: a legacy message card.
//!
//! Microsoft retires these connectors; [`crate::msteamsv2`] speaks to workflows instead.

pub mod config;

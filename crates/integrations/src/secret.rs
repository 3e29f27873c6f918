//! Secrets that are given, or in files that are read at each attempt.
//!
//! Tokens are rotated while the server runs, so a file's content is never kept. This crate opens no
//! file: an attempt that needs one ends with [`BeginError::NeedsFile`], the caller reads it into
//! [`Files`] and begins the attempt again. So an integration asks for its secrets like for any
//! other text, and nothing needs to be listed beforehand.

use std::collections::BTreeMap;

use bellwether_model::Secret;

use crate::outcome::BeginError;

/// Where a secret is. `Debug` shows the path, never the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    Given(Secret),
    /// The path.
    File(String),
}

/// The files that an attempt has asked for, as they were when it did.
#[derive(Debug, Default)]
pub struct Files(BTreeMap<String, Result<Secret, String>>);

impl SecretSource {
    /// The file counts if no text is given.
    pub fn new(given: &Secret, file: &str) -> Self {
        if given.is_empty() && !file.is_empty() {
            SecretSource::File(file.to_owned())
        } else {
            SecretSource::Given(given.clone())
        }
    }

    /// Whether neither a text nor a file is configured.
    pub fn is_empty(&self) -> bool {
        matches!(self, SecretSource::Given(text) if text.is_empty())
    }

    /// The secret, without white space around it if it comes from a file.
    pub(crate) fn trimmed(&self, files: &Files) -> Result<Secret, BeginError> {
        match self {
            SecretSource::Given(text) => Ok(text.clone()),
            SecretSource::File(path) => Ok(Secret::new(files.content(path)?.reveal().trim())),
        }
    }

    /// The secret with all its white space; a few receivers take it so.
    pub(crate) fn untrimmed(&self, files: &Files) -> Result<Secret, BeginError> {
        match self {
            SecretSource::Given(text) => Ok(text.clone()),
            SecretSource::File(path) => files.content(path).cloned(),
        }
    }
}

impl Files {
    /// Enters a file's content, or why it could not be read.
    pub fn insert(&mut self, path: String, content: Result<Secret, String>) {
        self.0.insert(path, content);
    }

    fn content(&self, path: &str) -> Result<&Secret, BeginError> {
        match self.0.get(path) {
            None => Err(BeginError::NeedsFile(path.to_owned())),
            Some(Ok(content)) => Ok(content),
            Some(Err(reason)) => Err(BeginError::File(format!("read {path}: {reason}"))),
        }
    }
}

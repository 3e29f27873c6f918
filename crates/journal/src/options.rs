//! How a journal uses its directory and threads.

/// Settings of a journal.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct JournalOptions {
    /// Outdated records are dropped once the logs reach this many bytes, or the size of the live
    /// entries if that is more.
    /// Less keeps a small store smaller; more writes less.
    pub compaction_floor_bytes: u64,
    /// Space that is reserved for further commits, in case that others fill the disk.
    pub reserve_bytes: u64,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self { compaction_floor_bytes: 64 << 20, reserve_bytes: 16 << 20 }
    }
}

/// Where compactions run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CompactionRuns {
    /// On a thread of its own, while commits go on.
    OnThread,
    /// Within the commit that finds it due, so that a test can repeat every step.
    #[cfg(test)]
    WithinCommit,
}

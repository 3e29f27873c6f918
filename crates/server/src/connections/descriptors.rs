//! How many files and connections the process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// The limits of open files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptors {
    /// `None` if there is none.
    pub limit: Option<u64>,
}

/// Raises the soft limit of open files to the hard one, as Go's runtime does.
pub fn raise_descriptor_limit() -> Descriptors {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return Descriptors { limit: current };
    }
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => Descriptors { limit: maximum },
        Err(error) => {
            warn!(err = %error, "The limit of open files cannot be raised");
            Descriptors { limit: current }
        }
    }
}

impl Descriptors {
    /// How many connections the HTTP port may have: `wanted`, or [`DEFAULT_MAX`], but so few that half
    /// of the descriptors, or [`RESERVED_MAX`] of them, are left for receivers, peers and the journal.
    pub fn connections_max(self, wanted: Option<usize>) -> usize {
        let wanted = wanted.unwrap_or(DEFAULT_MAX);
        let Some(limit) = self.limit else { return wanted };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let reserved = (limit / 2).min(RESERVED_MAX);
        wanted.min(limit - reserved).max(1)
    }
}

/// Limit: connections, unless the operator sets it. Each takes some 20 KiB while it is idle.
const DEFAULT_MAX: usize = 8192;
/// 512 attempts, and some 1,300 streams and connections of peers, each at its own limit.
const RESERVED_MAX: usize = 2048;

#[cfg(test)]
mod tests {
    use super::Descriptors;

    #[test]
    fn descriptors_are_left_for_the_rest_of_the_server() {
        let max = |limit, wanted| Descriptors { limit }.connections_max(wanted);
        assert_eq!(max(None, None), 8192);
        assert_eq!(max(Some(1_048_576), None), 8192);
        assert_eq!(max(Some(1_048_576), Some(100_000)), 100_000);
        assert_eq!(max(Some(4096), None), 2048);
        assert_eq!(max(Some(1024), None), 512);
        assert_eq!(max(Some(200), None), 100);
        assert_eq!(max(Some(200), Some(50)), 50);
    }
}

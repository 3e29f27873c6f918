//! What the flags `--api.connect.*` say about the Connect API.

use bellwether_api::ConnectSettings;
use tokio::sync::watch;

use crate::flags::Flags;

/// What is not given follows `--web.get-concurrency` and `--web.timeout`.
pub fn connect_settings(flags: &Flags, stopping: watch::Receiver<bool>) -> ConnectSettings {
    let bytes = |max: i64| usize::try_from(max).ok().filter(|max| *max > 0);
    let gets = || match count(flags.web_get_concurrency) {
        None => std::thread::available_parallelism().map_or(1, usize::from).max(8),
        Some(given) => given,
    };
    ConnectSettings {
        unary_concurrency: count(flags.connect_unary_concurrency).unwrap_or_else(gets),
        stream_concurrency: count(flags.connect_stream_concurrency).unwrap_or_else(gets),
        unary_timeout: match flags.connect_unary_timeout.0 {
            0 => flags.web_timeout.positive(),
            _ => flags.connect_unary_timeout.positive(),
        },
        stream_idle_timeout: flags.connect_stream_idle_timeout.positive(),
        stream_lifetime: flags.connect_stream_lifetime.positive(),
        read_bytes_max: bytes(flags.connect_read_bytes_max),
        send_bytes_max: bytes(flags.connect_send_bytes_max),
        request_bytes_max: bytes(flags.connect_request_bytes_max),
        stopping,
    }
}

fn count(given: i64) -> Option<usize> {
    usize::try_from(given).ok().filter(|count| *count > 0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bellwether_api::ConnectSettings;
    use tokio::sync::watch;

    use super::connect_settings;
    use crate::flags::{Parsed, parse};

    fn limits(arguments: &str) -> ConnectSettings {
        let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
        match parse(&arguments, |_| Err("no files here".into())) {
            Ok(Parsed::Run(flags)) => connect_settings(&flags, watch::channel(false).1),
            other => panic!("{arguments:?}: {other:?}"),
        }
    }

    #[test]
    fn what_is_not_given_follows_the_flags_of_the_web() {
        let defaults = limits("");
        assert!(defaults.unary_concurrency >= 8 && defaults.stream_concurrency >= 8);
        assert_eq!((defaults.unary_timeout, defaults.read_bytes_max), (None, None));
        let followed = limits("--web.get-concurrency=3 --web.timeout=7s");
        assert_eq!((followed.unary_concurrency, followed.stream_concurrency), (3, 3));
        assert_eq!(followed.unary_timeout, Some(Duration::from_secs(7)));
        assert_eq!(limits("--web.timeout=7s --api.connect.unary-timeout=-1s").unary_timeout, None);
    }

    #[test]
    fn what_is_given_counts_unless_it_is_negative() {
        let given = limits(
            "--api.connect.unary-concurrency=2 --api.connect.stream-concurrency=-1 \
             --api.connect.unary-timeout=1s --api.connect.stream-idle-timeout=2s \
             --api.connect.stream-lifetime=3s --api.connect.read-max-bytes=4 \
             --api.connect.send-max-bytes=-5 --api.connect.max-request-body-bytes=6",
        );
        assert_eq!((given.unary_concurrency, given.stream_concurrency >= 8), (2, true));
        let times = [given.unary_timeout, given.stream_idle_timeout, given.stream_lifetime];
        assert_eq!(times, [1, 2, 3].map(|seconds| Some(Duration::from_secs(seconds))));
        let bytes = [given.read_bytes_max, given.send_bytes_max, given.request_bytes_max];
        assert_eq!(bytes, [Some(4), None, Some(6)]);
    }
}

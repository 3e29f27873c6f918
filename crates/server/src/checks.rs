//! Checks the flags' values, and whether this build can do what they ask for.
//!
//! In: [`Flags`]. Out: engine settings and warnings, or why the server must not start. A flag whose
//! feature is missing is never ignored: one that would have an effect is an error, one that only
//! tunes the feature gives a warning.

use std::fmt;
use std::time::Duration;

use bellwether_api::CrossOrigin;
use bellwether_engine::EngineSettings;

use crate::features::Features;
use crate::flags::{Flags, SignedDuration, changed};

/// Why the server does not start, as a line of its own in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub message: &'static str,
    /// The field `err`; empty for none.
    pub reason: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason.as_str() {
            "" => f.write_str(self.message),
            reason => write!(f, "{}: {reason}", self.message),
        }
    }
}

impl std::error::Error for Refused {}

/// Which web pages of other origins may use the API.
pub fn cross_origin(flags: &Flags) -> Result<Option<CrossOrigin>, Refused> {
    CrossOrigin::parse(&flags.web_cors_origin).map_err(|error| Refused {
        message: "error parsing --web.cors.origin",
        reason: error.to_string(),
    })
}

/// Compat: they have no effect, but a service file that the Go program refuses is refused.
pub fn check_memory_limit(flags: &Flags, features: &Features) -> Result<(), Refused> {
    let refused = |message| Err(Refused { message, reason: String::new() });
    if !flags.memory_limit && !features.memory_limit {
        return Ok(());
    }
    let ratio = flags.memory_limit_ratio;
    if ratio <= 0.0 || ratio > 1.0 {
        return refused(
            "--auto-gomemlimit.ratio must be greater than 0 and less than or equal to 1.",
        );
    }
    if flags.memory_limit_refresh_interval.0 < 0 {
        return refused("--auto-gomemlimit.refresh-interval must not be negative.");
    }
    Ok(())
}

/// Checks all flags but the features and those above.
///
/// Long because: it names every flag.
///
/// # Errors
/// With a text that names the flag.
pub fn check(flags: &Flags, features: &Features) -> Result<(EngineSettings, Vec<String>), String> {
    // Lists all flags, so that a new one does not compile until it is decided what reads it.
    let Flags {
        config_file,
        storage_path,
        data_retention,
        data_maintenance_interval,
        silences_max,
        silence_pattern_bytes_max,
        silence_bytes_max,
        alerts_gc_interval,
        alerts_per_name_max,
        dispatch_maintenance_interval,
        dispatch_start_delay,
        cluster_id,
        compat_strict,
        // Read by `refuse_missing`, and the addresses by `boot` as well.
        web_systemd_socket: _,
        web_listen_addresses: _,
        // Read by `boot`.
        storage_refuse_unsaved: _,
        log_silences: _,
        web_config_file: _,
        web_external_url: _,
        web_route_prefix: _,
        web_get_concurrency: _,
        web_timeout: _,
        web_connections_max: _,
        web_receiver_test: _,
        enable_feature: _,
        // Read by `cross_origin`.
        web_cors_origin: _,
        // Read by `check_memory_limit`.
        memory_limit: _,
        memory_limit_ratio: _,
        memory_limit_refresh_interval: _,
        // Read by `connect_settings`.
        connect_unary_concurrency: _,
        connect_stream_concurrency: _,
        connect_unary_timeout: _,
        connect_stream_idle_timeout: _,
        connect_stream_lifetime: _,
        connect_read_bytes_max: _,
        connect_send_bytes_max: _,
        connect_request_bytes_max: _,
        // Read by `receivers`.
        receivers_render_timeout: _,
        receivers_allow_mentions: _,
        receivers_deny_networks: _,
        receivers_allow_networks: _,
        receivers_deny_private: _,
        receivers_deny_plaintext_auth: _,
        // Read by `boot` and `cluster`.
        cluster_listen_address: _,
        cluster_tls_config: _,
        cluster_peer_timeout: _,
        cluster_advertise_address: _,
        cluster_peer_name: _,
        cluster_peers: _,
        cluster_peers_resolve_timeout: _,
        cluster_gossip_interval: _,
        cluster_pushpull_interval: _,
        cluster_tcp_timeout: _,
        cluster_probe_timeout: _,
        cluster_probe_interval: _,
        cluster_settle_timeout: _,
        cluster_reconnect_interval: _,
        cluster_reconnect_timeout: _,
        cluster_allow_insecure_advertise: _,
        cluster_label: _,
        cluster_max_members: _,
        cluster_max_state_bytes: _,
        // Read by `command`, before this.
        log_level: _,
        log_format: _,
    } = flags;
    refuse_missing(flags)?;
    if config_file.is_empty() {
        return Err("--config.file must not be empty".into());
    }
    if storage_path.is_empty() {
        return Err("--storage.path must not be empty".into());
    }
    positive("dispatch.maintenance-interval", *dispatch_maintenance_interval)?;
    check_cluster_durations(flags)?;
    if cluster_id.len() > CLUSTER_ID_BYTES_MAX {
        return Err(format!(
            "--cluster.id must not be longer than {CLUSTER_ID_BYTES_MAX} bytes: it has {}",
            cluster_id.len()
        ));
    }
    let settings = EngineSettings {
        retention: positive("data.retention", *data_retention)?,
        maintenance_interval: positive("data.maintenance-interval", *data_maintenance_interval)?,
        alerts_gc_interval: positive("alerts.gc-interval", *alerts_gc_interval)?,
        start_delay: dispatch_start_delay.positive().unwrap_or(Duration::ZERO),
        silences_max: limit(*silences_max),
        silence_pattern_bytes_max: limit(*silence_pattern_bytes_max),
        silence_bytes_max: limit(*silence_bytes_max),
        alerts_per_name_max: limit(*alerts_per_name_max),
        groups_max: 0,
        strict: *compat_strict,
        logs_muted: features.muted_alerts_in_log,
        // Set once the name of this node is known.
        peers: None,
    };
    Ok((settings, warnings(flags)))
}

/// Flags that would have to do something which is not in this build.
fn refuse_missing(flags: &Flags) -> Result<(), String> {
    let missing = |flag: &str, what: &str| {
        Err(format!(
            "--{flag} is set, but this build has no {what}: the server would run without it"
        ))
    };
    if flags.web_systemd_socket {
        return missing("web.systemd-socket", "socket activation");
    }
    if flags.web_listen_addresses.iter().any(|address| address.starts_with("vsock://")) {
        return missing("web.listen-address=vsock://", "vsock listener");
    }
    Ok(())
}

fn warnings(flags: &Flags) -> Vec<String> {
    let mut warnings = Vec::new();
    if !flags.cluster_listen_address.is_empty() {
        return warnings;
    }
    let tuned: Vec<String> = changed(flags)
        .into_iter()
        .filter(|name| name.starts_with("cluster.") && *name != "cluster.listen-address")
        .map(|name| format!("--{name}"))
        .collect();
    if !tuned.is_empty() {
        let tuned = tuned.join(" ");
        warnings.push(format!("Without a cluster these have no effect: {tuned}"));
    }
    warnings
}

/// Compat: with clustering on these must be above zero, whether or not there are peers.
fn check_cluster_durations(flags: &Flags) -> Result<(), String> {
    if flags.cluster_listen_address.is_empty() {
        return Ok(());
    }
    for (name, duration) in [
        ("cluster.peer-timeout", flags.cluster_peer_timeout),
        ("cluster.peers-resolve-timeout", flags.cluster_peers_resolve_timeout),
        ("cluster.gossip-interval", flags.cluster_gossip_interval),
        ("cluster.pushpull-interval", flags.cluster_pushpull_interval),
        ("cluster.tcp-timeout", flags.cluster_tcp_timeout),
        ("cluster.probe-timeout", flags.cluster_probe_timeout),
        ("cluster.probe-interval", flags.cluster_probe_interval),
        ("cluster.reconnect-interval", flags.cluster_reconnect_interval),
        ("cluster.reconnect-timeout", flags.cluster_reconnect_timeout),
    ] {
        positive(name, duration)?;
    }
    Ok(())
}

/// Limit: it is part of the node metadata, which memberlist limits to 512 bytes.
const CLUSTER_ID_BYTES_MAX: usize = 255;

fn positive(name: &str, duration: SignedDuration) -> Result<Duration, String> {
    duration.positive().ok_or_else(|| format!("--{name} must be positive"))
}

/// Zero and below mean no limit, which is zero here.
fn limit(count: i64) -> usize {
    usize::try_from(count).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{check, check_memory_limit, cross_origin};
    use crate::features::Features;
    use crate::flags::{Flags, Parsed, parse};

    fn flags(arguments: &[&str]) -> Flags {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        match parse(&arguments, |_| Err("no files here".into())) {
            Ok(Parsed::Run(flags)) => *flags,
            other => panic!("{arguments:?}: {other:?}"),
        }
    }

    fn check_error(argument: &str, expected: &str) {
        let error = check(&flags(&[argument]), &Features::default()).unwrap_err();
        assert!(error.starts_with(expected), "{argument}: {error}");
    }

    #[test]
    fn flags_of_missing_features_are_refused_by_name() {
        check_error("--web.systemd-socket", "--web.systemd-socket is set, but this build has no");
        check_error("--web.listen-address=vsock://:1", "--web.listen-address=vsock:// is set");
    }

    #[test]
    fn a_cluster_id_must_fit_in_the_node_metadata() {
        let id = |bytes| format!("--cluster.id={}", "x".repeat(bytes));
        check_error(&id(256), "--cluster.id must not be longer than 255 bytes");
        assert!(check(&flags(&[&id(255)]), &Features::default()).is_ok());
    }

    #[test]
    fn durations_that_must_be_positive_are_refused() {
        check_error("--data.retention=0", "--data.retention must be positive");
        check_error("--alerts.gc-interval=-1s", "--alerts.gc-interval must be positive");
        check_error("--cluster.gossip-interval=0", "--cluster.gossip-interval must be positive");
        let alone = flags(&["--cluster.listen-address=", "--cluster.gossip-interval=0"]);
        assert!(check(&alone, &Features::default()).is_ok());
    }

    #[test]
    fn flags_of_a_cluster_that_is_turned_off_give_a_warning() {
        let warnings =
            |arguments: &[&str]| check(&flags(arguments), &Features::default()).unwrap().1;
        assert!(warnings(&["--cluster.listen-address="]).is_empty());
        assert!(warnings(&[]).is_empty());
        let alone = "--cluster.listen-address=";
        let tuned = warnings(&[alone, "--cluster.peer-timeout=1s", "--cluster.label=x"]);
        let expected = "Without a cluster these have no effect: --cluster.peer-timeout \
                        --cluster.label";
        assert_eq!(tuned, [expected]);
    }

    #[test]
    fn a_pattern_of_origins_is_refused_with_its_anchors() {
        assert!(cross_origin(&flags(&[])).unwrap().is_none());
        assert!(cross_origin(&flags(&["--web.cors.origin=https://a"])).unwrap().is_some());
        let refused = cross_origin(&flags(&["--web.cors.origin=("])).unwrap_err();
        assert_eq!(refused.message, "error parsing --web.cors.origin");
        assert_eq!(refused.reason, "error parsing regexp: missing closing ): `^(?:()$`");
    }

    #[test]
    fn the_memory_limit_is_checked_only_if_it_is_switched_on() {
        let check = |arguments: &[&str], memory_limit| {
            let features = Features { memory_limit, ..Features::default() };
            check_memory_limit(&flags(arguments), &features).map_err(|refused| refused.message)
        };
        let ratio = "--auto-gomemlimit.ratio must be greater than 0 and less than or equal to 1.";
        let interval = "--auto-gomemlimit.refresh-interval must not be negative.";
        let switch = "--auto-gomemlimit";
        let never = "--auto-gomemlimit.refresh-interval=-1s";
        assert_eq!(check(&["--auto-gomemlimit.ratio=2", never], false), Ok(()));
        assert_eq!(check(&["--auto-gomemlimit.ratio=2", never, switch], false), Err(ratio));
        assert_eq!(check(&["--auto-gomemlimit.ratio=0"], true), Err(ratio));
        assert_eq!(check(&[never, switch], false), Err(interval));
        assert_eq!(check(&[switch], true), Ok(()));
    }

    #[test]
    fn limits_below_zero_are_none() {
        let flags = flags(&["--silences.max-silences=-3", "--alerts.per-alertname-limit=7"]);
        let settings = check(&flags, &Features::default()).unwrap().0;
        assert_eq!((settings.silences_max, settings.alerts_per_name_max), (0, 7));
    }
}

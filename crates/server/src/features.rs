//! What `--enable-feature` turns on.

use bellwether_model::MatcherMode;

/// The features that this program has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    pub alert_names_in_metrics: bool,
    pub receiver_names_in_metrics: bool,
    pub group_keys_in_metrics: bool,
    pub memory_limit: bool,
    /// Whether the notification log records which alerts were muted.
    pub muted_alerts_in_log: bool,
    pub matchers: MatcherMode,
}

impl Default for Features {
    fn default() -> Self {
        Features {
            alert_names_in_metrics: false,
            receiver_names_in_metrics: false,
            group_keys_in_metrics: false,
            memory_limit: false,
            muted_alerts_in_log: false,
            matchers: MatcherMode::Fallback,
        }
    }
}

/// What is logged about a feature that is turned on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remark {
    Warning(&'static str),
    /// The feature will be gone one day.
    Error(&'static str),
}

/// Reads the comma-separated list; also returns what to log, one line for each feature.
///
/// # Errors
/// If a feature is unknown or not in this build, or two of them exclude each other.
pub fn parse(list: &str) -> Result<(Features, Vec<Remark>), String> {
    let mut features = Features::default();
    let mut remarks = Vec::new();
    let (mut classic, mut strict) = (false, false);
    for name in list.split(',').filter(|_| !list.is_empty()) {
        remarks.push(Remark::Warning(match name {
            "alert-names-in-metrics" => {
                features.alert_names_in_metrics = true;
                "Alert names in metrics enabled"
            }
            "receiver-name-in-metrics" => {
                features.receiver_names_in_metrics = true;
                "Experimental receiver name in metrics enabled"
            }
            "group-key-in-metrics" => {
                features.group_keys_in_metrics = true;
                "Experimental group key in metrics enabled"
            }
            "classic-mode" => {
                classic = true;
                "Classic mode enabled"
            }
            "utf8-strict-mode" => {
                strict = true;
                "UTF-8 strict mode enabled"
            }
            "auto-gomemlimit" => {
                features.memory_limit = true;
                remarks.push(Remark::Error(
                    "Deprecated: auto-gomemlimit will be removed in v0.35. Please use the new \
                     command line flag --auto-gomemlimit instead.",
                ));
                continue;
            }
            "muted-alerts-in-nflog" => {
                features.muted_alerts_in_log = true;
                "Experimental muted alerts in the notification log enabled"
            }
            "event-recorder" => {
                return Err(
                    "--enable-feature=event-recorder: this build has no event recorder".into()
                );
            }
            _ => return Err(format!("unknown option '{name}' for --enable-feature")),
        }));
    }
    features.matchers = match (classic, strict) {
        (true, true) => return Err("cannot have both classic and UTF-8 modes enabled".into()),
        (true, false) => MatcherMode::Classic,
        (false, true) => MatcherMode::Utf8,
        (false, false) => MatcherMode::Fallback,
    };
    Ok((features, remarks))
}

#[cfg(test)]
mod tests {
    use super::{Features, Remark, parse};
    use bellwether_model::MatcherMode;

    #[test]
    fn lists_are_read_name_by_name() {
        assert_eq!(parse(""), Ok((Features::default(), vec![])));
        let (features, remarks) = parse("classic-mode,receiver-name-in-metrics").unwrap();
        assert_eq!(features.matchers, MatcherMode::Classic);
        assert!(features.receiver_names_in_metrics && !features.alert_names_in_metrics);
        assert_eq!(remarks.len(), 2);
        let (features, remarks) = parse("auto-gomemlimit,muted-alerts-in-nflog").unwrap();
        assert!(features.memory_limit && features.muted_alerts_in_log);
        assert!(matches!(remarks[..], [Remark::Error(_), Remark::Warning(_)]));
    }

    #[test]
    fn missing_features_are_refused_by_name() {
        let unknown = "unknown option 'auto-gomaxprocs' for --enable-feature";
        assert_eq!(parse("classic-mode,auto-gomaxprocs"), Err(unknown.into()));
        assert_eq!(parse("x,"), Err("unknown option 'x' for --enable-feature".into()));
        let both = "cannot have both classic and UTF-8 modes enabled";
        assert_eq!(parse("classic-mode,utf8-strict-mode"), Err(both.into()));
        assert!(parse("event-recorder").unwrap_err().contains("--enable-feature=event-recorder"));
    }
}

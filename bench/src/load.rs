//! What load do the servers get?
//!
//! Alerts as a mid-sized installation sends them: seven labels, two annotations, about 600 bytes of
//! JSON; 200 teams with a route each; 20 clusters with an inhibit rule each; silences that name a
//! team and some of its rules. Everything follows from an index, so both servers get the same
//! bytes, and bodies are rendered before the clock starts.

use std::fmt::Write;

use jiff::{SignedDuration, Timestamp};

pub const TEAMS: usize = 200;
pub const CLUSTERS: usize = 20;
const NAMESPACES: usize = 20;
const RULES: usize = 20;

/// When the alerts of one sending start and end.
#[derive(Clone, Copy)]
pub struct Times {
    starts_at: Timestamp,
    ends_at: Timestamp,
}

impl Times {
    /// Firing since now, for longer than any measurement lasts.
    pub fn from_now() -> Self {
        let now = Timestamp::now();
        Self { starts_at: now, ends_at: now + SignedDuration::from_hours(2) }
    }

    /// The same alerts a little later, as their sender repeats them.
    pub fn repeated(self) -> Self {
        Self { ends_at: self.ends_at + SignedDuration::from_mins(1), ..self }
    }
}

/// The configuration of the ingestion and read runs: no group is ever due while it is measured.
pub fn config(webhook: &str) -> String {
    let mut text = String::from(
        "route:\n  receiver: sink\n  group_by: [alertname, cluster]\n  group_wait: 1h\n  \
         group_interval: 1h\n  repeat_interval: 4h\n  routes:\n",
    );
    for team in 0..TEAMS {
        let _ = writeln!(text, "  - matchers: ['team=\"team-{team}\"']\n    receiver: sink");
    }
    text.push_str("inhibit_rules:\n");
    for rule in 0..CLUSTERS {
        let _ = writeln!(
            text,
            "- source_matchers: ['alertname=\"ClusterDown{rule}\"']\n  target_matchers: \
             ['severity=\"warning\"', 'cluster=\"cluster-{rule}\"']\n  equal: [namespace]"
        );
    }
    let _ = writeln!(text, "receivers:\n- name: sink\n  webhook_configs:\n  - url: {webhook}");
    text
}

/// The configuration of the notification run: every alert is a group of its own.
pub fn notify_config(webhook: &str, group_wait: u64, group_interval: u64) -> String {
    format!(
        "route:\n  receiver: sink\n  group_by: [alertname, instance]\n  group_wait: {group_wait}s\n  \
         group_interval: {group_interval}s\n  repeat_interval: 4h\nreceivers:\n- name: sink\n  \
         webhook_configs:\n  - url: {webhook}\n"
    )
}

/// The configuration of the runs with large groups, one for each team, which are notified at every
/// interval. `receiver` is the key with the list of its integrations.
pub fn large_groups_config(receiver: &str, group_wait: u64, group_interval: u64) -> String {
    format!(
        "route:\n  receiver: team\n  group_by: [team]\n  group_wait: {group_wait}s\n  \
         group_interval: {group_interval}s\n  repeat_interval: 1ms\nreceivers:\n- name: team\n  \
         {receiver}\n"
    )
}

/// The configuration of the run with groups whose receiver fails, one for each cluster.
pub fn clusters_config(webhook: &str, group_wait: u64, group_interval: u64) -> String {
    format!(
        "route:\n  receiver: sink\n  group_by: [cluster]\n  group_wait: {group_wait}s\n  \
         group_interval: {group_interval}s\n  repeat_interval: 4h\nreceivers:\n- name: sink\n  \
         webhook_configs:\n  - url: {webhook}\n"
    )
}

/// Bodies of `per_post` alerts each that together hold the alerts `0..count`.
pub fn bodies(count: usize, per_post: usize, times: Times) -> Vec<Vec<u8>> {
    bodies_of(&(0..count).collect::<Vec<_>>(), per_post, times)
}

/// Bodies of `per_post` alerts each that together hold these alerts.
pub fn bodies_of(indices: &[usize], per_post: usize, times: Times) -> Vec<Vec<u8>> {
    indices.chunks(per_post).map(|chunk| body(chunk.iter().map(|&i| alert(i, times)))).collect()
}

/// One body with the 400 alerts that inhibit others.
pub fn sources(times: Times) -> Vec<u8> {
    let pairs = (0..CLUSTERS).flat_map(|rule| (0..NAMESPACES).map(move |space| (rule, space)));
    body(pairs.map(|(rule, space)| {
        format!(
            r#"{{"labels":{{"alertname":"ClusterDown{rule}","cluster":"cluster-{rule}","namespace":"namespace-{space}","severity":"critical"}},"annotations":{{}},"startsAt":"{}","endsAt":"{}"}}"#,
            times.starts_at, times.ends_at
        )
    }))
}

/// One silence as it is posted: two of the rules of one team, a tenth of its alerts.
pub fn silence(index: usize) -> String {
    let now = Timestamp::now();
    let team = index % TEAMS;
    let (one, other) =
        ((index + index / TEAMS * 5) % RULES, (index + index / TEAMS * 5 + 7) % RULES);
    format!(
        r#"{{"matchers":[{{"name":"team","value":"team-{team}","isRegex":false}},{{"name":"alertname","value":"RuleNumber({one}|{other})","isRegex":true}}],"startsAt":"{now}","endsAt":"{}","createdBy":"bench","comment":"planned work"}}"#,
        now + SignedDuration::from_hours(2)
    )
}

/// A path that reads one alert by an equality filter.
pub fn one_by_equality(index: usize) -> String {
    format!("/api/v2/alerts?filter=instance%3D%22{}%22", instance(index))
}

/// A path that reads about a hundredth of the alerts by a regular expression.
pub const BY_REGEX: &str =
    "/api/v2/alerts?filter=instance%3D~%22host-.*7%5B0-9%5D%5C%5C.example.*%22";

/// The key of a group of the notification run, as the notification log has it.
pub fn group_key(index: usize) -> String {
    let rule = (index / TEAMS) % RULES;
    format!(r#"{{}}:{{alertname="RuleNumber{rule}", instance="{}"}}"#, instance(index))
}

fn body(alerts: impl Iterator<Item = String>) -> Vec<u8> {
    let joined = alerts.collect::<Vec<_>>().join(",");
    format!("[{joined}]").into_bytes()
}

fn alert(index: usize, times: Times) -> String {
    let team = index % TEAMS;
    let cluster = index % CLUSTERS;
    let space = (index / CLUSTERS) % NAMESPACES;
    let rule = (index / TEAMS) % RULES;
    let severity = if (index / 7).is_multiple_of(4) { "warning" } else { "critical" };
    let instance = instance(index);
    format!(
        r#"{{"labels":{{"alertname":"RuleNumber{rule}","cluster":"cluster-{cluster}","instance":"{instance}","job":"node-exporter","namespace":"namespace-{space}","severity":"{severity}","team":"team-{team}"}},"annotations":{{"summary":"Filesystem of {instance} is almost full","description":"The filesystem mounted at /var/lib/data of {instance} has less than 5% of its space left and fills up at its present rate within four hours."}},"startsAt":"{}","endsAt":"{}","generatorURL":"http://prometheus.example.org:9090/graph?g0.expr=node_filesystem_avail_bytes+%3C+0.05&g0.tab=1"}}"#,
        times.starts_at, times.ends_at
    )
}

/// The label value that only the alert of this index has.
pub fn instance(index: usize) -> String {
    format!("host-{index:07}.example.org:9100")
}

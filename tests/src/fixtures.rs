//! What the tests start from: small configurations, alerts, silences and times.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::sink::{Request, Sink};

/// Alerts of the team `disk` have a receiver of their own; neither receiver sends anything.
pub const TWO_RECEIVERS: &str = "
route:
  receiver: default
  routes:
  - matchers: [team=\"disk\"]
    receiver: disk
receivers:
- name: default
- name: disk
";

/// One receiver `hook` that is notified of groups by `alertname`, quickly.
pub fn one_webhook(url: &str) -> String {
    format!(
        "route:\n  receiver: hook\n  group_by: [alertname]\n  group_wait: 100ms\n  \
         group_interval: 500ms\n  repeat_interval: 4h\nreceivers:\n- name: hook\n  \
         webhook_configs:\n  - url: {url}\n"
    )
}

/// A firing alert without an end.
pub fn alert(name: &str) -> Value {
    json!({"labels": {"alertname": name, "job": "e2e"}, "startsAt": at(0), "endsAt": at(3600)})
}

/// The same alert at its end.
pub fn resolved(name: &str) -> Value {
    json!({"labels": {"alertname": name, "job": "e2e"}, "startsAt": at(-60), "endsAt": at(-1)})
}

/// A silence of one alert for the next hour.
pub fn silence(name: &str, comment: &str) -> Value {
    json!({
        "matchers": [{"name": "alertname", "value": name, "isRegex": false, "isEqual": true}],
        "startsAt": at(0), "endsAt": at(3600), "createdBy": "e2e", "comment": comment,
    })
}

/// The time so many seconds from now, as RFC 3339 in UTC.
pub fn at(seconds: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let seconds = i64::try_from(now.as_secs()).expect("the year is not that far") + seconds;
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let millis = now.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// The status of each notification, in order.
pub fn statuses(requests: &[Request]) -> Vec<String> {
    requests.iter().map(|request| text(&request.json()["status"])).collect()
}

/// Waits for the "resolved" notification, and returns it with the one before: there are just two.
#[track_caller]
pub fn firing_then_resolved(hook: &Sink) -> Vec<Request> {
    let sent = hook.wait_for("resolved notification", |sent| {
        statuses(sent).contains(&"resolved".to_owned()).then(|| sent.to_vec())
    });
    assert_eq!(statuses(&sent), ["firing", "resolved"]);
    sent
}

/// The group labels' `alertname` of a notification.
pub fn group_name(request: &Request) -> String {
    text(&request.json()["groupLabels"]["alertname"])
}

/// A JSON string's content; empty for anything else.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Year, month and day of a day since 1970, in the proleptic Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    // Years begin in March here, so that the leap day is the last one of its year.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

//! What a message says about a group: the facts that every kind of message is made from.
//!
//! In: a [`Notification`] and which of its alerts to include. Out: the values that templates and
//! webhooks know by name (`status`, `alerts`, `commonLabels`, …), and their JSON form.
//!
//! All alerts are judged against the notification's one `now`, so that a message never calls an
//! alert firing in one place and resolved in another.

use std::sync::Arc;

use bellwether_model::{Alert, LabelSet, Notification, Reason, Timestamp};

use bellwether_encoding::json::{Escape, List, Object, push_string};

/// The facts of one message; borrows from the notification.
pub struct Data<'a> {
    /// The receiver's name with the characters that mean something in a regular expression escaped.
    pub receiver: String,
    pub status: Status,
    pub alerts: Vec<AlertData<'a>>,
    pub reason: Reason,
    pub group_labels: &'a LabelSet,
    /// The labels that all `alerts` share.
    pub common_labels: LabelSet,
    /// The annotations that all `alerts` share.
    pub common_annotations: LabelSet,
    /// Rendered, if they are templates.
    pub route_labels: LabelSet,
    /// Without a slash at its end.
    pub external_url: &'a str,
}

/// One alert as a message shows it.
pub struct AlertData<'a> {
    pub status: Status,
    pub alert: &'a Arc<Alert>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Firing,
    Resolved,
}

impl<'a> Data<'a> {
    /// The facts about `alerts`, which are all of the notification's or the first few of them.
    pub fn new(
        notification: &'a Notification,
        alerts: &'a [Arc<Alert>],
        external_url: &'a str,
    ) -> Self {
        let now = notification.now;
        let alerts: Vec<AlertData<'a>> = alerts
            .iter()
            .map(|alert| AlertData { status: Status::of(alert, now), alert })
            .collect();
        let any_fires = alerts.iter().any(|alert| alert.status == Status::Firing);
        Data {
            receiver: regex_quoted(&notification.integration.receiver),
            status: if any_fires { Status::Firing } else { Status::Resolved },
            reason: notification.reason,
            group_labels: &notification.group_labels,
            common_labels: common(alerts.iter().map(|data| &data.alert.labels)),
            common_annotations: common(alerts.iter().map(|data| &data.alert.annotations)),
            route_labels: notification.route_labels.clone(),
            external_url,
            alerts,
        }
    }

    /// Writes all facts as members of `object`, in the order that receivers are used to.
    pub fn write(&self, object: &mut Object<'_>) {
        self.write_first(self.alerts.len(), object);
    }

    /// As [`Data::write`], with only the first `count` of the alerts; the rest of what is written
    /// is still about all of them.
    pub fn write_first(&self, count: usize, object: &mut Object<'_>) {
        let Data {
            receiver,
            status,
            alerts,
            reason,
            group_labels,
            common_labels,
            common_annotations,
            route_labels,
            external_url,
        } = self;
        object.string("receiver", receiver);
        object.string("status", status.text());
        let mut list = List::begin(object.value("alerts"));
        for alert in alerts.iter().take(count) {
            alert.write(list.value());
        }
        list.end();
        object.string("notification_reason", reason.text());
        push_labels(object.value("groupLabels"), group_labels);
        push_labels(object.value("commonLabels"), common_labels);
        push_labels(object.value("commonAnnotations"), common_annotations);
        push_labels(object.value("routeLabels"), route_labels);
        object.string("externalURL", external_url);
    }
}

impl AlertData<'_> {
    /// The end of a resolved alert; that of a firing one is a guess and left out.
    pub fn ends_at(&self) -> Timestamp {
        match self.status {
            Status::Firing => Timestamp::ZERO,
            Status::Resolved => self.alert.ends_at,
        }
    }

    fn write(&self, out: &mut String) {
        let mut object = Object::begin(out);
        object.string("status", self.status.text());
        push_labels(object.value("labels"), &self.alert.labels);
        push_labels(object.value("annotations"), &self.alert.annotations);
        push_time(object.value("startsAt"), self.alert.starts_at);
        push_time(object.value("endsAt"), self.ends_at());
        object.string("generatorURL", &self.alert.generator_url);
        object.string("fingerprint", &self.alert.fingerprint.to_string());
        object.end();
    }
}

impl Status {
    fn of(alert: &Alert, now: Timestamp) -> Self {
        if alert.resolved_at(now) { Status::Resolved } else { Status::Firing }
    }

    pub fn text(self) -> &'static str {
        match self {
            Status::Firing => "firing",
            Status::Resolved => "resolved",
        }
    }
}

/// The pairs that are in all of `sets`; none if there is no set.
///
/// A set that lacks a name counts as one that has it with an empty value.
fn common<'a>(mut sets: impl Iterator<Item = &'a LabelSet>) -> LabelSet {
    let Some(first) = sets.next() else { return LabelSet::default() };
    let mut shared: Vec<(&str, &str)> = first.iter().collect();
    for set in sets {
        // Both sides are sorted by name: one pass over the set decides about all of `shared`.
        let mut pairs = set.iter().peekable();
        shared.retain(|(name, value)| {
            while pairs.next_if(|(other, _)| other < name).is_some() {}
            let other = pairs.next_if(|(other, _)| other == name).map(|(_, value)| value);
            other.unwrap_or_default() == *value
        });
        if shared.is_empty() {
            break;
        }
    }
    LabelSet::from_sorted(shared)
}

/// `name` with a backslash before each character that is special in a regular expression.
fn regex_quoted(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn push_labels(out: &mut String, labels: &LabelSet) {
    let mut object = Object::begin(out);
    for (name, value) in labels.iter() {
        push_string(object.value(name), value, Escape::Html);
    }
    object.end();
}

fn push_time(out: &mut String, at: Timestamp) {
    out.push('"');
    at.write_nanos(out);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use bellwether_model::LabelSet;

    use super::{common, regex_quoted};

    fn check_common(sets: &[&[(&str, &str)]], expected: &[(&str, &str)]) {
        let sets: Vec<LabelSet> =
            sets.iter().map(|pairs| LabelSet::new(pairs.iter().copied())).collect();
        assert_eq!(common(sets.iter()), LabelSet::new(expected.iter().copied()), "{sets:?}");
    }

    #[test]
    fn only_pairs_of_all_sets_are_common() {
        check_common(&[], &[]);
        check_common(&[&[("a", "1"), ("b", "2")]], &[("a", "1"), ("b", "2")]);
        check_common(
            &[
                &[("a", "1"), ("b", "2"), ("c", "3")],
                &[("0", ""), ("a", "1"), ("b", "x"), ("c", "3")],
            ],
            &[("a", "1"), ("c", "3")],
        );
        check_common(&[&[("z", "1")], &[("a", "1")]], &[]);
        check_common(&[&[("a", "1")], &[]], &[]);
    }

    #[test]
    fn an_empty_value_equals_a_missing_name() {
        check_common(&[&[("a", ""), ("b", "2")], &[("b", "2")]], &[("a", ""), ("b", "2")]);
        check_common(&[&[("b", "2")], &[("a", ""), ("b", "2")]], &[("b", "2")]);
    }

    #[test]
    fn receiver_names_are_quoted_as_go_quotes_for_regular_expressions() {
        assert_eq!(regex_quoted("team-a/b c"), "team-a/b c");
        assert_eq!(regex_quoted("a.b"), r"a\.b");
        assert_eq!(regex_quoted(r"\.+*?()|[]{}^$ü"), r"\\\.\+\*\?\(\)\|\[\]\{\}\^\$ü");
    }
}

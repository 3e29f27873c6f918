//! Data for templates that need not come from a notification: an operator who tries a template makes
//! it up.
//!
//! In: [`Facts`], with any texts. Out: the value that is dot, of the same types as ever.

use std::sync::{Arc, OnceLock};

use bellwether_model::{LabelSet, Timestamp};
use bellwether_template::{Body, List, Object, Value};

use super::{ALERT, ALERT_TYPE, Alerts, Kv, TemplateData, alert_json_name};
use crate::templates::time::Moment;

/// What a template is rendered with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    pub receiver: String,
    pub status: String,
    pub alerts: Vec<AlertFacts>,
    pub reason: String,
    pub group_labels: LabelSet,
    pub common_labels: LabelSet,
    pub common_annotations: LabelSet,
    pub route_labels: LabelSet,
    pub external_url: String,
}

/// One alert as templates see it.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertFacts {
    /// `firing`, `resolved`, or anything else, which is neither.
    pub status: String,
    pub labels: LabelSet,
    pub annotations: LabelSet,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    pub generator_url: String,
    pub fingerprint: String,
}

/// `template.Data`, not by reference.
struct DataValue(TemplateData);

/// `template.Alert`.
struct AlertValue([(&'static str, Value); 7]);

/// Dot.
pub(crate) fn facts_value(facts: &Facts) -> Value {
    let Facts {
        receiver,
        status,
        alerts,
        reason,
        group_labels,
        common_labels,
        common_annotations,
        route_labels,
        external_url,
    } = facts;
    let with = |status: Option<&str>| {
        let chosen = alerts.iter().filter(|alert| status.is_none_or(|it| it == alert.status));
        Arc::new(List::new(ALERT, chosen.map(alert_value).collect()))
    };
    let alerts = Alerts {
        all: with(None),
        firing: OnceLock::from(with(Some("firing"))),
        resolved: OnceLock::from(with(Some("resolved"))),
    };
    Value::object(DataValue(TemplateData([
        ("Receiver", Value::from(receiver.as_str())),
        ("Status", Value::from(status.as_str())),
        ("Alerts", Value::object(alerts)),
        ("NotificationReason", Value::from(reason.as_str())),
        ("GroupLabels", Kv::value(group_labels)),
        ("CommonLabels", Kv::value(common_labels)),
        ("CommonAnnotations", Kv::value(common_annotations)),
        ("RouteLabels", Kv::value(route_labels)),
        ("ExternalURL", Value::from(external_url.as_str())),
    ])))
}

fn alert_value(facts: &AlertFacts) -> Value {
    let AlertFacts { status, labels, annotations, starts_at, ends_at, generator_url, fingerprint } =
        facts;
    Value::object(AlertValue([
        ("Status", Value::from(status.as_str())),
        ("Labels", Kv::value(labels)),
        ("Annotations", Kv::value(annotations)),
        ("StartsAt", Value::object(Moment::new(*starts_at))),
        ("EndsAt", Value::object(Moment::new(*ends_at))),
        ("GeneratorURL", Value::from(generator_url.as_str())),
        ("Fingerprint", Value::from(fingerprint.as_str())),
    ]))
}

impl Object for DataValue {
    fn type_name(&self) -> &'static str {
        "template.Data"
    }

    fn body(&self) -> Body<'_> {
        self.0.body()
    }

    fn json_name(&self, field: &'static str) -> &'static str {
        self.0.json_name(field)
    }
}

impl Object for AlertValue {
    fn type_name(&self) -> &'static str {
        ALERT_TYPE
    }

    fn body(&self) -> Body<'_> {
        Body::Fields(&self.0)
    }

    fn json_name(&self, field: &'static str) -> &'static str {
        alert_json_name(field)
    }
}

//! What templates see of a notification: `.Alerts`, `.CommonLabels.SortedPairs`, `.StartsAt.Format`.
//!
//! In: [`Data`]. Out: the value that is dot. Labels are shared with the alerts; a list of pairs or
//! of firing alerts is made when a template asks for it, and kept, since most templates ask twice.
//!
//! Names of types, fields and methods are Go's: people write them, and read them in errors.

mod facts;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use bellwether_model::regex::{Pattern, Replacer};
use bellwether_model::{LabelSet, Timestamp};
use bellwether_template::{Body, Function, List, Map, Object, Type, Value};

use super::route_labels::RouteLabels;
use super::time::Moment;
use crate::data::{AlertData, Data, Status};

pub(crate) use facts::facts_value;
pub use facts::{AlertFacts, Facts};

/// What functions know beyond their arguments.
pub(crate) struct Host {
    pub now: Timestamp,
    pub route_labels: RouteLabels,
    pub patterns: Compiled<Pattern>,
    pub replacers: Compiled<Replacer>,
}

/// Regular expressions by their text: most templates use the same few again and again.
pub(crate) struct Compiled<T>(RefCell<BTreeMap<String, Rc<T>>>);

/// `template.Data`.
struct TemplateData([(&'static str, Value); 9]);

/// `template.Alert`.
struct Alert {
    status: Status,
    alert: Arc<bellwether_model::Alert>,
    /// Made when a template looks at it: many only count alerts.
    fields: OnceLock<[(&'static str, Value); 7]>,
}

/// `template.Alerts`: all that the message includes.
struct Alerts {
    all: Arc<List>,
    firing: OnceLock<Arc<List>>,
    resolved: OnceLock<Arc<List>>,
}

/// `template.KV`: labels or annotations.
pub(crate) struct Kv {
    set: LabelSet,
    map: OnceLock<Arc<Map>>,
    pairs: OnceLock<Arc<Pairs>>,
}

/// `template.Pairs`: labels in the order in which they are shown.
struct Pairs(Arc<List>);

/// `template.Pair`.
struct Pair([(&'static str, Value); 2]);

/// `template.Strings`.
struct Strings(Arc<List>);

impl Host {
    pub(crate) fn new(now: Timestamp, route_labels: RouteLabels) -> Self {
        Host { now, route_labels, patterns: Compiled::default(), replacers: Compiled::default() }
    }
}

impl<T> Default for Compiled<T> {
    fn default() -> Self {
        Compiled(RefCell::default())
    }
}

impl<T> Compiled<T> {
    /// What `compile` makes of the text, now or earlier.
    pub(crate) fn of<E>(
        &self,
        text: &str,
        compile: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Rc<T>, E> {
        if let Some(found) = self.0.borrow().get(text) {
            return Ok(Rc::clone(found));
        }
        let compiled = Rc::new(compile(text)?);
        let mut kept = self.0.borrow_mut();
        if kept.len() < COMPILED_MAX {
            kept.insert(text.to_owned(), Rc::clone(&compiled));
        }
        Ok(compiled)
    }
}

/// Limit: regular expressions of each use that one notification keeps; others are compiled each time.
const COMPILED_MAX: usize = 8;

/// Dot.
pub(crate) fn template_value(data: &Data<'_>) -> Value {
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
    } = data;
    let list = List::new(ALERT, alerts.iter().map(alert_value).collect());
    Value::object(TemplateData([
        ("Receiver", Value::from(receiver.as_str())),
        ("Status", Value::from(status.text())),
        ("Alerts", Value::object(Alerts::new(list))),
        ("NotificationReason", Value::from(reason.text())),
        ("GroupLabels", Kv::value(group_labels)),
        ("CommonLabels", Kv::value(common_labels)),
        ("CommonAnnotations", Kv::value(common_annotations)),
        ("RouteLabels", Kv::value(route_labels)),
        ("ExternalURL", Value::from(*external_url)),
    ]))
}

/// The type of the elements of `.Alerts`.
pub(crate) const ALERT_TYPE: &str = "template.Alert";

/// The alert that an element of `.Alerts` stands for.
pub(crate) fn alert_of(value: &Value) -> Option<&Arc<bellwether_model::Alert>> {
    match value {
        Value::Object(object) => object.downcast::<Alert>().map(|alert| &alert.alert),
        _ => None,
    }
}

fn alert_value(data: &AlertData<'_>) -> Value {
    let AlertData { status, alert } = data;
    Value::object(Alert { status: *status, alert: Arc::clone(alert), fields: OnceLock::new() })
}

impl Object for TemplateData {
    fn type_name(&self) -> &'static str {
        "*template.Data"
    }

    fn body(&self) -> Body<'_> {
        Body::Fields(&self.0)
    }

    fn json_name(&self, field: &'static str) -> &'static str {
        match field {
            "Receiver" => "receiver",
            "Status" => "status",
            "Alerts" => "alerts",
            "NotificationReason" => "notification_reason",
            "GroupLabels" => "groupLabels",
            "CommonLabels" => "commonLabels",
            "CommonAnnotations" => "commonAnnotations",
            "RouteLabels" => "routeLabels",
            "ExternalURL" => "externalURL",
            other => other,
        }
    }
}

impl Alert {
    fn fields(&self) -> [(&'static str, Value); 7] {
        let alert = &self.alert;
        let ends_at = AlertData { status: self.status, alert }.ends_at();
        [
            ("Status", Value::from(self.status.text())),
            ("Labels", Kv::value(&alert.labels)),
            ("Annotations", Kv::value(&alert.annotations)),
            ("StartsAt", Value::object(Moment::new(alert.starts_at))),
            ("EndsAt", Value::object(Moment::new(ends_at))),
            ("GeneratorURL", Value::text(Arc::clone(&alert.generator_url))),
            ("Fingerprint", Value::from(alert.fingerprint.to_string())),
        ]
    }
}

impl Object for Alert {
    fn type_name(&self) -> &'static str {
        ALERT_TYPE
    }

    fn body(&self) -> Body<'_> {
        Body::Fields(self.fields.get_or_init(|| self.fields()))
    }

    fn json_name(&self, field: &'static str) -> &'static str {
        alert_json_name(field)
    }
}

fn alert_json_name(field: &'static str) -> &'static str {
    match field {
        "Status" => "status",
        "Labels" => "labels",
        "Annotations" => "annotations",
        "StartsAt" => "startsAt",
        "EndsAt" => "endsAt",
        "GeneratorURL" => "generatorURL",
        "Fingerprint" => "fingerprint",
        other => other,
    }
}

impl Alerts {
    fn new(all: List) -> Self {
        Alerts { all: Arc::new(all), firing: OnceLock::new(), resolved: OnceLock::new() }
    }

    /// A plain list: what is chosen has no methods of its own.
    fn with(&self, status: Status) -> Value {
        let kept = match status {
            Status::Firing => &self.firing,
            Status::Resolved => &self.resolved,
        };
        let list = kept.get_or_init(|| {
            let has = |value: &&Value| match value {
                Value::Object(object) => {
                    object.downcast::<Alert>().is_some_and(|alert| alert.status == status)
                }
                _ => false,
            };
            Arc::new(List::new(ALERT, self.all.items.iter().filter(has).cloned().collect()))
        });
        Value::List(Arc::clone(list))
    }
}

impl Object for Alerts {
    fn type_name(&self) -> &'static str {
        "template.Alerts"
    }

    fn body(&self) -> Body<'_> {
        Body::Like(Value::List(Arc::clone(&self.all)))
    }

    fn methods(&self) -> &'static [Function] {
        const METHODS: &[Function] = &[
            Function::new("Firing", &[], |call| Ok(call.receiver::<Alerts>().with(Status::Firing))),
            Function::new("Resolved", &[], |call| {
                Ok(call.receiver::<Alerts>().with(Status::Resolved))
            }),
        ];
        METHODS
    }
}

impl Kv {
    pub(crate) fn value(set: &LabelSet) -> Value {
        let set = set.clone();
        Value::object(Kv { set, map: OnceLock::new(), pairs: OnceLock::new() })
    }

    fn pairs(&self) -> &Arc<Pairs> {
        self.pairs.get_or_init(|| {
            let pair = |(name, value): (&str, &str)| {
                Value::object(Pair([("Name", Value::from(name)), ("Value", Value::from(value))]))
            };
            let (first, rest): (Vec<_>, Vec<_>) =
                self.set.iter().partition(|(name, _)| *name == "alertname");
            let items = first.into_iter().chain(rest).map(pair).collect();
            Arc::new(Pairs(Arc::new(List::new(Type::Object("template.Pair"), items))))
        })
    }

    fn without(&self, names: &[Value]) -> Value {
        let is_named = |label: &str| {
            names.iter().any(
                |name| matches!(name, Value::Text(name) if name.as_bytes() == label.as_bytes()),
            )
        };
        Kv::value(&self.set.filtered(|name| !is_named(name)))
    }
}

impl Object for Kv {
    fn type_name(&self) -> &'static str {
        "template.KV"
    }

    fn body(&self) -> Body<'_> {
        let map = self.map.get_or_init(|| {
            let entries = self.set.iter().map(|(name, value)| (name, Value::from(value)));
            Arc::new(Map::new(Type::Text, entries))
        });
        Body::Like(Value::Map(Arc::clone(map)))
    }

    fn methods(&self) -> &'static [Function] {
        const METHODS: &[Function] = &[
            Function::new("SortedPairs", &[], |call| {
                let pairs = Arc::clone(call.receiver::<Kv>().pairs());
                Ok(Value::Object(pairs))
            }),
            Function::new("Remove", &[Type::List(&Type::Text)], |call| {
                Ok(call.receiver::<Kv>().without(&call.items(0)))
            }),
            Function::new("Names", &[], |call| Ok(call.receiver::<Kv>().pairs().column(0))),
            Function::new("Values", &[], |call| Ok(call.receiver::<Kv>().pairs().column(1))),
            Function::new("String", &[], |call| {
                Ok(Value::from(call.receiver::<Kv>().pairs().shown()))
            }),
        ];
        METHODS
    }

    fn text(&self) -> Option<String> {
        Some(self.pairs().shown())
    }
}

impl Pairs {
    fn column(&self, column: usize) -> Value {
        let cell = |value: &Value| match value {
            Value::Object(object) => {
                object.downcast::<Pair>().map_or(Value::Nil, |pair| pair.0[column].1.clone())
            }
            _ => Value::Nil,
        };
        let items = self.0.items.iter().map(cell).collect();
        Value::object(Strings(Arc::new(List::new(Type::Text, items))))
    }

    fn shown(&self) -> String {
        let mut out = String::new();
        for (index, item) in self.0.items.iter().enumerate() {
            if let Value::Object(object) = item
                && let Some(Pair([(_, name), (_, value)])) = object.downcast::<Pair>()
            {
                out.push_str(if index == 0 { "" } else { ", " });
                push_text(&mut out, name);
                out.push('=');
                push_text(&mut out, value);
            }
        }
        out
    }
}

impl Object for Pairs {
    fn type_name(&self) -> &'static str {
        "template.Pairs"
    }

    fn body(&self) -> Body<'_> {
        Body::Like(Value::List(Arc::clone(&self.0)))
    }

    fn methods(&self) -> &'static [Function] {
        const METHODS: &[Function] = &[
            Function::new("Names", &[], |call| Ok(call.receiver::<Pairs>().column(0))),
            Function::new("Values", &[], |call| Ok(call.receiver::<Pairs>().column(1))),
            Function::new("String", &[], |call| Ok(Value::from(call.receiver::<Pairs>().shown()))),
        ];
        METHODS
    }

    fn text(&self) -> Option<String> {
        Some(self.shown())
    }
}

impl Object for Pair {
    fn type_name(&self) -> &'static str {
        "template.Pair"
    }

    fn body(&self) -> Body<'_> {
        Body::Fields(&self.0)
    }

    fn equals(&self, other: &dyn Object) -> Option<bool> {
        let same =
            |a: &Value, b: &Value| matches!((a, b), (Value::Text(a), Value::Text(b)) if a == b);
        let other = other.downcast::<Pair>()?;
        Some(same(&self.0[0].1, &other.0[0].1) && same(&self.0[1].1, &other.0[1].1))
    }
}

impl Object for Strings {
    fn type_name(&self) -> &'static str {
        "template.Strings"
    }

    fn body(&self) -> Body<'_> {
        Body::Like(Value::List(Arc::clone(&self.0)))
    }

    fn methods(&self) -> &'static [Function] {
        const METHODS: &[Function] = &[Function::new("Join", &[Type::Text], |call| {
            Ok(Value::from(joined(&call.receiver::<Strings>().0.items, &call.text(0))))
        })];
        METHODS
    }
}

/// The texts among `items`, with `separator` between them.
pub(crate) fn joined(items: &[Value], separator: &str) -> String {
    let mut out = String::new();
    for (index, item) in items.iter().enumerate() {
        out.push_str(if index == 0 { "" } else { separator });
        push_text(&mut out, item);
    }
    out
}

fn push_text(out: &mut String, value: &Value) {
    if let Value::Text(text) = value {
        out.push_str(&text.to_str());
    }
}

const ALERT: Type = Type::Object(ALERT_TYPE);

//! `amtool template render`: what does a text with templates become?

use std::time::Duration;

use bellwether_integrations::templates::{AlertFacts, Facts, Language};
use bellwether_model::{LabelSet, Timestamp};
use serde_json::Value;

use super::{Session, Stop};
use crate::date_time::parse_rfc3339;
use crate::files;
use crate::template_files;
use crate::wire::read::Fields;
use crate::wire::{Labels, Read, read};

pub fn render(session: Session<'_, '_>) -> Result<(), Stop> {
    let Session { options, around, .. } = session;
    let templates = template_files::load(&options.template_globs)?;
    let facts = match options.template_data.as_str() {
        "" => sample(around.now),
        file => {
            let text = files::read(file)?;
            let value = read::parse(&text).map_err(|error| match error.as_str() {
                "EOF" | "unexpected EOF" => "unexpected end of JSON input".to_owned(),
                _ => error,
            })?;
            Facts::read(&value)?
        }
    };
    let language = match options.template_type.as_str() {
        "html" => Language::Html,
        _ => Language::Plain,
    };
    let rendered = templates.try_out(&options.template_text, language, &facts, around.now);
    around.print(&rendered.map_err(|error| error.text)?);
    Ok(())
}

impl Read for Facts {
    fn read(value: &Value) -> Result<Self, String> {
        let fields = Fields::of(value, "template.Data")?;
        let text = |name| Ok::<_, String>(fields.text(name)?.unwrap_or_default());
        let labels = |name| fields.labels(name).map(set);
        Ok(Facts {
            receiver: text("receiver")?,
            status: text("status")?,
            alerts: fields.list("alerts")?.unwrap_or_default(),
            reason: text("notification_reason")?,
            group_labels: labels("groupLabels")?,
            common_labels: labels("commonLabels")?,
            common_annotations: labels("commonAnnotations")?,
            route_labels: labels("routeLabels")?,
            external_url: text("externalURL")?,
        })
    }
}

impl Read for AlertFacts {
    fn read(value: &Value) -> Result<Self, String> {
        let fields = Fields::of(value, "template.Alert")?;
        let text = |name| Ok::<_, String>(fields.text(name)?.unwrap_or_default());
        let time = |name| fields.text(name)?.map_or(Ok(Timestamp::ZERO), |it| parse_rfc3339(&it));
        Ok(AlertFacts {
            status: text("status")?,
            labels: set(fields.labels("labels")?),
            annotations: set(fields.labels("annotations")?),
            starts_at: time("startsAt")?,
            ends_at: time("endsAt")?,
            generator_url: text("generatorURL")?,
            fingerprint: text("fingerprint")?,
        })
    }
}

fn set(labels: Option<Labels>) -> LabelSet {
    let labels = labels.unwrap_or_default();
    LabelSet::from_sorted(labels.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

/// A firing alert and a resolved one.
fn sample(now: Timestamp) -> Facts {
    let common_labels =
        [("commonlabelkey1", "commonlabelvalue1"), ("commonlabelkey2", "commonlabelvalue2")];
    let common_annotations = [
        ("commonannotationkey1", "commonannotationvalue1"),
        ("commonannotationkey2", "commonannotationvalue2"),
    ];
    let alert = |status: &str, minutes: u64, fingerprint: &str, labels, annotations| {
        let labels: Vec<(&str, &str)> = labels;
        let annotations: Vec<(&str, &str)> = annotations;
        AlertFacts {
            status: status.to_owned(),
            labels: LabelSet::new(labels.into_iter().chain(common_labels)),
            annotations: LabelSet::new(annotations.into_iter().chain(common_annotations)),
            starts_at: now.minus(Duration::from_secs(60 * minutes)),
            ends_at: now,
            generator_url: "https://generatorurl.com".to_owned(),
            fingerprint: fingerprint.to_owned(),
        }
    };
    Facts {
        receiver: "receiver".to_owned(),
        status: "alertstatus".to_owned(),
        alerts: vec![
            alert(
                "firing",
                5,
                "fingerprint1",
                vec![("label1", "value1"), ("label2", "value2"), ("instance", "foo.bar:1234")],
                vec![("annotation1", "value1"), ("annotation2", "value2")],
            ),
            alert(
                "resolved",
                10,
                "fingerprint2",
                vec![("foo", "bar"), ("baz", "qux")],
                vec![("aaa", "bbb"), ("ccc", "ddd")],
            ),
        ],
        reason: String::new(),
        group_labels: LabelSet::new([
            ("grouplabelkey1", "grouplabelvalue1"),
            ("grouplabelkey2", "grouplabelvalue2"),
        ]),
        common_labels: LabelSet::new(common_labels),
        common_annotations: LabelSet::new(common_annotations),
        route_labels: LabelSet::default(),
        external_url: "https://example.com".to_owned(),
    }
}

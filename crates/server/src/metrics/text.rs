//! Metrics as text: the classic Prometheus format 0.0.4, and OpenMetrics for those who read only that.
//!
//! The two differ in small things that scrapers insist on: OpenMetrics names a counter without its
//! `_total`, writes bounds and values with a decimal point, and ends with a mark.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::value::{Counter, Gauge, Histogram, Labelled, Summary};

/// Which of the two formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Classic,
    OpenMetrics,
}

/// Collects metrics and writes them in the order of their names.
#[derive(Debug)]
pub struct Exposition {
    form: Form,
    families: BTreeMap<&'static str, String>,
}

/// Something that has samples to show.
pub trait Samples {
    const KIND: &'static str;
    /// Appends one line for each sample of the metric `name`.
    fn write(&self, name: &str, labels: &[(&str, &str)], form: Form, out: &mut String);
}

impl Form {
    /// By an `Accept` header: OpenMetrics only for those who name it and read no plain text.
    ///
    /// Compat: the Go server has the classic format only. OpenMetrics writes the bound of a bucket
    /// as `le="5.0"` in place of `le="5"`, which is another series for Prometheus 2; all versions
    /// of Prometheus name both formats, and so keep the series that they have.
    pub fn accepted(accept: &str) -> Self {
        let names = |wanted: &[&str]| {
            accept.split(',').any(|range| {
                let mut parts = range.split(';').map(str::trim);
                let kind = parts.next().unwrap_or_default();
                let is_refused = parts.any(|part| ["q=0", "q=0.0"].contains(&part));
                !is_refused && wanted.iter().any(|name| name.eq_ignore_ascii_case(kind))
            })
        };
        if names(&["application/openmetrics-text"]) && !names(&["text/plain", "text/*", "*/*"]) {
            Form::OpenMetrics
        } else {
            Form::Classic
        }
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Form::Classic => "text/plain; version=0.0.4; charset=utf-8",
            Form::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

impl Exposition {
    pub fn new(form: Form) -> Self {
        Exposition { form, families: BTreeMap::new() }
    }

    /// Adds a metric. The name is the classic one, with the `_total` of counters.
    pub fn add<S: Samples>(&mut self, name: &'static str, help: &str, samples: &S) {
        self.add_with(name, help, samples, &[]);
    }

    /// Adds a metric whose labels never change.
    pub fn add_with<S: Samples>(
        &mut self,
        name: &'static str,
        help: &str,
        samples: &S,
        labels: &[(&str, &str)],
    ) {
        self.put(name, help, S::KIND, |form, out| samples.write(name, labels, form, out));
    }

    /// Adds a labelled metric; one that has no series yet is left out.
    pub fn add_labelled<S: Samples>(
        &mut self,
        name: &'static str,
        help: &str,
        labelled: &Labelled<S>,
    ) {
        let mut lines = String::new();
        let form = self.form;
        labelled.each(|values, series| {
            let values = values.iter().map(String::as_str);
            let labels: Vec<(&str, &str)> = labelled.names.iter().copied().zip(values).collect();
            series.write(name, &labels, form, &mut lines);
        });
        if !lines.is_empty() {
            self.put(name, help, S::KIND, |_, out| out.push_str(&lines));
        }
    }

    /// Adds a histogram with one label, of which something else has kept count.
    pub fn add_observed(
        &mut self,
        name: &'static str,
        help: &str,
        label: &str,
        series: &[(String, Observed)],
    ) {
        if series.is_empty() {
            return;
        }
        self.put(name, help, Observed::KIND, |form, out| {
            for (value, observed) in series {
                observed.write(name, &[(label, value)], form, out);
            }
        });
    }

    /// Adds a gauge with constant labels and the value 1.
    pub fn add_info(&mut self, name: &'static str, help: &str, labels: &[(&str, &str)]) {
        let one = Gauge::default();
        one.set(1.0);
        self.add_with(name, help, &one, labels);
    }

    pub fn finish(self) -> String {
        let mut text: String = self.families.into_values().collect();
        if self.form == Form::OpenMetrics {
            text.push_str("# EOF\n");
        }
        text
    }

    fn put(
        &mut self,
        name: &'static str,
        help: &str,
        kind: &str,
        write: impl FnOnce(Form, &mut String),
    ) {
        let shown = match self.form {
            Form::OpenMetrics if kind == Counter::KIND => name.trim_end_matches("_total"),
            Form::Classic | Form::OpenMetrics => name,
        };
        let mut family = format!("# HELP {shown} {help}\n# TYPE {shown} {kind}\n");
        write(self.form, &mut family);
        self.families.insert(name, family);
    }
}

/// A distribution as it is at one instant: each bound, the infinite one last, with how many values
/// were at most that.
#[derive(Clone, Debug)]
pub struct Observed {
    pub cumulative: Vec<(f64, u64)>,
    pub sum: f64,
}

impl Samples for Counter {
    const KIND: &'static str = "counter";

    fn write(&self, name: &str, labels: &[(&str, &str)], form: Form, out: &mut String) {
        line(out, name, labels, &number(self.read() as f64, form));
    }
}

impl Samples for Gauge {
    const KIND: &'static str = "gauge";

    fn write(&self, name: &str, labels: &[(&str, &str)], form: Form, out: &mut String) {
        line(out, name, labels, &number(self.read(), form));
    }
}

impl Samples for Summary {
    const KIND: &'static str = "summary";

    fn write(&self, name: &str, labels: &[(&str, &str)], form: Form, out: &mut String) {
        line(out, &format!("{name}_sum"), labels, &number(self.sum(), form));
        line(out, &format!("{name}_count"), labels, &self.count().to_string());
    }
}

impl Samples for Histogram {
    const KIND: &'static str = "histogram";

    fn write(&self, name: &str, labels: &[(&str, &str)], form: Form, out: &mut String) {
        Observed { cumulative: self.cumulative(), sum: self.sum() }.write(name, labels, form, out);
    }
}

impl Samples for Observed {
    const KIND: &'static str = "histogram";

    fn write(&self, name: &str, labels: &[(&str, &str)], form: Form, out: &mut String) {
        let mut count = 0;
        for &(bound, below) in &self.cumulative {
            let bound = number(bound, form);
            let labels: Vec<_> = labels.iter().copied().chain([("le", bound.as_str())]).collect();
            line(out, &format!("{name}_bucket"), &labels, &below.to_string());
            count = below;
        }
        line(out, &format!("{name}_sum"), labels, &number(self.sum, form));
        line(out, &format!("{name}_count"), labels, &count.to_string());
    }
}

fn line(out: &mut String, name: &str, labels: &[(&str, &str)], value: &str) {
    out.push_str(name);
    for (position, (label, text)) in labels.iter().enumerate() {
        out.push(if position == 0 { '{' } else { ',' });
        write!(out, "{label}=\"").expect("writing to a string cannot fail");
        for c in text.chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                '"' => out.push_str("\\\""),
                '\n' => out.push_str("\\n"),
                c => out.push(c),
            }
        }
        out.push('"');
    }
    if !labels.is_empty() {
        out.push('}');
    }
    out.push(' ');
    out.push_str(value);
    out.push('\n');
}

/// A number in the shortest text that reads back the same, as Go's `%g` writes it.
pub fn number(value: f64, form: Form) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf".into() } else { "-Inf".into() };
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let mut text = if (-4..6).contains(&exponent) {
        format!("{value}")
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{digits}e{sign}{:02}", exponent.abs())
    };
    if form == Form::OpenMetrics && !text.contains(['.', 'e']) {
        text.push_str(".0");
    }
    text
}

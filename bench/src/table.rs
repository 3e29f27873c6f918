//! How are the figures of two servers shown?

use std::time::Duration;

use bellwether_e2e::Program;

/// What one server showed, in the order of the rows. Every server has the same rows.
#[derive(Default)]
pub struct Figures(Vec<Figure>);

struct Figure {
    name: String,
    value: f64,
    unit: Unit,
}

#[derive(Clone, Copy)]
pub enum Unit {
    /// Kept in seconds.
    Time,
    Bytes,
    PerSecond,
    /// Of one; shown in percent.
    Share,
    /// Says what happened; a ratio of it would mean nothing.
    Count,
}

impl Figures {
    pub fn time(&mut self, name: impl Into<String>, value: Duration) {
        self.push(name, value.as_secs_f64(), Unit::Time);
    }

    pub fn push(&mut self, name: impl Into<String>, value: f64, unit: Unit) {
        let name = name.into();
        eprintln!("  {name}: {}", show(value, unit));
        self.0.push(Figure { name, value, unit });
    }
}

/// A markdown table with a column per server and, for two, how many times better the first is.
pub fn compare(title: &str, programs: &[Program], columns: &[Figures]) -> String {
    let names: Vec<&str> = programs.iter().map(|program| program.name()).collect();
    let has_ratio = columns.len() == 2;
    let mut text = format!("### {title}\n\n| figure | {} |", names.join(" | "));
    text.push_str(if has_ratio { " ratio |\n" } else { "\n" });
    text.push_str(&"|---".repeat(columns.len() + 1 + usize::from(has_ratio)));
    text.push_str("|\n");
    let Some(first) = columns.first() else { return text };
    for (row, figure) in first.0.iter().enumerate() {
        text.push_str(&format!("| {} |", figure.name));
        for column in columns {
            text.push_str(&format!(" {} |", show(column.0[row].value, figure.unit)));
        }
        if has_ratio {
            text.push_str(&format!(" {} |", ratio(figure, &columns[1].0[row])));
        }
        text.push('\n');
    }
    text
}

/// How many times less time or space, or more per second, the first one shows.
fn ratio(ours: &Figure, theirs: &Figure) -> String {
    let times = match ours.unit {
        Unit::Time | Unit::Bytes | Unit::Share => theirs.value / ours.value,
        Unit::PerSecond => ours.value / theirs.value,
        Unit::Count => return "–".to_owned(),
    };
    if times >= 10.0 { format!("{times:.0}×") } else { format!("{times:.1}×") }
}

fn show(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Count if value.fract() == 0.0 => format!("{value:.0}"),
        Unit::Count => format!("{value:.1}"),
        Unit::PerSecond => format!("{value:.0}/s"),
        Unit::Share => format!("{:.2} %", value * 100.0),
        Unit::Time if value < 1e-3 => format!("{:.1} µs", value * 1e6),
        Unit::Time if value < 1.0 => format!("{:.1} ms", value * 1e3),
        Unit::Time => format!("{value:.2} s"),
        Unit::Bytes if value < 1e4 => format!("{value:.0} B"),
        Unit::Bytes => format!("{:.1} MiB", value / f64::from(1 << 20)),
    }
}

//! Log lines, which go to standard output, as the Go client's do.

use bellwether_model::Timestamp;
use bellwether_model::quote::quoted;

/// `time=… level=WARN source=parse.go:126 msg="…" input=…`
pub fn line(now: Timestamp, level: &str, source: &str, fields: &[(&str, &str)]) -> String {
    let mut out = format!("time={} level={level} source={source}", now.in_utc().rfc3339_millis());
    for (name, value) in fields {
        out.push(' ');
        out.push_str(name);
        out.push('=');
        match needs_quotes(value) {
            true => out.push_str(&quoted(value)),
            false => out.push_str(value),
        }
    }
    out.push('\n');
    out
}

fn needs_quotes(value: &str) -> bool {
    let is_odd = |c: char| c == ' ' || c == '"' || c == '=' || c.is_control() || c == '\u{fffd}';
    value.is_empty() || value.contains(is_odd)
}

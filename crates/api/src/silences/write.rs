//! One silence as the API shows it.
//!
//! Compat: times are in UTC with milliseconds, empty annotations are left out, and the order of the
//! members is upstream's; ours says of a silence that mutes nothing why it does not.

use bellwether_engine::NotInForce;
use bellwether_model::{Matcher, Matchers, Silence, SilenceState, Timestamp};

use bellwether_encoding::json::{Escape, push_string, push_string_map};

/// Appends the silence; an error if it cannot be shown in this version of the API.
pub(super) fn push_silence(
    out: &mut String,
    silence: &Silence,
    state: SilenceState,
    not_in_force: Option<NotInForce>,
) -> Result<(), String> {
    if silence.matcher_sets.len() > 1 {
        let message = format!(
            "silence '{}' has multiple matcher sets which is not supported by this API version",
            silence.id
        );
        return Err(message);
    }
    out.push_str("{\"id\":");
    push_string(out, &silence.id, Escape::Html);
    out.push_str(",\"status\":{\"state\":\"");
    out.push_str(state.text());
    out.push_str("\"},\"updatedAt\":");
    push_time(out, silence.updated_at);
    if !silence.annotations.is_empty() {
        out.push_str(",\"annotations\":");
        let pairs = silence.annotations.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        push_string_map(out, pairs, Escape::Html);
    }
    out.push_str(",\"comment\":");
    push_string(out, &silence.comment, Escape::Html);
    out.push_str(",\"createdBy\":");
    push_string(out, &silence.created_by, Escape::Html);
    out.push_str(",\"endsAt\":");
    push_time(out, silence.ends_at);
    out.push_str(",\"matchers\":[");
    let matchers = silence.matcher_sets.first().into_iter().flat_map(Matchers::iter);
    for (index, matcher) in matchers.enumerate() {
        if index > 0 {
            out.push(',');
        }
        push_matcher(out, matcher);
    }
    out.push_str("],\"startsAt\":");
    push_time(out, silence.starts_at);
    if let Some(why) = not_in_force {
        out.push_str(",\"bellwether\":{\"notInForce\":");
        push_string(out, why.text(), Escape::Html);
        out.push('}');
    }
    out.push('}');
    Ok(())
}

fn push_matcher(out: &mut String, matcher: &Matcher) {
    out.push_str("{\"isEqual\":");
    out.push_str(if matcher.op.is_positive() { "true" } else { "false" });
    out.push_str(",\"isRegex\":");
    out.push_str(if matcher.op.is_regex() { "true" } else { "false" });
    out.push_str(",\"name\":");
    push_string(out, &matcher.name, Escape::Html);
    out.push_str(",\"value\":");
    push_string(out, &matcher.value, Escape::Html);
    out.push('}');
}

fn push_time(out: &mut String, at: Timestamp) {
    out.push('"');
    at.in_utc().write_millis(out);
    out.push('"');
}

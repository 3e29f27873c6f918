//! Texts become values of options, with the errors of the Go program's libraries.

use std::fs;
use std::io;
use std::path::Path;

use bellwether_model::duration::parse_go;
use bellwether_model::quote::quoted;

use super::defaults::Defaults;
use super::elements::{Element, Invocation};
use super::options::Options;
use super::table::{Print, Target};
use crate::files::{open_error, stat_error};
use crate::server_url::ServerUrl;

/// Sets every flag that was not given to its default. With `--help` and `--version` nothing is set.
///
/// # Errors
/// The first default that is not a value, which can come from a configuration file only.
pub fn set_defaults(
    options: &mut Options,
    invocation: &Invocation,
    defaults: &Defaults,
) -> Result<(), String> {
    let asks = |print| {
        invocation.flags_given().any(|flag| matches!(flag.target, Target::Print(it) if it == print))
    };
    if asks(Print::Help) || asks(Print::Version) {
        return Ok(());
    }
    for flag in &invocation.flags {
        if !invocation.flags_given().any(|given| given.name == flag.name)
            && let Some(value) = defaults.of(flag)
        {
            set(options, &flag.target, value)?;
        }
    }
    Ok(())
}

/// Sets what was given, in order.
///
/// # Errors
/// The first text that is not a value, or a flag that was repeated; what stood before it is set.
pub fn set_all(options: &mut Options, invocation: &Invocation) -> Result<(), String> {
    let mut seen: Vec<&str> = Vec::new();
    let mut last = None;
    for element in &invocation.elements {
        match element {
            Element::Flag(flag, value) => {
                if seen.contains(&flag.name) && !flag.target.is_repeatable() {
                    return Err(format!("flag '{}' cannot be repeated", flag.name));
                }
                set(options, &flag.target, value)?;
                seen.push(flag.name);
            }
            Element::Argument(argument, value) => set(options, &argument.target, value)?,
            Element::Command { command, .. } => last = Some(command),
        }
    }
    if last.is_some_and(|command| !command.commands.is_empty()) {
        return Err(format!("must select a subcommand of '{}'", invocation.full_name()));
    }
    Ok(())
}

fn set(options: &mut Options, target: &Target, text: &str) -> Result<(), String> {
    match target {
        Target::Text(at) => text.clone_into(at(options)),
        Target::Texts(at) => at(options).push(text.to_owned()),
        Target::Switch(at) => *at(options) = switch(text)?,
        // Whether it was given is what counts.
        Target::Print(_) => drop(switch(text)?),
        Target::Duration(at) => *at(options) = duration(text)?,
        Target::Count(at) => *at(options) = count(text)?,
        Target::Choice(choices, at) => {
            if !choices.contains(&text) {
                let choices = choices.join(",");
                return Err(format!("enum value must be one of {choices}, got '{text}'"));
            }
            text.clone_into(at(options));
        }
        Target::File(at) => {
            check_is_file(text)?;
            text.clone_into(at(options));
        }
        Target::Files(at) => {
            check_is_file(text)?;
            at(options).push(text.to_owned());
        }
        Target::ReadableFile(at) => {
            fs::File::open(text).map_err(|error| open_error(text, &error))?;
            text.clone_into(at(options));
        }
        Target::Url(at) => *at(options) = Some(ServerUrl::parse(text)?),
    }
    Ok(())
}

fn switch(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(format!("strconv.ParseBool: parsing {}: invalid syntax", quoted(text))),
    }
}

/// A number with a fraction is one too: `1e1` is ten.
fn count(text: &str) -> Result<i64, String> {
    let number: Result<f64, _> = text.parse();
    let number = number.ok().filter(|_| !text.is_empty());
    number
        .map(|number| number as i64)
        .ok_or_else(|| format!("strconv.ParseFloat: parsing {}: invalid syntax", quoted(text)))
}

/// As Go's durations, with days and weeks besides.
fn duration(text: &str) -> Result<i64, String> {
    let error = match parse_go(text) {
        Ok(nanos) => return Ok(nanos),
        Err(error) => error.to_string(),
    };
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if !rest.contains(['d', 'w']) {
        return Err(error);
    }
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let (number, behind) = rest.split_at(rest.find(|c| !is_number(c)).unwrap_or(rest.len()));
        let (unit, behind) = behind.split_at(behind.find(is_number).unwrap_or(behind.len()));
        let (unit, times) = match unit {
            "d" => ("h", 24),
            "w" => ("h", 168),
            other => (other, 1),
        };
        let part = format!("{number}{unit}");
        let nanos = parse_go(&part).map_err(|error| {
            error
                .to_string()
                .replace(&format!("duration \"{part}\""), &format!("duration \"{text}\""))
        })?;
        total += i128::from(nanos) * times;
        rest = behind;
    }
    i64::try_from(total * sign).map_err(|_| format!("time: invalid duration \"{text}\""))
}

fn check_is_file(path: &str) -> Result<(), String> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            let name = Path::new(path).file_name().map_or(path.into(), |it| it.to_string_lossy());
            Err(format!("'{name}' is a directory"))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(format!("path '{path}' does not exist"))
        }
        Err(error) => Err(stat_error(path, &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_may_have_days_and_weeks() {
        let hour = 3_600_000_000_000;
        assert_eq!(duration("1d"), Ok(24 * hour));
        assert_eq!(duration("1w2d3h"), Ok((168 + 48 + 3) * hour));
        assert_eq!(duration("-1.5d"), Ok(-36 * hour));
        assert_eq!(duration("30s"), Ok(30_000_000_000));
        assert_eq!(duration("0"), Ok(0));
        assert_eq!(duration("1x"), Err("time: unknown unit \"x\" in duration \"1x\"".to_owned()));
        assert_eq!(duration("d"), Err("time: invalid duration \"d\"".to_owned()));
        assert_eq!(duration(""), Err("time: invalid duration \"\"".to_owned()));
        assert_eq!(duration("5"), Err("time: missing unit in duration \"5\"".to_owned()));
    }
}

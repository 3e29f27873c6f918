//! Parses arguments in the four steps of Go's parser, which scripts were written against.
//!
//! 1. Arguments become elements, up to the first that cannot be understood.
//! 2. If one of the elements asks for the version, it is printed, whatever else is wrong.
//! 3. Otherwise what could not be understood is reported; if all was, help is printed if asked for.
//! 4. Only then values are set, in order; the first that is wrong or repeated is reported.

use bellwether_model::duration::parse_go;

use super::table::{Flag, TABLE, Target};
use super::{Flags, SignedDuration};
use crate::logging::{Format, Level};

/// The result of parsing.
#[derive(Debug)]
pub enum Parsed {
    Run(Box<Flags>),
    Version,
    Help,
    ManPage,
}

/// Reads arguments, without the program's name. `read_file` gives the text of an `@file`.
///
/// # Errors
/// With the message that follows `alertmanager: error: ` and precedes `, try --help`.
pub fn parse(
    arguments: &[String],
    read_file: impl Fn(&str) -> Result<String, String>,
) -> Result<Parsed, String> {
    let (elements, misunderstood) = elements(expand(arguments, read_file)?);
    for element in &elements {
        match element.which {
            Which::Version => return Ok(Parsed::Version),
            Which::ManPage => return Ok(Parsed::ManPage),
            Which::HelpLong => return Ok(Parsed::Help),
            Which::Help | Which::Listed(_) => {}
        }
    }
    if let Some(message) = misunderstood {
        return Err(message);
    }
    if elements.iter().any(|element| element.which == Which::Help) {
        return Ok(Parsed::Help);
    }
    let mut flags = defaults();
    set_all(&mut flags, &elements)?;
    Ok(Parsed::Run(Box::new(flags)))
}

/// The defaults.
pub(super) fn defaults() -> Flags {
    let mut flags = Flags::default();
    for flag in TABLE.iter().filter(|flag| !flag.default.is_empty()) {
        set(&mut flags, flag, flag.default).expect("the table's own defaults can be read");
    }
    flags
}

/// Which flag an element names; a listed one by its place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Listed(usize),
    Help,
    HelpLong,
    ManPage,
    Version,
}

struct Element {
    which: Which,
    value: String,
}

impl Which {
    fn named(name: &str) -> Option<Which> {
        match name {
            "help" => Some(Which::Help),
            "help-long" => Some(Which::HelpLong),
            "help-man" => Some(Which::ManPage),
            "version" => Some(Which::Version),
            _ => TABLE.iter().position(|flag| flag.name == name).map(Which::Listed),
        }
    }

    fn is_switch(self) -> bool {
        match self {
            Which::Listed(at) => matches!(TABLE[at].target, Target::Switch(_)),
            Which::Help | Which::HelpLong | Which::ManPage | Which::Version => true,
        }
    }
}

/// Replaces each `@file` before `--` by the lines of that file; those that begin with `#` do not
/// count.
fn expand(
    arguments: &[String],
    read_file: impl Fn(&str) -> Result<String, String>,
) -> Result<Vec<String>, String> {
    let mut expanded = Vec::new();
    let mut verbatim = false;
    for argument in arguments {
        verbatim |= argument == "--";
        let Some(path) = argument.strip_prefix('@').filter(|_| !verbatim) else {
            expanded.push(argument.clone());
            continue;
        };
        let text = read_file(path)
            .map_err(|reason| format!("failed to open arguments file {path:?}: {reason}"))?;
        expanded.extend(text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned));
    }
    Ok(expanded)
}

/// The elements before the first one that is not understood, and the error about that one.
fn elements(arguments: Vec<String>) -> (Vec<Element>, Option<String>) {
    let mut elements = Vec::new();
    let mut rest = arguments.into_iter().peekable();
    while let Some(argument) = rest.next() {
        if argument == "--" {
            let message = rest.next().map(|positional| format!("unexpected {positional}"));
            return (elements, message);
        }
        if let Some(text) = argument.strip_prefix("--") {
            let (name, attached) = match text.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (text, None),
            };
            let Some((which, negated)) = named(name) else {
                return (elements, Some(format!("unknown long flag '--{name}'")));
            };
            if which.is_switch() {
                elements.push(Element { which, value: (!negated).to_string() });
                if let Some(value) = attached {
                    return (elements, Some(format!("unexpected {value}")));
                }
                continue;
            }
            let following = || rest.next_if(|next| !next.starts_with('-'));
            let Some(value) = attached.or_else(following) else {
                return (elements, Some(format!("expected argument for flag '--{name}'")));
            };
            elements.push(Element { which, value });
        } else if let Some(letters) = argument.strip_prefix('-') {
            if letters.is_empty() {
                return (elements, Some("unknown short flag '-'".into()));
            }
            for letter in letters.chars() {
                if letter != 'h' {
                    return (elements, Some(format!("unknown short flag '-{letter}'")));
                }
                elements.push(Element { which: Which::Help, value: "true".into() });
            }
        } else {
            return (elements, Some(format!("unexpected {argument}")));
        }
    }
    (elements, None)
}

/// The flag of that name, and whether it is meant negated.
fn named(name: &str) -> Option<(Which, bool)> {
    if let Some(which) = Which::named(name) {
        return Some((which, false));
    }
    let which = Which::named(name.strip_prefix("no-")?)?;
    which.is_switch().then_some((which, true))
}

fn set_all(flags: &mut Flags, elements: &[Element]) -> Result<(), String> {
    let mut seen = vec![false; TABLE.len()];
    for element in elements {
        let Which::Listed(at) = element.which else { continue };
        let flag = &TABLE[at];
        let repeated = std::mem::replace(&mut seen[at], true);
        match flag.target {
            Target::Texts(list) if !repeated => list(flags).clear(),
            Target::Texts(_) => {}
            _ if repeated => return Err(format!("flag '{}' cannot be repeated", flag.name)),
            _ => {}
        }
        set(flags, flag, &element.value)?;
    }
    Ok(())
}

fn set(flags: &mut Flags, flag: &Flag, text: &str) -> Result<(), String> {
    match flag.target {
        Target::Text(at) => text.clone_into(at(flags)),
        Target::Texts(at) => at(flags).push(text.to_owned()),
        Target::Switch(at) => *at(flags) = text == "true",
        Target::Duration(at) => {
            *at(flags) = SignedDuration(parse_go(text).map_err(|error| error.to_string())?);
        }
        // Compat: whole numbers are read as floating-point ones and cut, as they always were.
        Target::Count(at) => *at(flags) = parse_float(text)? as i64,
        Target::Integer(at) => *at(flags) = parse_integer(text)?,
        Target::Ratio(at) => *at(flags) = parse_float(text)?,
        Target::Level(at) => *at(flags) = Level::parse(text)?,
        Target::Format(at) => *at(flags) = Format::parse(text)?,
    }
    Ok(())
}

/// A sign, a prefix for the base, and digits between which `_` may stand.
fn parse_integer(text: &str) -> Result<i64, String> {
    let failed = |what| format!("strconv.ParseInt: parsing {text:?}: {what}");
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = rest.to_ascii_lowercase();
    let (base, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    let is_misplaced = digits.ends_with('_')
        || digits.contains("__")
        // A prefix counts as a digit.
        || (digits.starts_with('_') && base == 10);
    let digits = digits.replace('_', "");
    if is_misplaced || digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(base)) {
        return Err(failed("invalid syntax"));
    }
    let number = i128::from_str_radix(&digits, base).map_err(|_| failed("value out of range"))?;
    i64::try_from(sign * number).map_err(|_| failed("value out of range"))
}

fn parse_float(text: &str) -> Result<f64, String> {
    let failed = |what| format!("strconv.ParseFloat: parsing {text:?}: {what}");
    let number: f64 = text.parse().map_err(|_| failed("invalid syntax"))?;
    if number.is_infinite() && text.contains(|c: char| c.is_ascii_digit()) {
        return Err(failed("value out of range"));
    }
    Ok(number)
}

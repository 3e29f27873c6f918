//! Matchers of the command line, in the syntax that `--enable-feature` asks for.
//!
//! What a parser that is tried does is logged: in every case with `--verbose`, else where the two
//! syntaxes differ.

use bellwether_model::MatcherMode;
use bellwether_model::matcher::{Matcher, Op, parse_matcher};
use bellwether_model::quote::quoted;

use crate::log;
use crate::surroundings::Surroundings;
use crate::wire::Labels;

/// How matchers are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syntax {
    pub mode: MatcherMode,
    pub is_verbose: bool,
}

/// What `--enable-feature` turns on, and what is logged about it in any case.
///
/// # Errors
/// If a feature is unknown, or two of them exclude each other.
pub fn features(list: &str) -> (Result<MatcherMode, String>, Vec<Note>) {
    let mut notes = Vec::new();
    (mode(list, &mut notes), notes)
}

fn mode(list: &str, notes: &mut Vec<Note>) -> Result<MatcherMode, String> {
    let (mut classic, mut strict) = (false, false);
    for name in list.split(',').filter(|_| !list.is_empty()) {
        classic |= name == "classic-mode";
        strict |= name == "utf8-strict-mode";
        let known = FEATURES.iter().find(|feature| feature.name == name);
        let known = known.ok_or_else(|| format!("unknown option '{name}' for --enable-feature"))?;
        notes.push(Note { level: known.level, source: known.source, text: known.text });
    }
    match (classic, strict) {
        (true, true) => Err("cannot have both classic and UTF-8 modes enabled".to_owned()),
        (true, false) => Ok(MatcherMode::Classic),
        (false, true) => Ok(MatcherMode::Utf8),
        (false, false) => Ok(MatcherMode::Fallback),
    }
}

/// A line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    pub level: &'static str,
    pub source: &'static str,
    pub text: &'static str,
}

struct Feature {
    name: &'static str,
    level: &'static str,
    source: &'static str,
    text: &'static str,
}

const fn feature(name: &'static str, source: &'static str, text: &'static str) -> Feature {
    Feature { name, level: "WARN", source, text }
}

const FEATURES: [Feature; 8] = [
    feature("alert-names-in-metrics", "featurecontrol.go:162", "Alert names in metrics enabled"),
    feature(
        "receiver-name-in-metrics",
        "featurecontrol.go:165",
        "Experimental receiver name in metrics enabled",
    ),
    feature(
        "group-key-in-metrics",
        "featurecontrol.go:168",
        "Experimental group key in metrics enabled",
    ),
    feature("classic-mode", "featurecontrol.go:171", "Classic mode enabled"),
    feature("utf8-strict-mode", "featurecontrol.go:174", "UTF-8 strict mode enabled"),
    Feature {
        name: "auto-gomemlimit",
        level: "ERROR",
        source: "featurecontrol.go:177",
        text: "Deprecated: auto-gomemlimit will be removed in v0.35. Please use the new command line \
               flag --auto-gomemlimit instead.",
    },
    feature("event-recorder", "featurecontrol.go:180", "Experimental event recorder enabled"),
    feature(
        "muted-alerts-in-nflog",
        "featurecontrol.go:183",
        "Experimental muted alerts in the notification log enabled",
    ),
];

impl Syntax {
    /// Reads one matcher.
    ///
    /// # Errors
    /// In the words of the Go program.
    pub fn matcher(self, text: &str, around: &mut Surroundings<'_>) -> Result<Matcher, String> {
        let (source, message) = match self.mode {
            MatcherMode::Classic => ("parse.go:79", "Parsing with classic matchers parser"),
            MatcherMode::Utf8 => ("parse.go:97", "Parsing with UTF-8 matchers parser"),
            MatcherMode::Fallback => (
                "parse.go:120",
                "Parsing with UTF-8 matchers parser, with fallback to classic matchers parser",
            ),
        };
        let now = around.now;
        if self.is_verbose {
            let fields = [("msg", message), ("input", text), ("origin", "cli")];
            around.print(&log::line(now, "DEBUG", source, &fields));
        }
        let parsed = parse_matcher(text, self.mode);
        let parsed = parsed.map_err(|error| error.to_string())?;
        if parsed.warning.is_none() {
            return Ok(parsed.value);
        }
        let matcher = parsed.value;
        match parse_matcher(text, MatcherMode::Utf8) {
            Ok(_) => {
                let message = "Matchers input has disagreement";
                let fields = [("msg", message), ("input", text), ("origin", "cli")];
                around.print(&log::line(now, "WARN", "parse.go:142", &fields));
            }
            Err(error) => {
                let (error, suggestion) = (error.to_string(), matcher.to_string());
                let fields = [
                    ("msg", INCOMPATIBLE),
                    ("input", text),
                    ("origin", "cli"),
                    ("err", &error),
                    ("suggestion", &suggestion),
                ];
                around.print(&log::line(now, "WARN", "parse.go:136", &fields));
            }
        }
        Ok(matcher)
    }

    /// The texts of filters: the first one, if it is no matcher, is the name of an alert.
    pub fn filters(self, words: &[String], around: &mut Surroundings<'_>) -> Vec<String> {
        let mut filters = words.to_vec();
        if let Some(first) = filters.first_mut()
            && self.matcher(first, around).is_err()
        {
            *first = format!("alertname={}", quoted(first));
        }
        filters
    }

    /// Pairs of a name and a value.
    ///
    /// # Errors
    /// With `otherwise` if one of them is a matcher of another kind.
    pub fn pairs(
        self,
        words: &[String],
        otherwise: &str,
        around: &mut Surroundings<'_>,
    ) -> Result<Labels, String> {
        let mut pairs = Labels::new();
        for word in words {
            let matcher = self.matcher(word, around)?;
            if matcher.op != Op::Equal {
                return Err(otherwise.to_owned());
            }
            pairs.insert(matcher.name, matcher.value);
        }
        Ok(pairs)
    }
}

const INCOMPATIBLE: &str = "Alertmanager is moving to a new parser for labels and matchers, and this \
     input is incompatible. Alertmanager has instead parsed the input using the classic matchers \
     parser as a fallback. To make this input compatible with the UTF-8 matchers parser please make \
     sure all regular expressions and values are double-quoted and backslashes are escaped. If you \
     are still seeing this message please open an issue.";

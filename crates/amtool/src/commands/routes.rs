//! `amtool config routes show` and `amtool config routes test`.

use bellwether_config::{Config, Route};
use bellwether_model::LabelSet;

use super::check_config::parse;
use super::{Session, Stop, status};
use crate::files;
use crate::output::original;
use crate::wire::Labels;

pub fn show(mut session: Session<'_, '_>) -> Result<(), Stop> {
    let config = load(&mut session).map_err(without_empty_line)?;
    let root = Branch::of_route(&config.route, &config.route.receiver);
    session.around.print(&format!("Routing tree:\n{}\n", drawn(root)));
    Ok(())
}

pub fn test(mut session: Session<'_, '_>) -> Result<(), Stop> {
    let config = load(&mut session)?;
    let words = std::mem::take(&mut session.options.words);
    let labels = labels(&words, &mut session)?;
    let pairs = labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let labels = LabelSet::from_sorted(pairs);
    if session.options.tree {
        let root = Branch::of_matches(&config.route, &config.route.receiver, &labels);
        session.around.print(&format!("Matching routes:\n{}\n\n", drawn(root)));
    }
    let mut receivers = Vec::new();
    push_receivers(&config.route, &config.route.receiver, &labels, &mut receivers);
    let receivers = receivers.join(",");
    session.around.print(&format!("{receivers}\n"));
    let expected = &session.options.expected_receivers;
    if !expected.is_empty() && *expected != receivers {
        session.around.print("WARNING: Expected receivers did not match resolved receivers.\n");
        return Err(Stop::Printed(1));
    }
    Ok(())
}

/// From the file, or else from the server.
fn load(session: &mut Session<'_, '_>) -> Result<Config, Stop> {
    let file = session.options.config_file.clone();
    match (session.options.url.is_some(), file.is_empty()) {
        (true, false) => {
            let warning = "Warning: --config.file flag overrides the --alertmanager.url.\n";
            session.around.warn(warning);
        }
        (false, true) => {
            let message = "You have to specify one of --config.file or --alertmanager.url flags.";
            return Err(Stop::Fatal(message.to_owned()));
        }
        (true, true) | (false, false) => {}
    }
    let mode = session.syntax.mode;
    if !file.is_empty() {
        let bytes = files::read_bytes(&file)?;
        return Ok(parse(&file, &bytes, mode)?.0);
    }
    let status = status::fetch(session)?;
    let text = original(&status)?;
    Ok(parse("", text.as_bytes(), mode)?.0)
}

fn without_empty_line(stop: Stop) -> Stop {
    match stop {
        Stop::Failed(message) => Stop::Fatal(message),
        other => other,
    }
}

fn labels(words: &[String], session: &mut Session<'_, '_>) -> Result<Labels, Stop> {
    let otherwise = "Labels must be specified as key=value pairs";
    let pairs = session.syntax.pairs(words, otherwise, session.around);
    pairs.map_err(|reason| {
        Stop::Failed(match reason == otherwise {
            true => reason,
            false => format!("Failed to parse labels: {reason}"),
        })
    })
}

/// The receivers that alerts with these labels reach.
fn push_receivers<'a>(
    route: &'a Route,
    receiver: &'a str,
    labels: &LabelSet,
    found: &mut Vec<&'a str>,
) {
    let before = found.len();
    for (child, receiver) in matching(route, receiver, labels) {
        push_receivers(child, receiver, labels, found);
    }
    if found.len() == before {
        found.push(receiver);
    }
}

/// The routes below one that take these labels, each with its receiver.
fn matching<'a>(
    route: &'a Route,
    receiver: &'a str,
    labels: &LabelSet,
) -> Vec<(&'a Route, &'a str)> {
    let mut found = Vec::new();
    for child in &route.routes {
        if child.matchers_combined().matches(labels) {
            found.push((child, inherited(child, receiver)));
            if !child.continue_matching {
                break;
            }
        }
    }
    found
}

fn inherited<'a>(route: &'a Route, receiver: &'a str) -> &'a str {
    if route.receiver.is_empty() { receiver } else { &route.receiver }
}

/// A part of a tree to be drawn.
struct Branch {
    text: String,
    below: Vec<Branch>,
}

impl Branch {
    fn of_route(route: &Route, receiver: &str) -> Branch {
        let mut text = matchers(route);
        if route.continue_matching {
            text.push_str("  continue: true");
        }
        text.push_str(&format!("  receiver: {receiver}"));
        let below = route.routes.iter();
        let below = below.map(|child| Branch::of_route(child, inherited(child, receiver)));
        Branch { text, below: below.collect() }
    }

    /// Only what takes these labels.
    fn of_matches(route: &Route, receiver: &str, labels: &LabelSet) -> Branch {
        let below = matching(route, receiver, labels);
        let mut text = matchers(route);
        if below.is_empty() {
            text.push_str(&format!("  receiver: {receiver}"));
        }
        let below = below.into_iter();
        let below = below.map(|(child, receiver)| Branch::of_matches(child, receiver, labels));
        Branch { text, below: below.collect() }
    }

    fn draw(&self, margin: &str, is_last: bool, out: &mut String) {
        let (edge, line) = if is_last { ("└── ", "    ") } else { ("├── ", "│   ") };
        out.push_str(&format!("{margin}{edge}{}\n", self.text));
        let margin = format!("{margin}{line}");
        for (index, branch) in self.below.iter().enumerate() {
            branch.draw(&margin, index + 1 == self.below.len(), out);
        }
    }
}

fn matchers(route: &Route) -> String {
    let matchers = route.matchers_combined();
    if matchers.is_empty() { "default-route".to_owned() } else { matchers.to_string() }
}

fn drawn(root: Branch) -> String {
    let mut out = ".\n".to_owned();
    root.draw("", true, &mut out);
    out
}

//! `amtool check-config`: is a configuration file valid, and its templates?
//!
//! `bellwether check-config` also builds the receivers.

use std::path::Path;

use bellwether_config::{Config, decode};
use bellwether_model::MatcherMode;

use super::{Session, Stop};
use crate::files;
use crate::log;
use crate::template_files;

pub fn check(session: Session<'_, '_>) -> Result<(), Stop> {
    let Session { options, syntax, around, .. } = session;
    let files = match options.check_files.as_slice() {
        [] if around.stdin.is_device => {
            return Err(Stop::Fatal("Failed to read from standard input".to_owned()));
        }
        [] => vec![STDIN.to_owned()],
        files => files.to_vec(),
    };
    let mut failed = 0;
    for file in &files {
        around.print(&format!("Checking '{file}'"));
        let bytes = match file.as_str() {
            STDIN => files::read_limited(&mut *around.stdin.stream, STDIN),
            file => files::read_bytes(file),
        };
        let loaded = bytes.and_then(|bytes| parse(file, &bytes, syntax.mode));
        match loaded {
            Err(reason) => {
                around.print(&format!("  FAILED: {reason}\n"));
                failed += 1;
            }
            Ok((config, warnings)) => {
                for warning in warnings {
                    let line = log::line(around.now, "WARN", "parse.go:176", &[("msg", &warning)]);
                    around.print(&line);
                }
                around.print("  SUCCESS\n");
                let (found, is_valid) = contents(&config);
                around.print(&found);
                failed += usize::from(!is_valid);
            }
        }
        around.print("\n");
    }
    match failed {
        0 => Ok(()),
        failed => Err(Stop::Failed(format!("failed to validate {failed} file(s)"))),
    }
}

/// Reads a configuration; paths are relative to its file.
pub fn parse(file: &str, bytes: &[u8], mode: MatcherMode) -> Result<(Config, Vec<String>), String> {
    let text = decode(bytes).map_err(|error| format!("{file} is {error}"))?;
    let parsed = bellwether_config::parse(&text, mode).map_err(|errors| errors.to_string())?;
    let mut config = parsed.config;
    config.resolve_paths(Path::new(file).parent().unwrap_or(Path::new("")));
    Ok((config, parsed.warnings))
}

/// What is in a configuration, and whether its templates are valid.
fn contents(config: &Config) -> (String, bool) {
    let Config { inhibit_rules, receivers, templates, .. } = config;
    let mut out = format!(
        "Found:\n - global config\n - route\n - {} inhibit rules\n - {} receivers\n - {} templates\n",
        inhibit_rules.len(),
        receivers.len(),
        templates.len()
    );
    if templates.is_empty() {
        return (out, true);
    }
    match template_files::load(templates) {
        Ok(_) => {
            out.push_str("  SUCCESS\n");
            (out, true)
        }
        Err(reason) => {
            out.push_str(&format!("  FAILED: {reason}\n"));
            (out, false)
        }
    }
}

const STDIN: &str = "/dev/stdin";

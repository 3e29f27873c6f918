//! Does the engine follow its rules, as far as a reader of plain text can follow them?
//!
//! Each file in `tests/scenarios` states one rule and plays it: blocks of commands, a line `----`,
//! and the full trace that they leave. `UPDATE_EXPECT=1` rewrites the traces; then review the
//! difference as carefully as code. `SCENARIO=name` runs only those with `name` in their names. The
//! commands are described in `tests/scenario/play.rs`.

#![allow(clippy::disallowed_methods, reason = "scenarios are files, and the engine sees none")]

#[path = "scenario/plan.rs"]
mod plan;
#[path = "scenario/play.rs"]
mod play;
#[path = "scenario/trace.rs"]
mod trace;
#[path = "scenario/world.rs"]
mod world;

use std::fs;
use std::path::{Path, PathBuf};

use play::Play;

#[test]
fn every_scenario_leaves_its_trace() {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let only = std::env::var("SCENARIO").unwrap_or_default();
    let (mut count, mut failed) = (0, Vec::new());
    for path in scenario_files() {
        let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        if !name.contains(&only) {
            continue;
        }
        count += 1;
        let text = fs::read_to_string(&path).expect("a scenario can be read");
        assert!(text.starts_with("# "), "{name} does not begin with its rule");
        let played = play(&name, &text);
        if played != text {
            if update {
                fs::write(&path, played).expect("a scenario can be written");
            } else {
                eprintln!("{}", first_difference(&name, &text, &played));
                failed.push(name);
            }
        }
    }
    assert!(count > 0, "no scenario has SCENARIO={only} in its name");
    assert!(failed.is_empty(), "differ from their files (UPDATE_EXPECT=1 rewrites): {failed:?}");
}

/// The scenario with the traces that it leaves now.
fn play(name: &str, text: &str) -> String {
    let mut play = Play::new(name);
    let mut out = String::new();
    let mut commands = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        if line != "----" {
            if line.is_empty() || line.starts_with('#') {
                assert!(commands.is_empty(), "{name}: a block has no ----:\n{commands}");
            } else {
                commands.push_str(line);
                commands.push('\n');
            }
            continue;
        }
        while lines.next_if(|line| !line.is_empty()).is_some() {}
        out.push_str(&play.run(&commands));
        commands.clear();
    }
    assert!(commands.is_empty(), "{name}: the last block has no ----:\n{commands}");
    out
}

fn scenario_files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let entries = fs::read_dir(folder).expect("the scenarios' folder is there");
    let mut files: Vec<PathBuf> =
        entries.map(|entry| entry.expect("a readable folder").path()).collect();
    files.sort();
    files
}

fn first_difference(name: &str, expected: &str, played: &str) -> String {
    let mut number = 0;
    let mut expected = expected.lines();
    let mut played = played.lines();
    loop {
        number += 1;
        let (old, new) = (expected.next(), played.next());
        if old != new {
            let [old, new] = [old, new].map(|line| line.unwrap_or("(nothing)"));
            return format!("{name}.txt:{number}\n  expected: {old}\n  played:   {new}");
        }
    }
}

//! What the documents name exists: files in backticks, the targets of links, and the anchors that
//! links and comments in the code point at.
//!
//! Paths in backticks may leave out what leads to them, as `engine/src/turn.rs` does. Decisions
//! and the changelog are not held to this: they speak about a day in the past.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::sources::{shown, workspace};

/// Endings of what looks like the name of a file of this repository.
const ENDINGS: [&str; 8] = [".rs", ".md", ".txt", ".toml", ".jsonl", ".json", ".tmpl", ".yml"];

#[test]
fn files_that_documents_name_exist() {
    let files = tracked_files();
    let mut missing = String::new();
    let mut looked_at = 0;
    for document in documents(&files) {
        let text = fs::read_to_string(workspace().join(&document)).expect("a document");
        for (number, name) in names_in_backticks(&text) {
            looked_at += 1;
            let end = format!("/{name}");
            if !files.iter().any(|file| *file == name || file.ends_with(&end)) {
                missing += &format!("  {document}:{number} names {name}\n");
            }
        }
    }
    assert!(missing.is_empty(), "files that do not exist:\n{missing}");
    assert!(looked_at > 50, "only {looked_at} names were found");
}

#[test]
fn metrics_in_the_example_rules_exist() {
    let read = |file: &str| fs::read_to_string(workspace().join(file)).expect("a file of ours");
    let (rules, metrics) = (read("examples/rules.yml"), read("docs/metrics.md"));
    let words = |text: &str| -> BTreeSet<String> {
        let is_break = |c: char| !c.is_ascii_alphanumeric() && c != '_';
        text.split(is_break)
            .filter(|word| word.starts_with("alertmanager_"))
            .map(str::to_owned)
            .collect()
    };
    let (used, known) = (words(&rules), words(&metrics));
    let unknown: Vec<_> = used.difference(&known).collect();
    assert!(unknown.is_empty(), "metrics that this server does not have: {unknown:?}");
    assert!(used.len() > 10, "only {} metrics were found", used.len());
}

#[test]
fn links_and_anchors_lead_somewhere() {
    let files = tracked_files();
    let mut broken = String::new();
    for document in documents(&files) {
        let path = workspace().join(&document);
        let text = fs::read_to_string(&path).expect("a document");
        for (number, line) in text.lines().enumerate() {
            for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                if !target.contains("://") && !leads_somewhere(&path, target) {
                    broken += &format!("  {document}:{} links to {target}\n", number + 1);
                }
            }
        }
    }
    for source in files.iter().filter(|file| file.ends_with(".rs")) {
        let text = fs::read_to_string(workspace().join(source)).expect("a source file");
        for (number, line) in text.lines().enumerate() {
            for anchor in line.split("docs/compat.md#").skip(1) {
                let anchor: String =
                    anchor.chars().take_while(|c| c.is_alphanumeric() || *c == '-').collect();
                let compat = workspace().join("docs/compat.md");
                if !anchors(&compat).contains(&anchor) && !anchor.is_empty() {
                    broken += &format!("  {source}:{} links to {anchor}\n", number + 1);
                }
            }
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere:\n{broken}");
}

/// All files under version control, as paths from the root of the repository.
fn tracked_files() -> Vec<String> {
    let output = Command::new("git").arg("ls-files").current_dir(workspace()).output();
    let output = output.expect("git runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("plain names");
    let exists = |file: &&str| workspace().join(file).exists();
    text.lines().filter(exists).map(str::to_owned).collect()
}

fn documents(files: &[String]) -> Vec<String> {
    let is_document = |file: &&String| {
        file.ends_with(".md") && !file.starts_with("docs/decisions/") && *file != "CHANGELOG.md"
    };
    files.iter().filter(is_document).cloned().collect()
}

/// Text in backticks that looks like a file name, with the number of its line.
fn names_in_backticks(text: &str) -> Vec<(usize, String)> {
    let mut names = Vec::new();
    let mut is_code_block = false;
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_code_block = !is_code_block;
        }
        if is_code_block {
            continue;
        }
        for quoted in line.split('`').skip(1).step_by(2) {
            let is_path = quoted.chars().all(|c| c.is_ascii_alphanumeric() || "._/-".contains(c));
            let is_ours = !quoted.starts_with('/') && !quoted.starts_with('.');
            if is_path && is_ours && ENDINGS.iter().any(|ending| quoted.ends_with(ending)) {
                names.push((number + 1, quoted.to_owned()));
            }
        }
    }
    names
}

fn leads_somewhere(document: &Path, target: &str) -> bool {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path: PathBuf = match file {
        "" => document.to_owned(),
        file => document.parent().expect("a folder").join(file),
    };
    if !path.exists() {
        return false;
    }
    anchor.is_empty() || anchors(&path).contains(anchor)
}

/// The anchors of a document: those it sets itself, and those of its headings.
fn anchors(document: &Path) -> BTreeSet<String> {
    let text =
        fs::read_to_string(document).unwrap_or_else(|error| panic!("{}: {error}", shown(document)));
    let set = text.lines().filter_map(|line| line.strip_prefix("<a id=\"")?.split('"').next());
    let headings = text.lines().filter(|line| line.starts_with('#')).map(|line| {
        let words = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        words.chars().filter(|c| c.is_alphanumeric() || *c == '-' || *c == '_').collect()
    });
    set.map(str::to_owned).chain(headings).collect()
}

//! Does every case come out as Go's own packages had it?
//!
//! The cases stand in `golden/cases`, what Go made of them in `golden/expected`; the program that
//! wrote it down is in `golden/generator`. Errors are compared too, word by word, apart from
//! those in [`DIFFERENCES`].

#![allow(clippy::disallowed_methods, reason = "a test reads the cases itself")]

#[path = "golden/host.rs"]
mod host;

use std::fs;
use std::path::{Path, PathBuf};

use bellwether_template::{Limits, ParseLimits, Prepared, Templates, Value};

/// Cases whose difference is known and meant: a piece of the text, and why.
const DIFFERENCES: &[(&str, &str)] = &[
    ("{{len $x}}", "Go's reflection panics; ours says `len of nil pointer`"),
    ("{{len nil}}", "Go's reflection panics; ours says `len of nil pointer`"),
    (".Extra.x}}", "a field of a host object has the type of its value, never `interface {}`"),
    ("{{printf \"%x\" 1.5}}", "floats have no hexadecimal form"),
    ("%#g", "the flag # means nothing to floats"),
];

#[test]
fn lexing() {
    compare("lexing");
}

#[test]
fn values() {
    compare("values");
}

#[test]
fn printf() {
    compare("printf");
}

#[test]
fn objects_of_the_host() {
    compare("host");
}

#[test]
fn html() {
    compare("html");
}

#[test]
fn there_are_enough_cases_and_each_is_expected() {
    let folder = golden().join("cases");
    let mut cases = 0;
    for file in fs::read_dir(&folder).expect("the folder is there") {
        let path = file.expect("the folder is readable").path();
        let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        cases += read_cases(&name).len();
    }
    assert!(cases >= 400, "{cases}");
}

struct Case {
    line: usize,
    html: bool,
    files: Vec<(String, String)>,
    text: String,
    data: Value,
}

fn compare(name: &str) {
    let expected = fs::read_to_string(golden().join(format!("expected/{name}.expected")))
        .expect("the expectations are there");
    let expected: Vec<[String; 2]> = expected
        .lines()
        .map(|line| serde_json::from_str(line).expect("an expectation is JSON"))
        .collect();
    let cases = read_cases(name);
    assert_eq!(cases.len(), expected.len(), "run the generator again");
    let mut failures = Vec::new();
    for (case, [outcome, text]) in cases.iter().zip(&expected) {
        let (our_outcome, our_text) = run(case);
        let known = DIFFERENCES.iter().any(|(piece, _)| case.text.contains(piece));
        if (our_outcome, our_text.as_str()) != (outcome.as_str(), text.as_str()) && !known {
            let (line, kind) = (case.line, if case.html { "html" } else { "text" });
            failures.push(format!(
                "{name}.txt:{line} {kind} {}\n  go   {outcome} {text:?}\n  ours {our_outcome} {our_text:?}",
                case.text
            ));
        }
    }
    assert!(failures.is_empty(), "{} differ\n{}", failures.len(), failures.join("\n"));
}

fn run(case: &Case) -> (&'static str, String) {
    let prepared = match prepare(case) {
        Ok(prepared) => prepared,
        Err(error) => return ("parse", error.to_string()),
    };
    match prepared.render(&case.data, &(), Limits::default()) {
        Ok(text) => ("ok", text),
        Err(error) => ("render", error.to_string()),
    }
}

fn prepare(case: &Case) -> Result<Prepared, bellwether_template::Error> {
    let mut templates = Templates::new(host::FUNCTIONS).with_limits(ParseLimits::default());
    for (name, text) in &case.files {
        templates.parse(name, text)?;
    }
    if case.html { templates.prepare_html(&case.text) } else { templates.prepare(&case.text) }
}

fn read_cases(name: &str) -> Vec<Case> {
    let path = golden().join(format!("cases/{name}.txt"));
    let text = fs::read_to_string(&path).expect("the cases are there");
    let mut cases = Vec::new();
    let mut data = Value::Nil;
    let mut files: Vec<(String, String)> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.replace('⏎', "\n");
        if word == "data" {
            data = if rest == "@page" { host::page() } else { host::from_json(&rest) };
            continue;
        }
        if word == "file" {
            let (name, body) = rest.split_once(' ').expect("a file has a name and a text");
            files.push((name.to_owned(), body.to_owned()));
            continue;
        }
        let kinds: &[bool] = match word {
            "text" => &[false],
            "html" => &[true],
            "both" => &[false, true],
            _ => panic!("{path:?}:{}: {word}", number + 1),
        };
        let files = std::mem::take(&mut files);
        cases.extend(kinds.iter().map(|html| Case {
            line: number + 1,
            html: *html,
            files: files.clone(),
            text: rest.clone(),
            data: data.clone(),
        }));
    }
    cases
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

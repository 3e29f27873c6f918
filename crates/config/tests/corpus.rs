//! The corpus: one small file per rule of the format, good and bad.
//!
//! A bad file says in its first lines what must be found: `# expect: line 6 route.group_wait …
//! missing unit`; the line and the field may be missing. A good one is printed, read again, and
//! must print the same. Where Debian's `amtool` (0.25) is installed, its verdict must be ours,
//! except for files that say `# since:` a version it is older than, or `# differs:` why.

#![allow(clippy::disallowed_methods, reason = "a test reads the corpus itself")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use bellwether_config::{Error, Errors, Parsed, parse, print};
use bellwether_model::MatcherMode;

struct File {
    path: PathBuf,
    text: String,
}

impl File {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn parse(&self) -> Result<Parsed, Errors> {
        parse(&self.text, MatcherMode::Fallback)
    }

    /// What the comments at the top say behind this word.
    fn notes<'a>(&'a self, word: &'a str) -> impl Iterator<Item = &'a str> {
        self.text
            .lines()
            .take_while(|line| line.starts_with('#'))
            .filter_map(move |line| line.strip_prefix("# ")?.strip_prefix(word)?.strip_prefix(": "))
    }
}

fn files(kind: &str) -> Vec<File> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(kind);
    let mut files: Vec<File> = fs::read_dir(folder)
        .expect("the corpus is part of the repository")
        .map(|entry| {
            let path = entry.expect("the folder can be listed").path();
            let text = fs::read_to_string(&path).expect("corpus files are UTF-8");
            File { path, text }
        })
        .collect();
    files.sort_by(|left, right| left.path.cmp(&right.path));
    files
}

/// `line 6 route.group_wait … missing unit`
fn fits(expected: &str, error: &Error) -> bool {
    let (place, message) = expected.split_once('…').expect("an expectation has a …");
    let place = place.trim();
    let (line, field) = match place.strip_prefix("line ") {
        None => (None, place),
        Some(rest) => {
            let (line, field) = rest.split_once(' ').unwrap_or((rest, ""));
            (Some(line.parse::<u32>().expect("a line is a number")), field)
        }
    };
    line.is_none_or(|line| error.line == Some(line))
        && field == error.field
        && error.message.contains(message.trim())
}

#[test]
fn bad_files_are_refused_at_the_line_and_field_that_is_wrong() {
    let mut wrong = Vec::new();
    let files = files("bad");
    for file in &files {
        let errors = match file.parse() {
            Ok(_) => {
                wrong.push(format!("{}: accepted", file.name()));
                continue;
            }
            Err(errors) => errors,
        };
        let expected: Vec<&str> = file.notes("expect").collect();
        if expected.is_empty() {
            wrong.push(format!("{}: says no expectation", file.name()));
        }
        for expected in expected {
            if !errors.iter().any(|error| fits(expected, error)) {
                wrong.push(format!("{}\n  expected {expected}\n  got      {errors}", file.name()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(files.len() >= 250, "only {} bad files", files.len());
}

#[test]
fn good_files_are_read_and_what_is_printed_reads_back_as_itself() {
    let mut wrong = Vec::new();
    let files = files("good");
    for file in &files {
        let first = match file.parse() {
            Ok(parsed) => print(&parsed.config),
            Err(errors) => {
                wrong.push(format!("{}: {errors}", file.name()));
                continue;
            }
        };
        if file.notes("not read back").next().is_some() {
            continue;
        }
        match parse(&first, MatcherMode::Fallback) {
            Ok(parsed) if print(&parsed.config) == first => {}
            Ok(parsed) => {
                let second = print(&parsed.config);
                wrong.push(format!("{}:\n{first}\nbecame\n{second}", file.name()));
            }
            Err(errors) => wrong.push(format!("{}:\n{first}\n{errors}", file.name())),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(files.len() >= 100, "only {} good files", files.len());
}

#[test]
fn amtool_gives_the_same_verdict() {
    let amtool = Path::new("/usr/bin/amtool");
    if !amtool.exists() {
        println!("no {}: nothing compared", amtool.display());
        return;
    }
    let mut compared = 0;
    let mut wrong = Vec::new();
    for file in files("good").iter().chain(&files("bad")) {
        if file.notes("since").chain(file.notes("differs")).next().is_some() {
            continue;
        }
        let output = Command::new(amtool)
            .arg("check-config")
            .arg(&file.path)
            .output()
            .expect("amtool can be run");
        let ours = file.parse().is_ok();
        if output.status.success() != ours {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            wrong.push(format!("{}: accepted by us: {ours}; amtool: {said}", file.name()));
        }
        compared += 1;
    }
    println!("compared {compared} verdicts with {}", amtool.display());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared >= 60, "only {compared} files compared");
}

/// A small generator of numbers, so that a failure can be repeated from its seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).expect("31 bits fit") % limit
    }
}

/// Cuts, repeats, swaps or inserts a few times.
fn mutate(text: &str, other: &str, dice: &mut Dice) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let other: Vec<char> = other.chars().collect();
    for _ in 0..=dice.below(3) {
        let at = dice.below(chars.len() + 1);
        let end = (at + dice.below(12)).min(chars.len());
        match dice.below(4) {
            0 => {
                chars.drain(at..end);
            }
            1 => {
                let piece: Vec<char> = chars[at..end].to_vec();
                chars.splice(at..at, piece);
            }
            2 => {
                let from = dice.below(other.len());
                let to = (from + dice.below(20)).min(other.len());
                chars.splice(at..end, other[from..to].iter().copied());
            }
            _ => {
                let marks: Vec<char> =
                    "\n \t-:?,[]{}#&*!|>'\"%@`~<=é\u{0}\u{feff}0".chars().collect();
                chars.insert(at, marks[dice.below(marks.len())]);
            }
        }
    }
    chars.into_iter().collect()
}

#[test]
fn damaged_files_never_panic_and_what_is_accepted_prints() {
    let (good, bad) = (files("good"), files("bad"));
    let mut accepted = 0;
    for seed in 1..=4000 {
        let mut dice = Dice(seed);
        let one = &good[dice.below(good.len())];
        let other = &bad[dice.below(bad.len())];
        let text = mutate(&one.text, &other.text, &mut dice);
        if let Ok(parsed) = parse(&text, MatcherMode::Fallback) {
            let printed = print(&parsed.config);
            assert!(printed.starts_with("global:"), "seed {seed}: {printed}");
            accepted += 1;
        }
    }
    assert!(accepted > 100, "only {accepted} of the damaged files were accepted");
}

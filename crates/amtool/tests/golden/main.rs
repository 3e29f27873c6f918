//! Calls of the Go program, recorded, and played to ours: output, exit code and requests are equal.
//!
//! The files in `tests/recorded` hold cases: arguments, files, standard input and the answers of a
//! server; and behind `--` what the Go program did. `AMTOOL=/path/of/amtool` makes the same run
//! record instead of compare: it rewrites the files from what that program does. The program must be
//! one of version 0.35.0. `CASE=text` plays only cases whose name contains the text.
//!
//! What differs on purpose is in `tests/recorded/ours.txt`, which is never recorded.

mod case;
mod masks;
mod play;
mod server;

use std::fs;
use std::path::{Path, PathBuf};

use case::Case;
use play::{Player, play};

#[test]
fn every_recorded_call_does_what_the_go_program_did() {
    let player = std::env::var("AMTOOL").map_or(Player::Ours, |path| Player::Program(path.into()));
    let only = std::env::var("CASE").unwrap_or_default();
    let mut faults = Vec::new();
    let mut count = 0;
    for file in files() {
        let text = fs::read_to_string(&file).expect("a recording");
        let mut cases = case::parse(&text).unwrap_or_else(|fault| panic!("{file:?}: {fault}"));
        let is_ours = file.ends_with("ours.txt");
        let player = if is_ours { &Player::Ours } else { &player };
        for case in cases.iter_mut().filter(|case| case.name.contains(&only)) {
            let done = play(case, player);
            count += 1;
            match player {
                Player::Program(_) => case.done = done,
                Player::Ours if update_ours(is_ours) => case.done = done,
                Player::Ours if done != case.done => faults.push(difference(case, &done)),
                Player::Ours => {}
            }
        }
        if matches!(player, Player::Program(_)) || update_ours(is_ours) {
            let texts: Vec<String> = cases.iter().map(Case::to_string).collect();
            fs::write(&file, texts.join("\n")).expect("the folder can be written");
        }
    }
    assert!(faults.is_empty(), "{} of {count} differ:\n{}", faults.len(), faults.join("\n"));
    assert!(count > 0, "no case has {only:?} in its name");
}

fn update_ours(is_ours: bool) -> bool {
    is_ours && std::env::var("UPDATE_EXPECT").is_ok()
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded");
    let entries = fs::read_dir(folder).expect("the folder with recordings");
    let mut files: Vec<PathBuf> =
        entries.map(|entry| entry.expect("an entry of the folder").path()).collect();
    files.sort();
    files
}

fn difference(case: &Case, done: &case::Done) -> String {
    format!("== {}\n{}--- expected\n{}--- done\n{done}", case.name, case.setup(), case.done)
}

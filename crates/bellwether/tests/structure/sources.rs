//! Which source files there are, and which of them are compiled for the program.

use std::fs;
use std::path::{Path, PathBuf};

/// The names of all crates of the product; `sim` is a crate for tests.
pub fn product_crates() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(workspace().join("crates"))
        .expect("the folder of the crates")
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.path().join("Cargo.toml").exists())
        .map(|entry| entry.file_name().into_string().expect("a plain name"))
        .filter(|name| name != "sim")
        .collect();
    names.sort();
    assert!(names.len() >= 10, "crates were found: {names:?}");
    names
}

pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("crates/bellwether").to_owned()
}

pub fn source_folder(name: &str) -> PathBuf {
    workspace().join("crates").join(name).join("src")
}

/// `path` as a reader of the repository would write it.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(workspace()).unwrap_or(path).display().to_string()
}

/// The sources below `root` that are compiled for the program, sorted.
///
/// Tests and their simulations are left out: they may print, look around and import at will.
pub fn product_files(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root).expect("a source folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            if !is_for_tests(&path) {
                files.extend(product_files(&path));
            }
        } else if path.extension().is_some_and(|e| e == "rs") && !is_for_tests(&path) {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn is_for_tests(path: &Path) -> bool {
    let stem = path.file_stem().unwrap_or_default();
    stem == "tests" || stem == "simulation"
}

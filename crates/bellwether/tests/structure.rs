//! Holds the code against what ARCHITECTURE.md says of it: which crate uses which, and that the
//! pure ones reach nothing outside themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

type Arrows = BTreeMap<String, BTreeSet<String>>;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("crates/bellwether").to_owned()
}

fn documented_arrows() -> Arrows {
    let text = fs::read_to_string(workspace().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let table = text.split("<!-- arrows -->").nth(1).expect("an opening mark");
    let table = table.split("<!-- /arrows -->").next().expect("a closing mark");
    let rows = table.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        let name = cells.next().expect("a crate").to_owned();
        let uses = cells.next().expect("what it uses");
        let uses = uses.split(',').map(str::trim).filter(|name| !name.is_empty());
        (name, uses.map(str::to_owned).collect())
    })
    .collect()
}

fn actual_arrows() -> Arrows {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(workspace())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let crates = workspace().join("crates");
    let mut arrows = Arrows::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let manifest = Path::new(package["manifest_path"].as_str().expect("a path"));
        if !manifest.starts_with(&crates) {
            continue;
        }
        let dependencies = package["dependencies"].as_array().expect("dependencies");
        // Development dependencies may point anywhere.
        let normal = dependencies.iter().filter(|dependency| dependency["kind"].is_null());
        let names = normal.filter_map(|dependency| dependency["name"].as_str());
        let ours = names.filter_map(|name| name.strip_prefix("bellwether-"));
        let name = package["name"].as_str().expect("a name");
        let name = name.strip_prefix("bellwether-").unwrap_or(name);
        arrows.insert(name.to_owned(), ours.map(str::to_owned).collect());
    }
    arrows
}

#[test]
fn crates_use_each_other_as_the_table_says() {
    let (documented, actual) = (documented_arrows(), actual_arrows());
    assert!(actual.len() >= 10, "crates were found: {actual:?}");
    assert_eq!(documented, actual, "left: ARCHITECTURE.md, right: the manifests");
}

#[test]
fn pure_crates_reach_no_clock_file_or_socket() {
    let mut looked_at = 0;
    for name in ["encoding", "model", "template", "memberlist", "engine", "integrations", "config"]
    {
        let root = workspace().join("crates").join(name).join("src");
        for file in rust_files(&root) {
            looked_at += 1;
            let text = fs::read_to_string(&file).expect("a source file");
            for (number, line) in text.lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                for word in OUTSIDE {
                    let place = format!("{}:{}", file.display(), number + 1);
                    assert!(!code.contains(word), "{place} reaches outside by {word}");
                }
            }
        }
    }
    assert!(looked_at > 50, "only {looked_at} files were found");
}

/// The sources below `root` that are compiled for the program; tests and their simulations may print
/// and look around.
fn rust_files(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root).expect("a source folder") {
        let path = entry.expect("an entry").path();
        if path.ends_with("tests") || path.ends_with("simulation") {
            continue;
        }
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
    files
}

/// Names that lead out of a pure crate.
///
/// `std::net` is not among them: its addresses are plain values.
const OUTSIDE: [&str; 21] = [
    "std::fs",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "ToSocketAddrs",
    "std::io",
    "std::thread",
    "std::process",
    "std::env",
    "std::sync::Mutex",
    "Instant::now",
    "SystemTime",
    "Timestamp::now",
    "Zoned::now",
    "tokio",
    "reqwest",
    "hyper",
    "RandomState",
    "thread_rng",
    "rand::",
    "getrandom",
];

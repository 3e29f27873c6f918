//! Which crate uses which: the manifests against the table of arrows in ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::sources::workspace;

type Arrows = BTreeMap<String, BTreeSet<String>>;

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

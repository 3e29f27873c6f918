//! No circle of imports between the files of a crate, except a parent with its own children.
//!
//! `foo.rs` and `foo/bar.rs` may use each other: a parent composes its children, and they use what
//! it defines for all of them. Between children there is a direction, so that a file can be read
//! after the ones that it uses. The root of a crate is the parent of all its files.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use crate::modules::{self, Arrow};
use crate::sources::{product_crates, shown, source_folder};

#[test]
fn files_do_not_import_each_other_in_circles() {
    let mut found = String::new();
    for name in product_crates() {
        let arrows = modules::arrows(&source_folder(&name));
        found.extend(cycles(&arrows).iter().map(|cycle| describe(cycle)));
    }
    assert!(found.is_empty(), "circles of imports:\n{found}");
}

/// Forbidden circles, the shortest first, of which no two share an arrow.
///
/// A circle is forbidden if it leads from below one child of a module to below another and back,
/// and does not pass through that module's own file.
fn cycles(arrows: &[Arrow]) -> Vec<Vec<&Arrow>> {
    let mut all: Vec<Vec<&Arrow>> = Vec::new();
    for folder in arrows.iter().flat_map(|arrow| folders(&arrow.from)).collect::<BTreeSet<_>>() {
        let below = |file: &Path| child_of(folder, file).is_some();
        let mut leading: BTreeMap<&Path, Vec<&Arrow>> = BTreeMap::new();
        for arrow in arrows.iter().filter(|arrow| below(&arrow.from) && below(&arrow.to)) {
            leading.entry(&arrow.from).or_default().push(arrow);
        }
        for arrow in leading.values().flatten() {
            if child_of(folder, &arrow.from) != child_of(folder, &arrow.to) {
                all.extend(way_back(arrow, &leading));
            }
        }
    }
    all.sort_by_key(Vec::len);
    let mut shown: BTreeSet<&Arrow> = BTreeSet::new();
    all.retain(|cycle| {
        let is_new = cycle.iter().all(|arrow| !shown.contains(arrow));
        if is_new {
            shown.extend(cycle);
        }
        is_new
    });
    all
}

/// The shortest circle that begins with `arrow`.
fn way_back<'a>(
    arrow: &'a Arrow,
    leading: &BTreeMap<&Path, Vec<&'a Arrow>>,
) -> Option<Vec<&'a Arrow>> {
    let mut came_by: BTreeMap<&Path, &Arrow> = BTreeMap::new();
    let mut queue = VecDeque::from([arrow.to.as_path()]);
    while let Some(file) = queue.pop_front() {
        for next in leading.get(file).into_iter().flatten() {
            if next.to != arrow.to && !came_by.contains_key(next.to.as_path()) {
                came_by.insert(&next.to, next);
                queue.push_back(&next.to);
            }
        }
    }
    let mut way = vec![*came_by.get(arrow.from.as_path())?];
    while way[0].from != arrow.to {
        way.insert(0, came_by[way[0].from.as_path()]);
    }
    way.insert(0, arrow);
    Some(way)
}

/// The folders that a file lies in.
fn folders(file: &Path) -> impl Iterator<Item = &Path> {
    file.ancestors().skip(1)
}

/// Which child of the module with this folder a file is, or belongs to; nothing for files that lie
/// elsewhere, and for the root of the crate.
fn child_of(folder: &Path, file: &Path) -> Option<PathBuf> {
    if file.ends_with("src/lib.rs") || file.ends_with("src/main.rs") {
        return None;
    }
    let first = file.strip_prefix(folder).ok()?.components().next()?;
    Some(Path::new(&first).with_extension(""))
}

fn describe(cycle: &[&Arrow]) -> String {
    let arrow = |arrow: &&Arrow| {
        format!("  {}:{} uses {}\n", shown(&arrow.from), arrow.line, shown(&arrow.to))
    };
    cycle.iter().map(arrow).chain(["\n".to_owned()]).collect()
}

fn found(arrows: &[(&str, &str)]) -> usize {
    let arrow = |(from, to): &(&str, &str)| Arrow { from: from.into(), to: to.into(), line: 1 };
    cycles(&arrows.iter().map(arrow).collect::<Vec<_>>()).len()
}

#[test]
fn a_circle_between_siblings_is_found() {
    assert_eq!(found(&[("a.rs", "b.rs"), ("b.rs", "a.rs")]), 1);
    assert_eq!(found(&[("a.rs", "b.rs"), ("b.rs", "c.rs"), ("c.rs", "a.rs")]), 1);
    assert_eq!(found(&[("f/a.rs", "f/b.rs"), ("f/b.rs", "f/a.rs"), ("f.rs", "f/a.rs")]), 1);
    assert_eq!(found(&[("a/x.rs", "b.rs"), ("b.rs", "a.rs"), ("a.rs", "a/x.rs")]), 1);
}

#[test]
fn a_parent_may_use_its_children_and_they_may_use_it() {
    assert_eq!(found(&[("a.rs", "a/b.rs"), ("a/b.rs", "a.rs")]), 0);
    assert_eq!(found(&[("a.rs", "a/b.rs"), ("a/b.rs", "a/c.rs"), ("a/c.rs", "a.rs")]), 0);
    assert_eq!(found(&[("src/lib.rs", "src/a.rs"), ("src/a.rs", "src/lib.rs")]), 0);
    assert_eq!(found(&[("a/x.rs", "b.rs"), ("b.rs", "a/y.rs")]), 0);
}

#[test]
fn an_arrow_leads_to_the_file_that_defines_a_name() {
    let arrows = modules::arrows(&source_folder("bellwether"));
    assert_eq!(arrows, [], "a single file");
    let engine = source_folder("engine");
    let arrows = modules::arrows(&engine);
    let leads = |from: &str, to: &str| {
        arrows.iter().any(|arrow| arrow.from == engine.join(from) && arrow.to == engine.join(to))
    };
    assert!(leads("lib.rs", "engine.rs"), "by `pub use engine::Engine`");
    assert!(leads("engine.rs", "plan.rs"), "by `use crate::plan::…`");
    assert!(!leads("plan.rs", "engine.rs"));
}

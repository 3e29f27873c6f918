//! Moving in from the Go server, and out to it again.

use std::fs;
use std::path::Path;
use std::process::Command;

use bellwether_e2e::{Program, Setup, Sink, programs, wait};
use serde_json::json;

use crate::fixtures::{alert, firing_then_resolved, one_webhook, resolved, silence};

#[test]
fn a_folder_of_the_go_server_is_taken_over() {
    moved_between(Program::Go, Program::Bellwether, |from, to| {
        copy_state(&from.storage(), &to.storage());
    });
}

#[test]
fn an_exported_folder_is_taken_over_by_the_go_server() {
    moved_between(Program::Bellwether, Program::Go, |from, to| {
        let output = Command::new(programs::bellwether())
            .args(["export", "--format=alertmanager"])
            .arg(format!("--storage.path={}", from.storage().display()))
            .arg(format!("--output={}", to.storage().display()))
            .output()
            .unwrap_or_else(|error| panic!("run bellwether export: {error}"));
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
    });
}

#[test]
fn a_folder_is_imported_once() {
    let hook = Sink::start();
    let config = one_webhook(&hook.url("/"));
    // It writes its files while it runs: one that is stopped right after its start writes none.
    let go = Setup::new(Program::Go, &config).flag("--data.maintenance-interval=100ms");
    let mut server = go.start();
    let id = server.post_silence(&silence("Once", "made by the Go server"));
    wait::until("the Go server has written its files", || {
        let silences = fs::read(go.storage().join("silences")).ok()?;
        let is_in = silences.windows(id.len()).any(|window| window == id.as_bytes());
        (is_in && go.storage().join("nflog").exists()).then_some(())
    });
    server.kill();

    let ours = Setup::ours(&config);
    copy_state(&go.storage(), &ours.storage());
    let mut server = ours.start();
    server.delete(&format!("/api/v2/silence/{id}")).expect_status(200);
    server.stop();
    let mut server = ours.start();
    let silences = server.get("/api/v2/silences").json();
    assert_eq!(silences[0]["status"]["state"], "expired", "the old file does not come back");
}

#[test]
fn export_refuses_a_folder_in_use() {
    let setup = Setup::ours(&one_webhook("http://127.0.0.1:9/"));
    let _server = setup.start();
    let target = setup.folder().join("exported");
    let output = Command::new(programs::bellwether())
        .args(["export", "--format=alertmanager"])
        .arg(format!("--storage.path={}", setup.storage().display()))
        .arg(format!("--output={}", target.display()))
        .output()
        .unwrap_or_else(|error| panic!("run bellwether export: {error}"));
    assert_eq!(output.status.code(), Some(1));
    assert!(!output.stderr.is_empty(), "the error has a reason");
}

/// Notifies of a group and makes a silence on one server; after the move the other one sends nothing for
/// the group until it resolves.
fn moved_between(from: Program, to: Program, move_state: fn(&Setup, &Setup)) {
    let hook = Sink::start();
    let config = one_webhook(&hook.url("/"));
    let before = Setup::detailed(from, &config);
    let mut server = before.start();
    let kept = server.post_silence(&silence("Quiet", "kept <&> é"));
    server.post_alerts(&json!([alert("Moved")]));
    hook.wait_for_one("notification by the first server");
    server.wait_for_another_flush("Moved");
    assert!(server.stop().success());

    let after = Setup::detailed(to, &config);
    move_state(&before, &after);
    let mut server = after.start();
    let moved = server.get(&format!("/api/v2/silence/{kept}")).expect_status(200).json();
    assert_eq!(moved["comment"], "kept <&> é");
    assert_eq!(moved["matchers"][0]["value"], "Quiet");
    assert_eq!(moved["status"]["state"], "active");

    server.post_alerts(&json!([alert("Moved"), alert("Quiet")]));
    server.wait_for_another_flush("Moved");
    server.post_alerts(&json!([resolved("Moved")]));
    let sent = firing_then_resolved(&hook);
    assert_eq!(sent[0].json()["groupKey"], sent[1].json()["groupKey"]);
}

fn copy_state(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the test's folder is writable");
    for name in ["silences", "nflog"] {
        fs::copy(from.join(name), to.join(name))
            .unwrap_or_else(|error| panic!("copy the Go server's {name}: {error}"));
    }
}

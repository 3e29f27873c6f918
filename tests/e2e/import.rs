//! Moving in from the Go server, and out to it again.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use bellwether_e2e::{Program, Setup, Sink, programs, wait};
use serde_json::json;

use bellwether_e2e::fixtures::{
    alert, firing_then_resolved, group_name, one_webhook, resolved, silence, statuses,
};

#[test]
fn a_folder_of_the_go_server_is_taken_over() {
    moved_between(Program::Go, Program::Bellwether, |from, to| {
        copy_state(&from.storage(), &to.storage());
    });
}

#[test]
fn an_exported_folder_is_taken_over_by_the_go_server() {
    moved_between(Program::Bellwether, Program::Go, |from, to| {
        let output = export(from, &to.storage());
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
fn a_running_server_is_copied_to_another_folder_only() {
    let setup = Setup::ours(&one_webhook("http://127.0.0.1:9/"));
    let mut server = setup.start();
    let id = server.post_silence(&silence("Quiet", "copied"));
    let refused = export(&setup, &setup.storage());
    assert_eq!(refused.status.code(), Some(1));
    let reason = String::from_utf8_lossy(&refused.stderr);
    assert!(reason.contains("--output"), "{reason}");

    let copy = setup.folder().join("exported");
    assert!(export(&setup, &copy).status.success());
    let silences = fs::read(copy.join("silences")).expect("the copy is written");
    assert!(silences.windows(id.len()).any(|window| window == id.as_bytes()));
}

/// Ours, then a Go server on the same folder, then ours again: what the Go server did in between
/// counts.
#[test]
fn the_way_back_and_in_again() {
    for exports in [true, false] {
        let hook = Sink::start();
        let mut setup = Setup::ours(&one_webhook(&hook.url("/")));
        setup = setup.expect_log("greater than the data retention");
        if !exports {
            setup = setup.expect_log("without an export").expect_log("Removed a silence");
        }
        let mut ours = setup.start();
        let ended = ours.post_silence(&silence("Quiet", "ended by the Go server"));
        ours.post_alerts(&json!([alert("Ended"), alert("Quiet")]));
        hook.wait_for_one("notification by our server");
        ours.wait_for_another_flush("Ended");
        assert!(ours.stop().success());
        if exports {
            assert!(export(&setup, &setup.storage()).status.success());
        }

        setup.replace_program(Program::Go);
        // Long enough for two flushes: the resolve is only sent while the log has the entry.
        setup = setup.flag("--data.retention=8s").flag("--data.maintenance-interval=100ms");
        let mut go = setup.start();
        if exports {
            go.delete(&format!("/api/v2/silence/{ended}")).expect_status(200);
        }
        go.post_alerts(&json!([alert("Ended")]));
        go.wait_for_another_flush("Ended");
        go.post_alerts(&json!([resolved("Ended")]));
        hook.wait_for("resolved notification by the Go server", |sent| {
            statuses(sent).contains(&"resolved".to_owned()).then_some(())
        });
        wait::until("the Go server has forgotten the silence and what it notified", || {
            let is_empty = |name| fs::read(setup.storage().join(name)).map(|file| file.is_empty());
            (is_empty("silences").ok()? && is_empty("nflog").ok()?).then_some(())
        });
        assert!(go.stop().success());
        let before = hook.requests().len();

        setup.replace_program(Program::Bellwether);
        let mut ours = setup.start();
        assert_eq!(ours.get("/api/v2/alerts").json(), json!([]), "no ghosts");
        assert_eq!(ours.get("/api/v2/silences").json(), json!([]), "what ended does not come back");
        ours.post_alerts(&json!([alert("Quiet")]));
        let sent = hook.wait_for("notification of what is not muted any more", |sent| {
            (sent.len() > before).then(|| sent.to_vec())
        });
        ours.wait_for_another_flush("Quiet");
        assert_eq!(hook.requests().len(), before + 1, "nothing is said of what has ended");
        assert_eq!(group_name(&sent[before]), "Quiet");
    }
}

fn export(setup: &Setup, output: &Path) -> Output {
    Command::new(programs::bellwether())
        .args(["export", "--format=alertmanager"])
        .arg(format!("--storage.path={}", setup.storage().display()))
        .arg(format!("--output={}", output.display()))
        .output()
        .unwrap_or_else(|error| panic!("run bellwether export: {error}"))
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

//! A disk that cannot be written, is damaged, or is full.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use bellwether_e2e::{Setup, Sink, wait};
use serde_json::{Value, json};

use bellwether_e2e::fixtures::{alert, one_webhook, silence, text};

#[test]
fn a_folder_that_cannot_be_written_keeps_the_server_from_starting() {
    // Even root obeys the permissions without this capability.
    let setup = Setup::ours(&one_webhook("http://127.0.0.1:9/")).wrapped(&[
        "setpriv",
        "--inh-caps=-dac_override",
        "--bounding-set=-dac_override",
    ]);
    fs::create_dir(setup.storage()).expect("the test's folder is writable");
    let permissions = |mode| fs::Permissions::from_mode(mode);
    fs::set_permissions(setup.storage(), permissions(0o555)).expect("the folder is ours");
    let (status, lines) = setup.run_to_end();
    fs::set_permissions(setup.storage(), permissions(0o755)).expect("the folder is ours");

    assert_eq!(status.code(), Some(1), "{}", lines.join("\n"));
    let storage = setup.storage().display().to_string();
    let says_why = |line: &String| line.contains(&storage) && line.contains("ermission denied");
    assert!(lines.iter().any(says_why), "{}", lines.join("\n"));
}

#[test]
fn a_file_in_place_of_the_folder_keeps_the_server_from_starting() {
    let setup = Setup::ours(&one_webhook("http://127.0.0.1:9/"));
    fs::write(setup.storage(), "a file").expect("the test's folder is writable");
    let (status, lines) = setup.run_to_end();
    assert_eq!(status.code(), Some(1));
    let storage = setup.storage().display().to_string();
    assert!(lines.iter().any(|line| line.contains(&storage)), "{}", lines.join("\n"));
}

#[test]
fn an_emptied_journal_is_damage_that_the_log_and_a_metric_tell() {
    for length in [Some(0), Some(40), None] {
        let setup = Setup::ours(&one_webhook("http://127.0.0.1:9/"))
            .expect_log("Journal was damaged")
            .expect_log("Journal has no files");
        let mut server = setup.start();
        server.post_silence(&silence("Quiet", "lost with the journal"));
        assert!(server.stop().success());
        let log = first_log(&setup);
        match length {
            Some(length) => {
                fs::OpenOptions::new().write(true).open(&log).and_then(|file| file.set_len(length))
            }
            None => fs::remove_file(&log),
        }
        .expect("the journal's log is writable");

        let mut server = setup.start();
        assert_eq!(server.metric("alertmanager_journal_moved_aside", ""), Some(1.0), "{length:?}");
        server.process.wait_for_line("what happened", |line| {
            (line.contains("level=ERROR") && line.contains("what peers know")).then_some(())
        });
    }
}

#[test]
fn a_damaged_store_is_moved_aside_and_the_server_starts() {
    let hook = Sink::start();
    let setup = Setup::ours(&one_webhook(&hook.url("/"))).expect_log("Journal was damaged");
    let mut server = setup.start();
    for number in 0..20 {
        server.post_silence(&silence("Quiet", &format!("silence {number}")));
    }
    server.kill();

    let log = first_log(&setup);
    let mut bytes = fs::read(&log).expect("the journal's log is readable");
    let middle = bytes.len() / 2;
    for byte in &mut bytes[middle..middle + 64] {
        *byte ^= 0x5a;
    }
    fs::write(&log, bytes).expect("the journal's log is writable");

    let mut server = setup.start();
    server.process.wait_for_line("what happened", |line| {
        (line.contains("level=ERROR") && line.contains("Journal was damaged")).then_some(())
    });
    assert_eq!(server.metric("alertmanager_journal_moved_aside", ""), Some(1.0));
    server.get("/-/ready").expect_status(200);
    let kept = fs::read_dir(setup.storage()).expect("the data folder is readable").any(|entry| {
        let name = entry.expect("the data folder is readable").file_name();
        name.to_string_lossy().contains("damaged")
    });
    assert!(kept, "the damaged files are kept for a person to look at");

    // It works as any other, and its next start is without a complaint.
    let id = server.post_silence(&silence("Quiet", "after"));
    server.kill();
    let mut server = setup.start();
    assert_eq!(server.metric("alertmanager_journal_moved_aside", ""), Some(0.0));
    server.get(&format!("/api/v2/silence/{id}")).expect_status(200);
}

#[test]
fn a_commit_cut_short_by_a_crash_is_no_damage() {
    let setup = Setup::ours(&one_webhook("http://127.0.0.1:9/"));
    let mut server = setup.start();
    let first = server.post_silence(&silence("Quiet", "first"));
    server.kill();
    let log = first_log(&setup);
    let mut bytes = fs::read(&log).expect("the journal's log is readable");
    server = setup.start();
    server.post_silence(&silence("Quiet", "second"));
    server.kill();
    let longer = fs::read(&log).expect("the journal's log is readable");
    // Half of what the second silence added.
    bytes.extend_from_slice(&longer[bytes.len()..bytes.len() + (longer.len() - bytes.len()) / 2]);
    fs::write(&log, bytes).expect("the journal's log is writable");

    let mut server = setup.start();
    let silences = server.get("/api/v2/silences").expect_status(200).json();
    let ids: Vec<String> = list(&silences).iter().map(|silence| text(&silence["id"])).collect();
    assert_eq!(ids, [first]);
}

#[test]
fn notifications_go_on_when_the_disk_is_full() {
    let hook = Sink::start();
    // A file may not grow beyond 64 KiB; the write fails as it does on a full disk.
    let setup = Setup::ours(&one_webhook(&hook.url("/")))
        .wrapped(&["sh", "-c", "trap '' XFSZ; ulimit -f 128; exec \"$0\" \"$@\""])
        .expect_log("journal");
    let mut server = setup.start();
    let kept = server.post_silence(&silence("Quiet", "kept"));

    let refused = wait::until("a silence is refused", || {
        let body = silence("Quiet", &"x".repeat(4096)).to_string();
        let answer = server.post("/api/v2/silences", &body);
        (answer.status != 200).then_some(answer)
    });
    assert_eq!(refused.status, 500, "{}", refused.text());
    assert!(refused.text().len() > 2, "the answer has a reason");

    let ready = server.get("/-/ready").expect_status(503).text();
    assert!(ready.contains("store"), "{ready}");
    server.get("/-/healthy").expect_status(200);
    assert_eq!(server.metric("alertmanager_journal_poisoned", ""), Some(1.0));
    server.process.wait_for_line("that the store has failed", |line| {
        line.contains("level=ERROR").then_some(())
    });

    server.post_alerts(&json!([alert("AfterFull"), alert("Quiet")]));
    hook.wait_for_one("notification from memory");
    assert_eq!(hook.requests()[0].json()["groupLabels"]["alertname"], "AfterFull");
    server.kill();

    // With room again, everything that was acknowledged is there.
    let setup = setup.wrapped(&[]);
    let mut server = setup.start();
    server.get("/-/ready").expect_status(200);
    server.get(&format!("/api/v2/silence/{kept}")).expect_status(200);
}

fn first_log(setup: &Setup) -> PathBuf {
    let folder = setup.storage().join("journal");
    let mut logs: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("the journal's folder is readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    logs.sort();
    logs.into_iter().next().expect("a journal has a log")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

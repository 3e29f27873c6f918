//! A disk that cannot be written, is damaged, or is full.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use bellwether_e2e::{Running, Setup, Sink, SmallDisk, wait};
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
fn a_log_that_cannot_be_written_any_further_is_replaced_by_the_state_in_memory() {
    let hook = Sink::start();
    // A file may not grow beyond 64 KiB; the write fails as it does on a full disk.
    let setup = Setup::ours(&one_webhook(&hook.url("/")))
        .wrapped(&["sh", "-c", "trap '' XFSZ; ulimit -f 128; exec \"$0\" \"$@\""])
        .expect_log("Journal cannot be written")
        .expect_log("Journal is written again");
    let mut server = setup.start();
    let kept = server.post_silence(&silence("Quiet", "kept"));
    let first = first_log(&setup);

    // Each is expired, so that the log grows twice as fast as the state.
    let mut last = kept.clone();
    while server.metric("alertmanager_journal_failures_total", "") == Some(0.0) {
        last = server.post_silence(&silence("Quiet", &"x".repeat(4096)));
        server.delete(&format!("/api/v2/silence/{last}")).expect_status(200);
    }
    server.process.wait_for_line("that the journal is written again", |line| {
        line.contains("Journal is written again").then_some(())
    });
    assert!(!first.exists(), "the log that failed does not count any more");
    server.get("/-/ready").expect_status(200);
    server.kill();

    let mut server = setup.start();
    for id in [kept, last] {
        server.get(&format!("/api/v2/silence/{id}")).expect_status(200);
    }
}

#[test]
fn a_full_disk_is_survived_and_with_space_again_everything_is_durable_without_a_restart() {
    let hook = Sink::start();
    let setup = on_small_disk(&one_webhook(&hook.url("/")));
    let Some(disk) = SmallDisk::mount("a full disk", &setup.storage(), 96) else { return };
    let mut server = setup.start();
    let kept = server.post_silence(&silence("Large", "kept"));
    server.wait_for_metric("alertmanager_journal_failing", "", 0.0);
    wait_for_reserve(&mut server);
    disk.fill();

    // What is reserved takes this alert and the log entry of its notification.
    server.post_alerts(&json!([alert("InReserve")]));
    hook.wait_for_one("notification of what is in reserved space");
    let answer = server.post("/api/v2/silences", &silence("Quiet", "in reserve").to_string());
    assert_eq!(answer.header("x-bellwether-saved"), None, "{}", answer.text());

    use_up_the_reserve(&mut server);
    let ready = server.get("/-/ready").expect_status(503).text();
    for part in ["[-] journal: not writable", "disk is full", "free space"] {
        assert!(ready.contains(part), "{ready}");
    }
    server.get("/-/healthy").expect_status(200);
    let answer = server.post("/api/v2/silences", &silence("Quiet", "in memory").to_string());
    assert_eq!((answer.status, answer.header("x-bellwether-saved")), (200, Some("0/1")));
    let in_memory = text(&answer.json()["silenceID"]);
    let answer = server.post("/api/v2/silences", &silence("Loud", "expired").to_string());
    let expired = server.delete(&format!("/api/v2/silence/{}", text(&answer.json()["silenceID"])));
    assert_eq!((expired.status, expired.header("x-bellwether-saved")), (200, Some("0/1")));
    server.post_alerts(&json!([alert("InMemory"), alert("Quiet")]));
    hook.wait_for("notification from memory", |sent| (sent.len() == 2).then_some(()));
    assert!(server.metric("alertmanager_alerts_not_durable_total", "") >= Some(2.0));
    let not_durable = "alertmanager_silences_not_durable_total";
    assert_eq!(server.metric(not_durable, "post"), Some(2.0));
    assert_eq!(server.metric(not_durable, "expire"), Some(1.0));

    let exported = export(&setup, &setup.folder().join("copy"));
    assert!(exported.contains("cannot be written at present"), "{exported}");

    disk.free();
    server.wait_for_metric("alertmanager_journal_failing", "", 0.0);
    server.get("/-/ready").expect_status(200);
    let answer = server.post("/api/v2/silences", &silence("Quiet", "after").to_string());
    assert_eq!((answer.status, answer.header("x-bellwether-saved")), (200, None));
    let lines = server.process.lines();
    let logged = |message: &str| lines.iter().filter(|line| line.contains(message)).count();
    assert_eq!(logged("Journal cannot be written"), 1);
    assert_eq!(logged("Journal is written again"), 1);
    server.kill();

    // Nothing that was done without a disk is lost, and nobody is notified again.
    let mut server = setup.start();
    for id in [kept, in_memory] {
        server.get(&format!("/api/v2/silence/{id}")).expect_status(200);
    }
    server.wait_for_another_flush("InMemory");
    assert_eq!(hook.requests().len(), 2, "no notification is repeated");
}

#[test]
fn what_was_notified_on_a_full_disk_is_not_notified_again_after_a_restart() {
    let hook = Sink::start();
    let setup = on_small_disk(&one_webhook(&hook.url("/")));
    let Some(disk) = SmallDisk::mount("a full disk", &setup.storage(), 32) else { return };
    let mut server = setup.start();
    wait_for_reserve(&mut server);
    disk.fill();
    server.post_alerts(&json!([alert("Full")]));
    hook.wait_for_one("notification on a full disk");
    // The entry of the notification log is durable before the next answer.
    server.post_silence(&silence("Quiet", "later"));
    server.kill();
    let server = setup.start();
    server.wait_for_another_flush("Full");
    assert_eq!(hook.requests().len(), 1, "the notification was in the log");
}

#[test]
fn a_stop_while_the_disk_is_full_ends_in_time_and_says_what_is_lost() {
    let setup = on_small_disk(&one_webhook("http://127.0.0.1:9/")).expect_log("Stopped without");
    let Some(disk) = SmallDisk::mount("a full disk", &setup.storage(), 96) else { return };
    let mut server = setup.start();
    let kept = server.post_silence(&silence("Large", "kept"));
    wait_for_reserve(&mut server);
    disk.fill();
    use_up_the_reserve(&mut server);
    let lost = server.post_silence(&silence("Quiet", "lost"));
    server.process.terminate();
    assert!(server.process.wait().success());
    let lines = server.process.lines();
    let is_logged =
        |line: &&String| line.contains("Stopped without saving") && line.contains("remedy");
    assert!(lines.iter().any(|line| is_logged(&line)), "{}", lines.join("\n"));
    drop(server);

    // It starts on the full disk too, with what is on it, and becomes writable by itself.
    let mut server = setup.start();
    server.get(&format!("/api/v2/silence/{kept}")).expect_status(200);
    server.get(&format!("/api/v2/silence/{lost}")).expect_status(404);
    disk.free();
    wait::until("a silence is saved", || {
        let answer = server.post("/api/v2/silences", &silence("Quiet", "saved").to_string());
        answer.header("x-bellwether-saved").is_none().then_some(())
    });
    server.get("/-/ready").expect_status(200);
}

#[test]
fn what_is_not_saved_is_refused_if_a_flag_says_so() {
    let hook = Sink::start();
    let setup =
        on_small_disk(&one_webhook(&hook.url("/"))).flag("--storage.refuse-unsaved").expect_log("");
    let Some(disk) = SmallDisk::mount("a full disk", &setup.storage(), 96) else { return };
    let mut server = setup.start();
    server.post_silence(&silence("Large", "kept"));
    wait_for_reserve(&mut server);
    disk.fill();
    wait::until("an alert is not saved", || {
        let answer = server.post("/api/v2/alerts", &large_alerts().to_string());
        (answer.status == 503).then_some(())
    });
    let refused = server.post("/api/v2/silences", &silence("Quiet", "").to_string());
    let refused = refused.expect_status(503).text();
    assert!(refused.contains("the journal cannot be written"), "{refused}");
    server.post("/api/v2/alerts", &json!([alert("InForce")]).to_string()).expect_status(503);
    hook.wait_for_one("page of an alert that is not saved");
}

#[test]
fn a_log_that_cannot_be_begun_for_want_of_descriptors_is_begun_later_and_nothing_fails() {
    let setup = Setup::ours(&one_webhook("http://127.0.0.1:9/"))
        .expect_log("Failed to compact the journal")
        .expect_log("ccept");
    let mut server = setup.start();
    server.post_silence(&silence("Large", "not to be notified"));
    wait_for_reserve(&mut server);
    // From now on nothing can be opened.
    limit_descriptors(&server, 3);
    let mut posted = 0;
    while server.metric("alertmanager_journal_compaction_failing", "") != Some(1.0) {
        posted += 1;
        assert!(posted < 60, "the journal has not tried to begin a log");
        let answer = server.post("/api/v2/alerts", &large_alerts().to_string());
        assert_eq!((answer.status, answer.header("x-bellwether-saved")), (200, None));
    }
    server.post_silence(&silence("Quiet", "in the old log"));
    assert_eq!(server.metric("alertmanager_journal_failures_total", ""), Some(0.0));

    limit_descriptors(&server, 1024);
    server.wait_for_metric("alertmanager_journal_compaction_failing", "", 0.0);
    wait::until("the journal is compacted", || {
        (server.metric("alertmanager_journal_disk_bytes", "")? < 64e6).then_some(())
    });
    assert_eq!(server.metric("alertmanager_journal_failures_total", ""), Some(0.0));
}

fn limit_descriptors(server: &Running, soft: u32) {
    let pid = format!("--pid={}", server.process.id());
    let limited = Command::new("prlimit").args([&pid, &format!("--nofile={soft}:")]).status();
    assert!(limited.is_ok_and(|status| status.success()), "prlimit (package util-linux)");
}

/// With what a full disk makes the server log.
fn on_small_disk(config: &str) -> Setup {
    Setup::ours(config)
        .expect_log("Journal cannot be written")
        .expect_log("Journal is written again")
        .expect_log("Not enough space can be reserved")
        .expect_log("Failed to compact the journal")
}

fn wait_for_reserve(server: &mut Running) {
    wait::until("space is reserved", || {
        let reserved = server.metric("alertmanager_journal_reserved_bytes", "");
        reserved.is_some_and(|bytes| bytes >= 8e6).then_some(())
    });
}

/// Posts large alerts, which are silenced, until they are not saved.
fn use_up_the_reserve(server: &mut Running) {
    wait::until("an alert is not saved", || {
        let answer = server.post("/api/v2/alerts", &large_alerts().to_string());
        let answer = answer.expect_status(200);
        (answer.header("x-bellwether-saved") == Some("0/1")).then_some(())
    });
}

/// A few megabytes that differ each time.
fn large_alerts() -> Value {
    let alerts = (0..16).map(|number| {
        let mut alert = alert("Large");
        alert["labels"]["number"] = json!(number.to_string());
        let mut text = format!("{:?} ", Instant::now());
        text.push_str(&"x".repeat(200_000));
        alert["annotations"] = json!({"text": text});
        alert
    });
    alerts.collect()
}

fn export(setup: &Setup, output: &Path) -> String {
    let storage = format!("--storage.path={}", setup.storage().display());
    let output = format!("--output={}", output.display());
    let program = setup.program().path();
    let ran = Command::new(program).args(["export", &storage, &output]).output();
    let ran = ran.unwrap_or_else(|error| panic!("run the export: {error}"));
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8_lossy(&ran.stdout).into_owned()
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

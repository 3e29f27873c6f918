//! Changing the configuration of a running server.

use bellwether_e2e::{Running, Setup, Sink, wait};
use serde_json::json;

use bellwether_e2e::fixtures::{alert, firing_then_resolved, one_webhook, resolved};

#[test]
fn an_identical_reload_sends_nothing() {
    let hook = Sink::start();
    let setup = Setup::ours(&one_webhook(&hook.url("/")));
    let mut server = setup.start();
    server.post_alerts(&json!([alert("Steady")]));
    hook.wait_for_one("firing notification");

    server.post("/-/reload", "").expect_status(200);
    hang_up_and_wait(&server, 3);
    server.wait_for_another_flush("Steady");

    server.post_alerts(&json!([resolved("Steady")]));
    firing_then_resolved(&hook);
}

#[test]
fn a_changed_receiver_is_used_for_what_comes_next() {
    let (old, new) = (Sink::start(), Sink::start());
    let setup = Setup::ours(&one_webhook(&old.url("/")));
    let mut server = setup.start();
    server.post_alerts(&json!([alert("Before")]));
    old.wait_for_one("notification at the old address");

    setup.write_config(&one_webhook(&new.url("/")));
    server.post("/-/reload", "").expect_status(200);
    server.post_alerts(&json!([alert("After")]));
    new.wait_for_one("notification at the new address");
    assert_eq!(old.count(), 1);
}

#[test]
fn a_broken_file_keeps_the_old_configuration_and_is_reported() {
    let hook = Sink::start();
    let good = one_webhook(&hook.url("/"));
    let setup = Setup::ours(&good).expect_log("configuration");
    let mut server = setup.start();
    let hash = server.metric("alertmanager_config_hash", "");
    assert_eq!(server.metric("alertmanager_config_last_reload_successful", ""), Some(1.0));

    setup.write_config("route: {receiver: none}\nreceivers: [{name: hook}]\n");
    let answer = server.post("/-/reload", "").expect_status(500).text();
    assert!(answer.starts_with("failed to reload config: "), "{answer}");
    assert!(answer.contains("none"), "{answer}");
    assert_eq!(server.metric("alertmanager_config_last_reload_successful", ""), Some(0.0));
    assert_eq!(server.metric("alertmanager_config_hash", ""), hash);

    server.post_alerts(&json!([alert("Still")]));
    hook.wait_for_one("notification by the old configuration");

    setup.write_config(&good);
    server.process.hang_up();
    wait::until("the metric shows success", || {
        let successful = server.metric("alertmanager_config_last_reload_successful", "");
        (successful == Some(1.0)).then_some(())
    });
}

#[test]
fn reload_needs_a_post() {
    let setup = Setup::ours(&one_webhook("http://127.0.0.1:9/"));
    let mut server = setup.start();
    let answer = server.get("/-/reload").expect_status(405);
    assert!(answer.header("allow").is_some_and(|methods| methods.contains("POST")));
}

/// Sends SIGHUP and waits until the file was loaded so many times in all.
fn hang_up_and_wait(server: &Running, loads: usize) {
    server.process.hang_up();
    let mut seen = 0;
    server.process.wait_for_line("that it has loaded the file", |line| {
        seen += usize::from(line.contains("Completed loading of configuration file"));
        (seen == loads).then_some(())
    });
}

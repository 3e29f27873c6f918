//! Command lines, addresses, and the end.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

use bellwether_e2e::{Answer, Client, Process, Setup, Sink, alertmanager, programs};
use serde_json::json;

use bellwether_e2e::fixtures::{alert, one_webhook};

const CONFIG: &str = "route: {receiver: none}\nreceivers: [{name: none}]\n";

#[test]
fn sigterm_ends_with_zero_and_keeps_everything() {
    let setup = Setup::ours(&one_webhook("http://127.0.0.1:9/")).expect_log("Notify");
    let mut server = setup.start();
    server.post_alerts(&json!([alert("Kept")]));
    let status = server.stop();
    assert_eq!(status.code(), Some(0));
    let mut server = setup.start();
    assert_eq!(server.get("/api/v2/alerts").json()[0]["labels"]["alertname"], "Kept");
}

#[test]
fn sigterm_lets_a_notification_end() {
    let hook = Sink::start();
    let (released, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    hook.answer(move |_| {
        // Held back until the test has sent SIGTERM.
        let _ = wait.lock().expect("one request at a time").recv();
        Answer::Status(200)
    });
    let setup = Setup::ours(&one_webhook(&hook.url("/")));
    let mut server = setup.start();
    server.post_alerts(&json!([alert("Late")]));
    hook.wait_for_one("request");
    server.process.terminate();
    server.process.wait_for_line("that it stops", |line| {
        line.contains("Shutting down gracefully").then_some(())
    });
    drop(released);
    assert_eq!(server.process.wait().code(), Some(0));
    server
        .process
        .wait_for_line("the notification", |line| line.contains("Notify success").then_some(()));
    assert_eq!(hook.count(), 1);

    hook.answer(|_| Answer::Status(200));
    let server = setup.start();
    server.wait_for_another_flush("Late");
    assert_eq!(hook.count(), 1, "what was sent at the end is not sent again");
}

#[test]
fn an_idle_connection_does_not_hold_up_the_end() {
    let setup = Setup::ours(CONFIG);
    let server = setup.start();
    let mut idle = server.new_client();
    idle.get("/-/healthy").expect_status(200);
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn web_pages_of_other_origins_are_let_in_only_if_their_origin_is_given() {
    let asked = |setup: Setup, origin: &str| {
        let server = setup.start();
        let answer = server
            .new_client()
            .request("GET", "/api/v2/status", &[("Origin", origin)], b"")
            .expect("an answer");
        ["access-control-allow-origin", "vary"].map(|name| answer.header(name).map(str::to_owned))
    };
    let given = || Setup::ours(CONFIG).flag(r"--web.cors.origin=https://(a|b)\.example");
    assert_eq!(asked(Setup::ours(CONFIG), "https://a.example"), [None, None]);
    let [origin, vary] = asked(given(), "https://b.example");
    assert_eq!((origin.as_deref(), vary.as_deref()), (Some("https://b.example"), Some("Origin")));
    assert_eq!(asked(given(), "https://c.example")[0], None);
}

#[test]
fn a_service_file_that_the_go_program_refuses_is_refused_in_its_words() {
    for (flags, message) in [
        (
            vec!["--web.cors.origin=(", "--auto-gomemlimit", "--auto-gomemlimit.ratio=2"],
            "msg=\"error parsing --web.cors.origin\" err=\"error parsing regexp: missing closing )",
        ),
        (
            vec!["--auto-gomemlimit", "--auto-gomemlimit.ratio=2"],
            "msg=\"--auto-gomemlimit.ratio must be greater than 0 and less than or equal to 1.\"",
        ),
        (
            vec!["--enable-feature=x", "--web.cors.origin=("],
            "msg=\"error parsing the feature flag list\" err=\"unknown option 'x'",
        ),
    ] {
        let refused = run(Command::new(programs::bellwether()).arg("server").args(&flags));
        assert_eq!(refused.status.code(), Some(1), "{flags:?}");
        let log = stderr(&refused);
        assert!(log.contains(message), "{flags:?}: {log}");
        assert!(!log.contains("Starting Alertmanager"), "{flags:?}: {log}");
    }
}

#[test]
fn called_as_alertmanager_it_takes_exactly_its_flags() {
    for name in ["alertmanager", "prometheus-alertmanager"] {
        let setup = Setup::ours(CONFIG);
        let link = setup.folder().join(name);
        symlink(programs::bellwether(), &link).expect("the test's folder is writable");
        let mut command = Command::new(&link);
        command
            .arg(format!("--config.file={}", setup.config_file().display()))
            .arg(format!("--storage.path={}", setup.storage().display()))
            .args(["--cluster.listen-address=", "--web.listen-address=127.0.0.1:0"]);
        let process = Process::start(name, &mut command);
        let address = process.wait_for_line("where it listens", alertmanager::listening_address);
        Client::new(address).get("/-/ready").expect_status(200);

        let version = output(Command::new(&link).arg("--version"));
        assert!(version.starts_with("alertmanager, version 0.35.0 "), "{version}");
        let refused = run(Command::new(&link).arg("server"));
        assert_eq!(refused.status.code(), Some(1));
        assert!(stderr(&refused).contains("unexpected server"), "{}", stderr(&refused));
    }
}

#[test]
fn every_command_says_how_it_is_used() {
    let commands: [&[&str]; 7] = [
        &[],
        &["server"],
        &["check-config"],
        &["export"],
        &["receivers"],
        &["receivers", "test"],
        &["demo-webhook"],
    ];
    for words in commands.into_iter().chain([&["version"][..]]) {
        let usage = output(Command::new(programs::bellwether()).args(words).arg("--help"));
        let first = format!(
            "usage: {}",
            ["bellwether"].iter().chain(words).copied().collect::<Vec<_>>().join(" ")
        );
        assert!(usage.starts_with(&first), "{words:?}: {usage}");
    }
}

#[test]
fn a_configuration_is_checked_as_at_a_start() {
    let setup = Setup::ours(CONFIG);
    let check = |file: &Path| {
        let mut command = Command::new(programs::bellwether());
        run(command.arg("check-config").arg(file))
    };
    let good = check(&setup.config_file());
    let text = String::from_utf8_lossy(&good.stdout);
    assert!(good.status.success() && text.contains("SUCCESS\nFound:\n"), "{text}");

    let bad = setup.folder().join("bad.yml");
    fs::write(&bad, "route: {receiver: nobody}\n").expect("the test's folder is writable");
    let refused = check(&bad);
    assert_eq!(refused.status.code(), Some(1));
    let text = String::from_utf8_lossy(&refused.stdout);
    assert!(text.contains("FAILED: "), "{text}");
    assert!(stderr(&refused).contains("failed to validate 1 file(s)"), "{}", stderr(&refused));
}

#[test]
fn the_version_is_printed() {
    for word in ["--version", "version"] {
        let version = output(Command::new(programs::bellwether()).arg(word));
        assert!(version.starts_with("bellwether, version "), "{version}");
    }
}

#[test]
fn an_unknown_flag_ends_with_one() {
    let refused = run(Command::new(programs::bellwether()).args(["server", "--no-such-flag"]));
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        stderr(&refused).contains("unknown long flag '--no-such-flag'"),
        "{}",
        stderr(&refused)
    );
}

#[test]
fn arguments_may_come_from_a_file() {
    let setup = Setup::ours(CONFIG);
    let file = setup.folder().join("arguments");
    fs::write(&file, "--web.route-prefix=/below\n").expect("the test's folder is writable");
    let setup = setup.flag(&format!("@{}", file.display()));
    let mut server = setup.start();
    server.get("/below/-/healthy").expect_status(200);
    server.get("/-/healthy").expect_status(404);
}

#[test]
fn it_listens_on_several_addresses_of_both_families() {
    let setup = Setup::ours(CONFIG).flag("--web.listen-address=[::1]:0");
    let server = setup.start();
    let mut addresses: Vec<SocketAddr> = Vec::new();
    server.process.wait_for_line("both addresses", |line| {
        addresses.extend(alertmanager::listening_address(line));
        (addresses.len() == 2).then_some(())
    });
    assert!(addresses.iter().any(SocketAddr::is_ipv6), "{addresses:?}");
    for address in addresses {
        Client::new(address).get("/-/ready").expect_status(200);
    }
}

#[test]
fn a_taken_address_ends_with_one_and_is_named() {
    let setup = Setup::ours(CONFIG);
    let first = setup.start();
    let second = Setup::ours(CONFIG);
    let taken = first.address().to_string();
    let second = second.flag(&format!("--web.listen-address={taken}"));
    let (status, lines) = second.run_to_end();
    assert_eq!(status.code(), Some(1));
    assert!(lines.iter().any(|line| line.contains(&taken)), "{}", lines.join("\n"));
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let setup = Setup::ours(CONFIG);
    let _server = setup.start();
    let (status, lines) = setup.run_to_end();
    assert_eq!(status.code(), Some(1));
    let storage = setup.storage().display().to_string();
    assert!(lines.iter().any(|line| line.contains(&storage)), "{}", lines.join("\n"));
}

#[test]
fn a_missing_or_broken_file_ends_with_one() {
    let setup = Setup::ours("route: {receiver: none}\n");
    let (status, lines) = setup.run_to_end();
    assert_eq!(status.code(), Some(1));
    assert!(lines.iter().any(|line| line.contains("none")), "{}", lines.join("\n"));
    fs::remove_file(setup.config_file()).expect("the file is ours");
    let (status, lines) = setup.run_to_end();
    assert_eq!(status.code(), Some(1));
    let file = setup.config_file().display().to_string();
    assert!(lines.iter().any(|line| line.contains(&file)), "{}", lines.join("\n"));
}

#[test]
fn a_flag_whose_feature_is_not_there_is_refused_by_name() {
    for flag in ["--web.systemd-socket", "--web.listen-address=vsock://:1"] {
        let setup = Setup::ours(CONFIG).flag(flag);
        let (status, lines) = setup.run_to_end();
        assert_eq!(status.code(), Some(1), "{flag}");
        let name = flag.split('=').next().unwrap_or(flag).trim_start_matches('-');
        assert!(lines.iter().any(|line| line.contains(name)), "{}", lines.join("\n"));
    }
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("run {command:?}: {error}"))
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What it prints; it must succeed.
fn output(command: &mut Command) -> String {
    let output = run(command);
    assert!(output.status.success(), "{}", stderr(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

//! Clients that take all file descriptors, at the moment at which the journal needs one.

use std::net::TcpStream;

use bellwether_e2e::fixtures::{alert, silence};
use bellwether_e2e::wait;
use serde_json::{Value, json};

use crate::bystander::{Bystander, Victim};

#[test]
fn connections_that_take_all_descriptors_while_the_journal_begins_a_log() {
    let mut bystander = Bystander::start(&Victim::default(), |setup| {
        setup
            .wrapped(&["sh", "-c", "ulimit -n 96; exec \"$0\" \"$@\""])
            .expect_log("Failed to compact the journal")
            .expect_log("ccept")
            .expect_log("onnection")
    });
    bystander.is_served("before the attack");
    // What makes the journal grow notifies nobody.
    bystander.server.post_silence(&silence("Large", "not to be notified"));

    let held: Vec<TcpStream> =
        (0..300).filter_map(|_| TcpStream::connect(bystander.server.address()).ok()).collect();
    assert!(held.len() > 96, "more connections than descriptors");
    for round in 0..5 {
        let answer = bystander.server.post("/api/v2/alerts", &large_alerts(round).to_string());
        let answer = answer.expect_status(200);
        assert_eq!(answer.header("x-bellwether-saved"), None, "round {round}: it is durable");
    }
    assert_eq!(bystander.server.metric("alertmanager_journal_failing", ""), Some(0.0));
    assert_eq!(bystander.server.metric("alertmanager_journal_failures_total", ""), Some(0.0));

    drop(held);
    wait::until("the journal is compacted", || {
        let bytes = bystander.server.metric("alertmanager_journal_disk_bytes", "")?;
        (bytes < 64e6).then_some(())
    });
    bystander.server.wait_for_metric("alertmanager_journal_compaction_failing", "", 0.0);
    bystander.is_served("after the attack");
}

/// About 19 MB, in values that differ from round to round.
fn large_alerts(round: usize) -> Value {
    let alerts = (0..80).map(|number| {
        let mut alert = alert("Large");
        alert["labels"]["number"] = json!(number.to_string());
        alert["annotations"] = json!({"text": format!("{round} {}", "x".repeat(240_000))});
        alert
    });
    alerts.collect()
}

//! Measures how long it takes to decode one alert of typical size: `cargo run --release --example
//! decode_speed`.
//! Prints the nanoseconds of three runs.

use std::hint::black_box;
use std::time::Instant;

use bellwether_api::decode_alerts;
use bellwether_model::MatcherMode;

fn main() {
    let alert = |number: usize| {
        format!(
            "{{\"annotations\":{{\"description\":\"Instance node{number}.example.org:9100 of job node has \
             less than 10% of free space on /var/lib, and will be full in about 4 hours.\",\
             \"runbook_url\":\"https://runbooks.example.org/node/DiskSpaceLow\"}},\
             \"endsAt\":\"2026-11-22T12:04:00.123Z\",\"startsAt\":\"2026-11-22T12:00:00.123Z\",\
             \"generatorURL\":\"http://prometheus.example.org:9090/graph?g0.expr=node_free+%3C+10&g0.tab=1\",\
             \"labels\":{{\"alertname\":\"DiskSpaceLow\",\"cluster\":\"eu-west-1\",\"env\":\"prod\",\
             \"instance\":\"node{number}.example.org:9100\",\"job\":\"node\",\"mountpoint\":\"/var/lib\",\
             \"severity\":\"warning\"}}}}"
        )
    };
    let count = 256;
    let alerts: Vec<String> = (0..count).map(alert).collect();
    let body = format!("[{}]", alerts.join(","));
    println!("{} bytes an alert", body.len() / count);
    let rounds = 2_000;
    for _ in 0..3 {
        let started = Instant::now();
        for _ in 0..rounds {
            let inbox = decode_alerts(black_box(body.as_bytes()), MatcherMode::Fallback);
            assert_eq!(black_box(inbox).map(|inbox| inbox.alerts.len()), Ok(count));
        }
        let nanos = started.elapsed().as_nanos() / (rounds * count) as u128;
        println!("decode: {nanos} ns an alert");
    }
}

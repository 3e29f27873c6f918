use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use bellwether_model::IntegrationId;

use super::{Allowance, Limits, Rendering};
use crate::features::Features;
use crate::metrics::Metrics;

const LONG: Duration = Duration::from_secs(60);

fn id(receiver: &str) -> IntegrationId {
    IntegrationId { receiver: receiver.into(), kind: "slack".into(), index: 0 }
}

fn rendering(limits: Limits) -> (Rendering, Arc<Metrics>) {
    let metrics = Arc::new(Metrics::new(Features::default()));
    (Rendering::new(limits, Arc::clone(&metrics)), metrics)
}

fn limits(threads: usize) -> Limits {
    Limits { threads, share: 1, time: LONG, crowded_time: LONG }
}

/// Work that says that it has begun, and ends when it is told to or when it has to.
fn held()
-> (impl FnOnce(&Allowance<'_>) -> Option<String> + Send, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (begin, begun) = mpsc::channel();
    let (end, ended) = mpsc::channel();
    let work = move |allowance: &Allowance<'_>| {
        begin.send(()).unwrap();
        loop {
            if let Some(reason) = allowance.interrupt() {
                return Some(reason);
            }
            if ended.recv_timeout(Duration::from_millis(1)).is_ok() {
                return None;
            }
        }
    };
    (work, begun, end)
}

async fn run<T: Send + 'static>(
    rendering: &Rendering,
    receiver: &str,
    work: impl FnOnce(&Allowance<'_>) -> T + Send + 'static,
) -> Option<T> {
    rendering.run(&id(receiver), Instant::now() + LONG, work).await
}

#[tokio::test]
async fn an_integration_with_much_to_do_leaves_threads_to_the_others() {
    let (rendering, metrics) = rendering(limits(2));
    let (slow, begun, end) = held();
    let first = tokio::spawn({
        let rendering = rendering.clone();
        async move { run(&rendering, "slow", slow).await }
    });
    tokio::task::spawn_blocking(move || begun.recv()).await.unwrap().unwrap();
    let more: Vec<_> = (0..10)
        .map(|_| {
            let rendering = rendering.clone();
            tokio::spawn(async move { run(&rendering, "slow", |_| ()).await })
        })
        .collect();
    while metrics.renders_waiting.read() < 10.0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(run(&rendering, "cheap", |_| 1).await, Some(1));
    assert_eq!(metrics.renders_waiting.read(), 10.0);
    end.send(()).unwrap();
    assert_eq!(first.await.unwrap(), Some(None));
    for one in more {
        assert_eq!(one.await.unwrap(), Some(()));
    }
    assert_eq!(metrics.renders_waiting.read(), 0.0);
}

#[tokio::test]
async fn a_slow_rendering_ends_when_another_receiver_waits() {
    let crowded_time = Duration::from_millis(5);
    let (rendering, metrics) = rendering(Limits { crowded_time, ..limits(1) });
    let (slow, begun, _end) = held();
    let first = tokio::spawn({
        let rendering = rendering.clone();
        async move { run(&rendering, "slow", slow).await }
    });
    tokio::task::spawn_blocking(move || begun.recv()).await.unwrap().unwrap();
    assert_eq!(run(&rendering, "cheap", |_| 1).await, Some(1));
    let reason = first.await.unwrap().unwrap().unwrap();
    assert!(reason.contains("longer than 5ms while other receivers waited"), "{reason}");
    let labels = metrics.integration_labels("slack", "slow");
    assert_eq!(metrics.render_timeouts.with(&labels).read(), 1);
}

#[tokio::test]
async fn a_rendering_ends_at_its_limit_and_at_its_deadline() {
    let (rendering, _) = rendering(Limits { time: Duration::from_millis(5), ..limits(1) });
    let (slow, _begun, _end) = held();
    let reason = run(&rendering, "slow", slow).await.unwrap().unwrap();
    assert!(reason.contains("longer than 5ms: make the template cheaper"), "{reason}");
    assert!(reason.contains("--receivers.render-timeout"), "{reason}");

    let (rendering, _) = self::rendering(limits(1));
    let (slow, _begun, _end) = held();
    let reason = rendering.run(&id("slow"), Instant::now(), slow).await.unwrap().unwrap();
    assert!(reason.contains("when half of the attempt's time was over"), "{reason}");
}

#[tokio::test]
async fn a_panic_ends_one_rendering() {
    let (rendering, _) = rendering(limits(1));
    fn panics(_: &Allowance<'_>) -> u32 {
        panic!("on purpose")
    }
    assert_eq!(run(&rendering, "bad", panics).await, None);
    assert_eq!(run(&rendering, "bad", |_| 1).await, Some(1));
}

#[tokio::test]
async fn what_nobody_waits_for_is_not_done() {
    let (rendering, metrics) = rendering(limits(1));
    let (slow, begun, end) = held();
    let first = tokio::spawn({
        let rendering = rendering.clone();
        async move { run(&rendering, "slow", slow).await }
    });
    tokio::task::spawn_blocking(move || begun.recv()).await.unwrap().unwrap();
    let (done, is_done) = mpsc::channel();
    let abandoned = tokio::spawn({
        let rendering = rendering.clone();
        async move { run(&rendering, "slow", move |_| done.send(()).unwrap()).await }
    });
    while metrics.renders_waiting.read() < 1.0 {
        tokio::task::yield_now().await;
    }
    abandoned.abort();
    let _ = abandoned.await;
    end.send(()).unwrap();
    assert_eq!(first.await.unwrap(), Some(None));
    assert_eq!(run(&rendering, "slow", |_| 1).await, Some(1));
    assert!(is_done.recv().is_err(), "it was done");
}

#[tokio::test]
async fn who_has_used_least_is_next() {
    let (rendering, metrics) = rendering(limits(1));
    let (slow, begun, end) = held();
    let first = tokio::spawn({
        let rendering = rendering.clone();
        async move { run(&rendering, "a", slow).await }
    });
    tokio::task::spawn_blocking(move || begun.recv()).await.unwrap().unwrap();
    let (log, order) = mpsc::channel();
    let mut all = Vec::new();
    for receiver in ["a", "a", "b", "b"] {
        let (rendering, log) = (rendering.clone(), log.clone());
        all.push(tokio::spawn(async move {
            run(&rendering, receiver, move |_| log.send(receiver).unwrap()).await
        }));
        while metrics.renders_waiting.read() < all.len() as f64 {
            tokio::task::yield_now().await;
        }
    }
    end.send(()).unwrap();
    assert_eq!(first.await.unwrap(), Some(None));
    for one in all {
        assert_eq!(one.await.unwrap(), Some(()));
    }
    let order: Vec<_> = order.try_iter().collect();
    assert_eq!(order, ["b", "b", "a", "a"]);
}

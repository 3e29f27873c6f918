//! Are the connections of a client counted?

use std::sync::Arc;

use bellwether_courier::{Client, DialEvent, DialFailure, DialObserver, Dials, NetworkPolicy};
use bellwether_integrations::http::HttpConfig;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::server::{Server, closed_port, ok, post_to};

#[derive(Debug)]
struct Observer(UnboundedSender<DialEvent>);

impl DialObserver for Observer {
    fn begin(&self, _: &'static str) {}

    fn note(&self, client: &'static str, event: DialEvent) {
        assert_eq!(client, "webhook");
        // The test may have ended.
        let _ = self.0.send(event);
    }
}

fn observed(config: &HttpConfig) -> (Client, UnboundedReceiver<DialEvent>) {
    let (sender, events) = unbounded_channel();
    let dials = Dials::new("webhook", Arc::new(Observer(sender)));
    let client = Client::build(config, &NetworkPolicy::default(), &dials);
    (client.expect("a good configuration"), events)
}

#[tokio::test]
async fn a_connection_is_attempted_established_once_and_closed() {
    let server = Server::start(ok).await;
    let (client, mut events) = observed(&HttpConfig::default());
    for _ in 0..2 {
        post_to(&client, &server.url("/")).await.expect("an answer");
    }
    assert_eq!(events.recv().await, Some(DialEvent::Attempted));
    assert_eq!(events.recv().await, Some(DialEvent::Established));
    assert!(events.is_empty(), "the second request uses the first one's connection");
    drop(client);
    assert_eq!(events.recv().await, Some(DialEvent::Closed));
}

#[tokio::test]
async fn a_failure_is_counted_with_its_reason() {
    let refused = format!("http://127.0.0.1:{}/", closed_port().await);
    let cases = [
        (refused.as_str(), DialFailure::Refused),
        ("http://no-such-host.invalid/", DialFailure::Resolution),
    ];
    for (url, failure) in cases {
        let (client, mut events) = observed(&HttpConfig::default());
        post_to(&client, url).await.expect_err("no connection");
        assert_eq!(events.recv().await, Some(DialEvent::Attempted), "{url}");
        assert_eq!(events.recv().await, Some(DialEvent::Failed(failure)), "{url}");
        drop(client);
        assert_eq!(events.recv().await, None, "{url}: nothing was open");
    }
}

//! Which calls may begin, how long they last, and what is reported of them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bellwether_connect::{Backend, Connect, ConnectSettings, Observation, Procedure, Status};
use bytes::Bytes;
use http::{Request, Version};
use http_body_util::{BodyExt as _, Full};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

#[derive(Default)]
struct Recorder(Mutex<Vec<Observation>>);

impl Backend for Recorder {
    fn status(&self) -> Status {
        Status::default()
    }

    fn observe(&self, observation: Observation) {
        let without_time = match observation {
            Observation::Ended { procedure, outcome, .. } => {
                Observation::Ended { procedure, outcome, seconds: 0.0 }
            }
            other => other,
        };
        self.0.lock().expect("the call works").push(without_time);
    }
}

struct House {
    connect: Arc<Connect<Recorder>>,
    recorder: Arc<Recorder>,
    stop: watch::Sender<bool>,
}

fn house(settings: ConnectSettings) -> House {
    let (stop, stopping) = watch::channel(false);
    let recorder = Arc::new(Recorder::default());
    let settings = ConnectSettings { stopping, ..settings };
    let connect = Arc::new(Connect::new(Arc::clone(&recorder), settings));
    House { connect, recorder, stop }
}

impl House {
    async fn call(&self, procedure: Procedure, media_type: &str, body: Body) -> Response {
        let request = Request::post(procedure.path())
            .version(Version::HTTP_2)
            .header("content-type", media_type)
            .body(body)
            .expect("the call works");
        self.connect.answer(procedure.path(), "", request).await
    }

    /// What was reported since the last call of this.
    fn reported(&self) -> Vec<Observation> {
        std::mem::take(&mut self.recorder.0.lock().expect("the call works"))
    }
}

/// A body that comes to no end.
fn endless(bytes: &'static [u8]) -> Body {
    Body::new(Full::new(Bytes::from_static(bytes)).with_trailers(std::future::pending()))
}

async fn text(response: Response) -> String {
    let body = timeout(Duration::from_secs(1), response.into_body().collect()).await;
    String::from_utf8_lossy(&body.expect("the call works").expect("the call works").to_bytes())
        .into_owned()
}

fn ended(procedure: Procedure, outcome: &'static str) -> Observation {
    Observation::Ended { procedure, outcome, seconds: 0.0 }
}

const GRPC: &str = "application/grpc";
const JSON: &str = "application/json";
const EMPTY: &[u8] = &[0; 5];

#[tokio::test(start_paused = true)]
async fn a_full_pool_refuses_before_it_reads_and_leaves_the_other_one_alone() {
    use Procedure::{CheckHealth, WatchHealth};
    let settings = ConnectSettings {
        unary_concurrency: 1,
        stream_concurrency: 1,
        ..ConnectSettings::default()
    };
    let house = house(settings);
    let first = house.call(CheckHealth, JSON, endless(b"{"));
    tokio::pin!(first);
    assert!(timeout(Duration::from_millis(1), &mut first).await.is_err());
    let refused = house.call(CheckHealth, JSON, endless(b"{")).await;
    assert_eq!(refused.status(), 429);
    let expected =
        r#"{"code":"resource_exhausted","message":"maximum concurrent unary RPCs reached"}"#;
    assert_eq!(text(refused).await, expected);
    let watch = house.call(WatchHealth, GRPC, Body::from(EMPTY)).await;
    let refused = house.call(WatchHealth, GRPC, Body::from(EMPTY)).await;
    let trailers = refused.into_body().collect().await.unwrap().trailers().cloned().unwrap();
    assert_eq!(trailers["grpc-message"], "maximum concurrent streams reached");
    // A procedure that does not exist needs no place.
    let unknown = Request::post("/x").body(Body::empty()).unwrap();
    assert_eq!(house.connect.answer("/x", "", unknown).await.status(), 501);
    drop(watch);
    let mut again = house.call(WatchHealth, GRPC, Body::from(EMPTY)).await.into_body();
    let message = again.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(message.as_ref(), [0, 0, 0, 0, 2, 8, 1]);
    let expected = [
        Observation::Admitted(CheckHealth),
        Observation::Refused(CheckHealth),
        Observation::Admitted(WatchHealth),
        Observation::Refused(WatchHealth),
        ended(WatchHealth, "ok"),
        Observation::Released(WatchHealth),
        Observation::Admitted(WatchHealth),
    ];
    assert_eq!(house.reported(), expected);
}

#[tokio::test(start_paused = true)]
async fn half_a_request_ends_when_nothing_comes_or_the_operators_time_is_over() {
    use Procedure::CheckHealth;
    let began = Instant::now();
    let house_without = house(ConnectSettings::default());
    let late = house_without.call(CheckHealth, JSON, endless(b"{")).await;
    assert_eq!((late.status().as_u16(), began.elapsed().as_secs()), (504, 30));
    assert!(text(late).await.contains("nothing of the request came for 30 s"));

    let unary_timeout = Some(Duration::from_secs(1));
    let house = house(ConnectSettings { unary_timeout, ..ConnectSettings::default() });
    let began = Instant::now();
    let late = house.call(CheckHealth, JSON, endless(b"{")).await;
    assert_eq!((late.status().as_u16(), began.elapsed().as_secs()), (504, 1));
    assert_eq!(text(late).await, r#"{"code":"deadline_exceeded","message":"i/o timeout"}"#);
    let expected = [
        Observation::Admitted(CheckHealth),
        Observation::TimedOut(CheckHealth),
        ended(CheckHealth, "deadline_exceeded"),
        Observation::Released(CheckHealth),
    ];
    assert_eq!(house.reported(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_is_counted_as_canceled() {
    use Procedure::{CheckHealth, Reflect};
    let house = house(ConnectSettings::default());
    let call = house.call(CheckHealth, JSON, endless(b"{"));
    assert!(timeout(Duration::from_secs(1), call).await.is_err());
    let call = house.call(Reflect, GRPC, endless(b""));
    assert!(timeout(Duration::from_secs(1), call).await.is_err());
    let reported = house.reported();
    assert!(reported.contains(&ended(CheckHealth, "canceled")), "{reported:?}");
    assert!(reported.contains(&ended(Reflect, "canceled")), "{reported:?}");
}

#[tokio::test(start_paused = true)]
async fn what_never_reaches_its_procedure_is_counted_as_unknown() {
    use Procedure::{CheckHealth, WatchHealth};
    let house = house(ConnectSettings::default());
    house.call(CheckHealth, "text/plain", Body::empty()).await;
    house.call(CheckHealth, JSON, Body::from("bad")).await;
    house.call(CheckHealth, JSON, Body::from(vec![b' '; 5 << 20])).await;
    house.call(WatchHealth, JSON, Body::empty()).await;
    let reported = house.reported();
    let unknown = |procedure| reported.iter().filter(move |it| **it == ended(procedure, "unknown"));
    assert_eq!((unknown(CheckHealth).count(), unknown(WatchHealth).count()), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn streams_are_cut_off_when_their_time_is_over() {
    use Procedure::{Reflect, WatchHealth};
    let lifetime = ConnectSettings {
        stream_lifetime: Some(Duration::from_secs(3)),
        ..ConnectSettings::default()
    };
    let idle = ConnectSettings {
        stream_idle_timeout: Some(Duration::from_secs(2)),
        ..ConnectSettings::default()
    };
    for (settings, seconds) in [(lifetime, 3), (idle, 2)] {
        let house = house(settings);
        let began = Instant::now();
        let watch = house.call(WatchHealth, GRPC, Body::from(EMPTY)).await;
        assert!(watch.into_body().collect().await.is_err(), "there are no trailers");
        assert_eq!(began.elapsed().as_secs(), seconds);
        let reflect = house.call(Reflect, GRPC, endless(b"\0\0\0\0\x03\x3a\x01*")).await;
        assert!(reflect.into_body().collect().await.is_err());
        let reported = house.reported();
        assert!(reported.contains(&ended(WatchHealth, "ok")), "{reported:?}");
        assert!(reported.contains(&ended(Reflect, "deadline_exceeded")), "{reported:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_cuts_streams_and_takes_no_more_calls() {
    use Procedure::{CheckHealth, WatchHealth};
    let house = house(ConnectSettings::default());
    let watch = house.call(WatchHealth, GRPC, Body::from(EMPTY)).await;
    let mut body = watch.into_body();
    body.frame().await.unwrap().unwrap();
    house.stop.send(true).unwrap();
    assert!(body.frame().await.unwrap().is_err());
    let refused = house.call(CheckHealth, JSON, Body::from("{}")).await;
    assert_eq!(refused.status(), 503);
    let expected = r#"{"code":"unavailable","message":"connect API is shutting down"}"#;
    assert_eq!(text(refused).await, expected);
}

#[tokio::test(start_paused = true)]
async fn messages_have_a_limit_where_no_flag_sets_one() {
    let house = house(ConnectSettings::default());
    let long = vec![b' '; (4 << 20) + 1];
    let refused = house.call(Procedure::CheckHealth, JSON, Body::from(long)).await;
    assert_eq!(refused.status(), 429);
    let expected = "message size 4194305 is larger than configured max 4194304";
    assert!(text(refused).await.contains(expected));
    let head = [&[0_u8][..], &(5_u32 << 20).to_be_bytes()].concat();
    let refused = house.call(Procedure::Reflect, GRPC, Body::from(head)).await;
    let trailers = refused.into_body().collect().await.unwrap().trailers().cloned().unwrap();
    assert_eq!(trailers["grpc-status"], "8");
}

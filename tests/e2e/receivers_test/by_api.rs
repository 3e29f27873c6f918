//! The same, asked of a running server.

use std::thread;

use bellwether_e2e::{Answer, Response, Running, Setup, Sink};
use serde_json::{Value, json};

use super::config;

const PATH: &str = "/api/bellwether/v1/receivers/test";

fn setup(sink: &Sink) -> Setup {
    Setup::ours(&config(sink)).flag("--web.enable-receiver-test")
}

fn ask(server: &mut Running, test: &Value) -> Response {
    server.post(PATH, &test.to_string())
}

/// What the integration of this name has answered.
fn of<'a>(answer: &'a Value, integration: &str) -> &'a Value {
    let all = answer["integrations"].as_array().expect("a list of integrations");
    let found = all.iter().find(|one| one["integration"] == integration);
    found.unwrap_or_else(|| panic!("no {integration} in {answer}"))
}

#[test]
fn each_integration_is_tried_once_and_its_answer_shown() {
    let sink = Sink::start();
    sink.answer(|request| match request.path.as_str() {
        // It repeats what is secret.
        "/pagerduty" => {
            let key = &request.json()["routing_key"];
            Answer::Reason(400, json!({"message": "wrong", "errors": [key]}).to_string())
        }
        _ => Answer::Text("ok".to_owned()),
    });
    let mut server = setup(&sink).start();
    let test = json!({"receiver": "team", "labels": {"team": "db"}});
    let answer = ask(&mut server, &test).expect_status(200);
    assert!(!answer.text().contains("marker"), "{}", answer.text());
    let answer = answer.json();
    assert_eq!(answer["ok"], false);
    assert_eq!(
        *of(&answer, "webhook[0]"),
        json!({"integration": "webhook[0]", "result": "delivered", "templateFaults": []})
    );
    let slack = of(&answer, "slack[0]");
    assert_eq!(slack["result"], "delivered");
    assert_eq!(slack["templateFaults"][0]["field"], "title");
    let refused = json!({
        "integration": "pagerduty[0]", "result": "refused", "reason": "clientError",
        "detail": "unexpected status code 400: wrong: <secret>", "templateFaults": [],
    });
    assert_eq!(*of(&answer, "pagerduty[0]"), refused);

    let requests = sink.requests();
    assert_eq!(requests.len(), 3, "no attempt is repeated");
    let webhook = requests.iter().find(|request| request.path == "/webhook-marker");
    let body = webhook.expect("the webhook gets it").json();
    assert_eq!(body["commonLabels"]["team"], "db");
    // Nothing of it is kept.
    assert_eq!(server.get("/api/v2/alerts").json(), json!([]));
    assert_eq!(server.metric("alertmanager_notifications_total", ""), Some(0.0));
}

#[test]
fn a_dry_run_sends_nothing_and_shows_no_secret() {
    let sink = Sink::start();
    let mut server = setup(&sink).start();
    let answer = ask(&mut server, &json!({"receiver": "team", "dryRun": true})).expect_status(200);
    assert!(!answer.text().contains("marker"), "{}", answer.text());
    let event = of(&answer.json(), "pagerduty[0]")["request"].clone();
    assert_eq!(event["method"], "POST");
    let body: Value = serde_json::from_str(event["body"].as_str().expect("a text")).expect("JSON");
    assert_eq!(body["routing_key"], "<secret>");
    assert_eq!(sink.count(), 0);
}

#[test]
fn without_the_flag_nothing_is_sent_and_the_flag_is_named() {
    let sink = Sink::start();
    let mut server = Setup::ours(&config(&sink)).start();
    let refused = ask(&mut server, &json!({"receiver": "team"})).expect_status(404).text();
    assert!(refused.contains("--web.enable-receiver-test"), "{refused}");
    assert_eq!(sink.count(), 0);
}

#[test]
fn the_configuration_that_is_in_force_is_tested() {
    let (old, new) = (Sink::start(), Sink::start());
    let setup = setup(&old);
    let mut server = setup.start();
    let unknown = ask(&mut server, &json!({"receiver": "other"})).expect_status(400).text();
    assert!(
        unknown.contains(r#"unknown receiver \"other\"; known receivers: idle, team"#),
        "{unknown}"
    );

    let renamed = config(&new).replace("name: team", "name: other");
    setup.write_config(&renamed);
    ask(&mut server, &json!({"receiver": "other"})).expect_status(400);
    server.post("/-/reload", "").expect_status(200);
    let test = json!({"receiver": "other", "integration": "webhook[0]"});
    assert_eq!(ask(&mut server, &test).expect_status(200).json()["ok"], true);
    assert_eq!((old.count(), new.count()), (0, 1));
    ask(&mut server, &json!({"receiver": "team"})).expect_status(400);
}

#[test]
fn there_is_one_test_at_a_time() {
    let slow = Sink::start();
    slow.answer(|_| Answer::Hang);
    let mut server = setup(&slow).start();
    let mut client = server.new_client();
    let test = json!({"receiver": "team", "integration": "webhook[0]", "timeout": "1m"});
    let body = test.to_string();
    let first = thread::spawn(move || client.post_json(PATH, body.as_bytes()).json());
    slow.wait_for_one("the first test");
    let busy = ask(&mut server, &test).expect_status(429).text();
    assert!(busy.contains("another receiver is being tested"), "{busy}");
    assert_eq!(slow.count(), 1);

    // The connection ends, and the test with it.
    drop(slow);
    let first = first.join().expect("it is answered");
    assert_eq!(of(&first, "webhook[0]")["result"], "failed");
    let next = ask(&mut server, &test).expect_status(200).json();
    assert_eq!(of(&next, "webhook[0]")["result"], "failed");
}

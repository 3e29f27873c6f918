use bellwether_model::{FailureReason, Outcome, Secret};

use super::WeChat;
use super::config::{Config, MessageType};
use crate::exchange::Step;
use crate::outcome::delivered;
use crate::tests::{
    Harness, LIST, answer, check_snapshot, ends_with_missing_count, firing, json_answer, many,
    mixed, resolved,
};

fn config() -> Config {
    Config {
        api_url: "http://wechat.example/cgi-bin/".to_owned(),
        api_secret: Secret::new("s&cret"),
        corp_id: "corp".to_owned(),
        to_user: "@all".to_owned(),
        agent_id: "7".to_owned(),
        ..Config::default()
    }
}

fn harness(config: &Config) -> Harness {
    Harness::new(|templates| WeChat::build(config, templates))
}

const TOKEN: &str = r#"{"errcode":0,"access_token":"t0ken"}"#;
const OK: &str = r#"{"errcode":0,"errmsg":"ok"}"#;

#[test]
fn a_token_is_fetched_once_and_used_until_it_has_expired() {
    let harness = harness(&config());
    let first = harness.transcript(&firing(), [json_answer(200, TOKEN), json_answer(200, OK)]);
    let second = harness.transcript(&resolved(), [json_answer(200, OK)]);
    let expired = r#"{"errcode":42001,"errmsg":"access_token expired"}"#;
    let third = harness.transcript(&firing(), [json_answer(200, expired)]);
    let fourth = harness.transcript(&firing(), [json_answer(200, TOKEN), json_answer(200, OK)]);
    let said = [first, second, third, fourth].join("----\n");
    check_snapshot("wechat/tests/tokens.txt", &said);
}

#[test]
fn queries_are_escaped_as_go_escapes_them() {
    let api_url = "http://wechat.example/cgi-bin/?debug=1&a=b%20c".to_owned();
    let config = Config { api_url, api_secret: Secret::new("a~*'( b"), ..config() };
    let (begun, _) = harness(&config).begin(&firing());
    let mut exchange = begun.expect("it begins");
    let url = |step| match step {
        Step::Send(request) => request.url.reveal().to_owned(),
        step => panic!("no request: {step:?}"),
    };
    assert_eq!(
        url(exchange.begin()),
        "http://wechat.example/cgi-bin/gettoken?corpid=corp&corpsecret=a~%2A%27%28+b"
    );
    let token = json_answer(200, r#"{"errcode":0,"access_token":"t~*"}"#);
    assert_eq!(
        url(exchange.receive(token)),
        "http://wechat.example/cgi-bin/message/send?a=b%20c&access_token=t~%2A&debug=1"
    );
}

#[test]
fn a_template_without_which_no_token_can_be_asked_for_is_refused_before() {
    let bad = || "{{ .Nothing }}".to_owned();
    for config in [
        Config { corp_id: bad(), ..config() },
        Config { api_secret: Secret::new(bad()), ..config() },
    ] {
        let error = harness(&config).begin(&firing()).0.err().expect("it is refused");
        let Ok(Outcome::Refused { reason, detail }) = error.outcome() else {
            panic!("it is refused");
        };
        assert_eq!(reason, FailureReason::TemplateError);
        assert!(detail.starts_with("templating error: "), "{detail}");
    }
    let secret = Secret::new("{{ .Receiver }}-secret");
    let request = harness(&Config { api_secret: secret, ..config() }).request(&firing());
    assert!(request.url.reveal().ends_with("&corpsecret=team-secret"), "{}", request.url.reveal());
}

#[test]
fn markdown_replaces_text() {
    let config = Config { message_type: MessageType::Markdown, ..config() };
    let said =
        harness(&config).transcript(&mixed(), [json_answer(200, TOKEN), json_answer(200, OK)]);
    check_snapshot("wechat/tests/markdown.txt", &said);
}

#[test]
fn the_answer_decides_between_success_retry_and_refusal() {
    let outcome_of = |answers: Vec<_>| {
        let harness = harness(&config());
        let (begun, _) = harness.begin(&firing());
        let mut exchange = begun.expect("it begins");
        let mut step = exchange.begin();
        for answer in answers {
            step = exchange.receive(answer);
        }
        match step {
            Step::Done(outcome) => outcome,
            _ => panic!("not over"),
        }
    };
    let refused =
        |detail: &str| Outcome::Refused { reason: FailureReason::Other, detail: detail.to_owned() };
    assert_eq!(outcome_of(vec![json_answer(200, TOKEN), json_answer(200, OK)]), delivered());
    assert_eq!(
        outcome_of(vec![json_answer(200, r#"{"errcode":40001}"#)]),
        refused("invalid APISecret for CorpID: corp")
    );
    assert!(matches!(outcome_of(vec![answer(503, "")]), Outcome::Retry { .. }));
    let no = r#"{"errcode":81013,"errmsg":"user invalid"}"#;
    assert_eq!(
        outcome_of(vec![json_answer(200, TOKEN), json_answer(200, no)]),
        refused("user invalid")
    );
    for (status, body) in [(404, ""), (200, "<html>")] {
        let outcome = outcome_of(vec![json_answer(200, TOKEN), json_answer(status, body)]);
        assert!(matches!(outcome, Outcome::Retry { .. }), "{outcome:?}");
    }
}

#[test]
fn a_message_does_not_exceed_the_limit_of_wechat() {
    for message_type in [MessageType::Text, MessageType::Markdown] {
        let content = |message: &str| {
            let message = message.to_owned();
            let config = Config { message, message_type, ..config() };
            let requests = harness(&config).requests(&many(1_000), TOKEN);
            let sent = requests.last().expect("the message");
            let body: serde_json::Value = serde_json::from_slice(&sent.body).expect("JSON");
            let kind = body["msgtype"].as_str().expect("a type").to_owned();
            body[kind]["content"].as_str().expect("a text").to_owned()
        };
        let listed = content(LIST);
        assert!((1_950..=2_048).contains(&listed.len()) && ends_with_missing_count(&listed));
        assert_eq!(content(&"ü".repeat(1_024)), "ü".repeat(1_024));
        assert_eq!(content(&"ü".repeat(1_025)), format!("{}…", "ü".repeat(1_022)));
    }
}

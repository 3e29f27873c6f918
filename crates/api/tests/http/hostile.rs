//! Malformed and hostile bodies.

use axum::body::Body;
use bellwether_api::{Observation, RefusedRequest, decode_alerts, decode_silence};
use bellwether_model::MatcherMode;

use http::Request;

use crate::{get, post, send, setup};

const GOOD: &str = r#"[{"labels":{"alertname":"Dé\u00e9\n","severity":"page"},"annotations":{"a":"\"\\"},
 "startsAt":"2026-11-22T10:00:00.5+02:00","endsAt":null,"generatorURL":"http://x/?a=1","x":[1.5e3,-0,true,{}]}]"#;

const SILENCE: &str = r#"{"id":"","matchers":[{"name":"a","value":"b|c","isRegex":true,"isEqual":false}],
 "startsAt":"2026-11-22T10:00:00Z","endsAt":"2027-01-01","createdBy":"me","comment":"\ud83d\ude00","annotations":{"k":"v"}}"#;

#[tokio::test]
async fn a_body_that_is_cut_off_anywhere_changes_nothing() {
    let (backend, router) = setup();
    for end in 1..GOOD.len() {
        let reply = post(&router, "/api/v2/alerts", GOOD.as_bytes()[..end].to_vec()).await;
        assert_eq!(reply.status, 400, "cut at {end}: {}", reply.text);
        assert!(reply.text.ends_with("because unexpected EOF\"}"), "cut at {end}: {}", reply.text);
    }
    for end in 1..SILENCE.len() {
        let reply = post(&router, "/api/v2/silences", SILENCE.as_bytes()[..end].to_vec()).await;
        assert_eq!(reply.status, 400, "cut at {end}: {}", reply.text);
    }
    assert!(backend.commands.lock().expect("no panic").is_empty());
    assert_eq!(post(&router, "/api/v2/alerts", GOOD).await.status, 200);
    assert_eq!(post(&router, "/api/v2/silences", SILENCE).await.status, 200);
}

#[tokio::test]
async fn nesting_is_bounded() {
    let (_house, router) = setup();
    let nested = |depth: usize| {
        format!(r#"[{{"labels":{{"a":"b"}},"x":{}{}}}]"#, "[".repeat(depth), "]".repeat(depth))
    };
    assert_eq!(post(&router, "/api/v2/alerts", nested(9_998)).await.status, 200);
    let too_deep = post(&router, "/api/v2/alerts", nested(9_999)).await;
    assert_eq!(too_deep.status, 400);
    assert!(
        too_deep.text.contains("invalid character '[' exceeded max depth"),
        "{}",
        too_deep.text
    );
    assert_eq!(post(&router, "/api/v2/alerts", "[".repeat(1 << 20)).await.status, 400);
}

#[tokio::test]
async fn alerts_beyond_the_limits_are_refused_one_by_one() {
    let (backend, router) = setup();
    let many = |count: usize| {
        let labels: Vec<String> = (0..count).map(|n| format!(r#""l{n}":"v""#)).collect();
        format!(r#"{{"labels":{{{}}}}}"#, labels.join(","))
    };
    let long_name = format!(r#"{{"labels":{{"{}":"v"}}}}"#, "n".repeat(4_097));
    let long_value = format!(r#"{{"labels":{{"a":"{}"}}}}"#, "v".repeat(262_145));
    let body = format!(
        r#"[{{"labels":{{"a":"1"}}}},{},{long_name},{{"labels":{{"a":"2"}}}},{long_value},{}]"#,
        many(10_000),
        many(1_024),
    );
    let reply = post(&router, "/api/v2/alerts", body).await;
    assert_eq!(reply.status, 400);
    let messages = [
        "invalid label set: 10000 names (limit: 1024)",
        "invalid label set: name of 4097 bytes (limit: 4096)",
        "invalid label set: value of \\\"a\\\" has 262145 bytes (limit: 262144)",
    ];
    assert_eq!(reply.text, format!("\"{}\"\n", messages.join("\\n")));
    assert!(
        backend.commands.lock().expect("no panic")[0]
            .ends_with("refused: RefusedAlerts { firing: 3, resolved: 0 } }")
    );
    let listed = get(&router, "/api/v2/alerts").await.text;
    assert_eq!(listed.matches("\"fingerprint\"").count(), 3);
}

#[tokio::test]
async fn rejections_by_decoder_and_engine_are_in_the_order_of_the_body() {
    let (_house, router) = setup();
    let body = r#"[{"labels":{"a":""}},
        {"labels":{"a":"1"},"startsAt":"2027-01-01T00:00:00Z"},
        {"labels":{"":"x"}},
        {"labels":{"a":"2"}},
        {"labels":{"a":"3"},"startsAt":"9999-12-31T23:59:59Z"},
        {"labels":{"a":"4"},"annotations":{"":"x"}}]"#;
    let reply = post(&router, "/api/v2/alerts", body).await;
    let messages = [
        "at least one label pair required",
        "start time must be before end time",
        "invalid label set: invalid name \\\"\\\"",
        "start time must be before end time",
        "invalid annotations: invalid name \\\"\\\"",
    ];
    assert_eq!((reply.status, reply.text), (400, format!("\"{}\"\n", messages.join("\\n"))));
    let listed = get(&router, "/api/v2/alerts").await.text;
    assert_eq!(listed.matches("\"fingerprint\"").count(), 1);
    assert!(listed.contains(r#""labels":{"a":"2"}"#), "{listed}");
}

#[tokio::test]
async fn refused_requests_are_reported_for_the_log() {
    let (backend, router) = setup();
    let silence = |starts_at: &str, ends_at: &str, value: &str| {
        format!(
            r#"{{"matchers":[{{"name":"a","value":"{value}","isRegex":true}}],"startsAt":"{starts_at}",
            "endsAt":"{ends_at}","createdBy":"me","comment":"c"}}"#
        )
    };
    let (early, late) = ("2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z");
    let unknown = "/api/v2/silence/11111111-1111-1111-1111-111111111111";
    get(&router, "/api/v2/alerts?filter=%3D").await;
    get(&router, "/api/v2/alerts?receiver=(").await;
    get(&router, "/api/v2/alerts/groups?receiver_matchers=%3D").await;
    get(&router, "/api/v2/receivers?receiver_matchers=%3D").await;
    get(&router, unknown).await;
    let request = Request::delete(unknown).body(Body::empty()).expect("a fixed request");
    send(&router, request).await;
    post(&router, "/api/v2/alerts", "{").await;
    post(&router, "/api/v2/alerts", r#"[{"labels":{}}]"#).await;
    post(&router, "/api/v2/silences", silence(late, early, "(")).await;
    post(&router, "/api/v2/silences", silence(early, early, "x")).await;
    post(&router, "/api/v2/silences", silence("2019-01-01T00:00:00Z", early, "x")).await;
    post(&router, "/api/v2/silences", silence(early, late, "(")).await;
    get(&router, "/api/v1/alerts").await;
    let observations = backend.observations.lock().expect("no panic");
    let reported: Vec<String> = observations
        .iter()
        .filter_map(|observation| match observation {
            Observation::Refused(RefusedRequest { path, method, refusal }) => {
                let refusal = format!("{refusal:?}");
                let kind = refusal.split([' ', '(']).next().unwrap_or_default().to_owned();
                Some(format!("{method} {path} {kind}"))
            }
            Observation::OldApi { path, method } => Some(format!("{method} {path} OldApi")),
            _ => None,
        })
        .collect();
    let expected = [
        "GET /api/v2/alerts Filter",
        "GET /api/v2/alerts ReceiverPattern",
        "GET /api/v2/alerts/groups ReceiverMatchers",
        "GET /api/v2/silence/11111111-1111-1111-1111-111111111111 SilenceNotFound",
        "DELETE /api/v2/silence/11111111-1111-1111-1111-111111111111 SilenceNotExpired",
        "POST /api/v2/alerts InvalidAlerts",
        "POST /api/v2/silences SilenceStartNotBeforeEnd",
        "POST /api/v2/silences SilenceStartNotBeforeEnd",
        "POST /api/v2/silences SilenceEndsInThePast",
        "POST /api/v2/silences SilenceNotCreated",
        "GET /api/v1/alerts OldApi",
    ];
    assert_eq!(reported, expected);
}

#[tokio::test]
async fn too_many_filters_are_refused() {
    let (_house, router) = setup();
    let path = |count: usize| format!("/api/v2/alerts?{}", "filter=a%3Db&".repeat(count));
    assert_eq!(get(&router, &path(128)).await.status, 200);
    let refused = get(&router, &path(129)).await;
    assert_eq!(refused.text, "\"too many matchers: 129 (limit: 128)\"\n");
    assert_eq!(refused.status, 400);
}

/// Mutates valid bodies with a fixed seed: nothing panics, and what is accepted obeys the rules.
#[test]
fn mutated_bodies_never_panic() {
    let mut random = Random(0x5eed_5eed_5eed_5eed);
    let mut accepted = 0;
    for round in 0..30_000 {
        let source = if round % 2 == 0 { GOOD } else { SILENCE };
        let mut body = source.as_bytes().to_vec();
        for _ in 0..1 + random.below(3) {
            random.mutate(&mut body);
        }
        if let Ok(inbox) = decode_alerts(&body, MatcherMode::Fallback) {
            for alert in &inbox.alerts {
                assert_eq!(alert.fingerprint, alert.labels.fingerprint());
                assert!(
                    alert.labels.iter().all(|(name, value)| !name.is_empty() && !value.is_empty())
                );
                accepted += 1;
            }
        }
        if let Ok(draft) = decode_silence(&body) {
            assert!(!draft.matchers.is_empty());
            let now = bellwether_model::Timestamp::UNIX_EPOCH;
            // Compiling is what may panic; whether it succeeds depends on the mutation.
            let _ = draft.into_posted(MatcherMode::Fallback, now);
            accepted += 1;
        }
    }
    assert!(accepted > 1_000, "most mutations must have valid syntax, {accepted} had");
}

/// xorshift64; good enough to pick bytes.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn mutate(&mut self, body: &mut Vec<u8>) {
        const TOKENS: [&[u8]; 12] =
            [b"null", b"\"", b"{", b"}", b"[", b"]", b",", b"\\u", b"\xff", b"1e9", b"true", b":"];
        let at = self.below(body.len().max(1)).min(body.len());
        match self.below(5) {
            0 if at < body.len() => body[at] = self.below(256) as u8,
            1 if at < body.len() => drop(body.remove(at)),
            2 => {
                let token = TOKENS[self.below(TOKENS.len())];
                body.splice(at..at, token.iter().copied());
            }
            3 => {
                let end = (at + self.below(30)).min(body.len());
                let copy = body[at..end].to_vec();
                body.splice(at..at, copy);
            }
            _ => body.truncate(body.len() - self.below(3).min(body.len())),
        }
    }
}

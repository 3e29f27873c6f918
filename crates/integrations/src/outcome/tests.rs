use std::time::Duration;

use bellwether_model::{FailureReason, Outcome};
use bytes::Bytes;

use super::{EXCERPT_BYTES_MAX, check_response};
use crate::http::{RequestError, Response};

fn response(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Response {
    Response { status, content_type: None, retry_after, body: Bytes::copy_from_slice(body) }
}

fn outcome(status: u16, body: &str) -> Outcome {
    check_response("test", Ok(response(status, None, body.as_bytes()))).expect_err("not a success")
}

fn retry(reason: FailureReason, detail: &str) -> Outcome {
    Outcome::Retry { after: None, reason, detail: detail.into() }
}

fn refused(reason: FailureReason, detail: &str) -> Outcome {
    Outcome::Refused { reason, detail: detail.into() }
}

#[test]
fn every_2xx_is_a_success_whatever_its_body() {
    for status in 200..300 {
        let answer = Ok(response(status, None, b"error"));
        assert_eq!(check_response("test", answer).expect("a success").status, status);
    }
}

#[test]
fn the_status_decides_whether_to_retry() {
    use FailureReason::{AuthError, ClientError, Other, RateLimited, ServerError};
    assert_eq!(outcome(500, ""), retry(ServerError, "unexpected status code 500"));
    assert_eq!(outcome(503, "busy"), retry(ServerError, "unexpected status code 503: busy"));
    assert_eq!(outcome(599, ""), retry(ServerError, "unexpected status code 599"));
    assert_eq!(outcome(429, "slow"), retry(RateLimited, "unexpected status code 429: slow"));
    assert_eq!(outcome(400, "bad"), refused(ClientError, "unexpected status code 400: bad"));
    assert_eq!(outcome(404, ""), refused(ClientError, "unexpected status code 404"));
    assert_eq!(outcome(401, ""), refused(AuthError, "unexpected status code 401"));
    assert_eq!(outcome(403, ""), refused(AuthError, "unexpected status code 403"));
    assert_eq!(outcome(302, ""), refused(Other, "unexpected status code 302"));
    assert_eq!(outcome(101, ""), refused(Other, "unexpected status code 101"));
    assert_eq!(outcome(600, ""), refused(Other, "unexpected status code 600"));
}

#[test]
fn retry_after_is_honoured() {
    let wait = Duration::from_secs(17);
    for status in [429, 503] {
        match check_response("test", Ok(response(status, Some(wait), b""))) {
            Err(Outcome::Retry { after, .. }) => assert_eq!(after, Some(wait)),
            other => panic!("{status}: {other:?}"),
        }
    }
}

#[test]
fn failures_without_an_answer_are_retried_unless_the_configuration_is_at_fault() {
    let check = |error: RequestError, expected: Outcome| {
        assert_eq!(check_response("test", Err(error)).expect_err("no answer"), expected);
    };
    let transport = "Post \"<redacted>\": connection refused";
    check(RequestError::Transport(transport.into()), retry(FailureReason::Other, transport));
    check(
        RequestError::TimedOut(Duration::from_millis(1500)),
        retry(
            FailureReason::Other,
            "context deadline exceeded: configured test timeout reached (1.5s)",
        ),
    );
    check(
        RequestError::DeadlinePassed,
        retry(FailureReason::ContextDeadlineExceeded, "context deadline exceeded"),
    );
    check(
        RequestError::Unusable("read url_file: no".into()),
        refused(FailureReason::Other, "read url_file: no"),
    );
}

#[test]
fn only_the_beginning_of_a_long_body_is_quoted() {
    let Outcome::Refused { detail, .. } = outcome(400, &"ä".repeat(EXCERPT_BYTES_MAX)) else {
        panic!("a 400 is refused");
    };
    assert!(detail.ends_with('…'), "{detail}");
    assert!(detail.len() < EXCERPT_BYTES_MAX + 64, "{}", detail.len());
}

#[test]
fn body_that_is_not_utf8_is_still_quoted() {
    let answer = Ok(response(400, None, b"\xff\xfe{"));
    let refused = check_response("test", answer).expect_err("a 400 is refused");
    assert!(format!("{refused:?}").contains("400: \u{fffd}\u{fffd}{"), "{refused:?}");
}

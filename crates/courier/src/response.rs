//! The response of a receiver, read within limits.
//!
//! Once the status is known the request counts as answered: a body that is endless, breaks off or
//! never comes is cut, and takes the connection with it, but does not turn an answer into a
//! failure. Otherwise a receiver that has accepted the message could be notified twice. For a caller
//! that needs the whole body there is [`read_all`].

use std::time::{Duration, SystemTime};

use bellwether_integrations::http::{RESPONSE_BODY_MAX_BYTES, RequestError, Response};
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, RETRY_AFTER};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use crate::error::transport;
use crate::transport::Answer;

/// Limit: how long a body is waited for after its status.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Limit: the longest wait that a receiver may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads the answer's body until `deadline` at the latest.
pub async fn read(answer: Answer, deadline: Instant) -> Response {
    let deadline = deadline.min(Instant::now() + BODY_TIMEOUT);
    let response = head(&answer);
    Response { body: body(answer, deadline).await, ..response }
}

/// Reads the answer with all of its body, which is an error to be cut.
pub async fn read_all(mut answer: Answer, body_max: usize) -> Result<Response, RequestError> {
    let response = head(&answer);
    let mut body = BytesMut::new();
    while let Some(frame) = answer.frame().await {
        let frame = frame.map_err(|_| transport("unexpected EOF"))?;
        body.extend_from_slice(&frame.into_data().unwrap_or_default());
        if body.len() > body_max {
            return Err(transport(format!("the answer is longer than {} MiB", body_max >> 20)));
        }
    }
    Ok(Response { body: body.freeze(), ..response })
}

fn head(answer: &Answer) -> Response {
    let text = |name| Some(answer.headers().get(name)?.to_str().ok()?.to_owned());
    Response {
        status: answer.status().as_u16(),
        content_type: text(CONTENT_TYPE),
        retry_after: retry_after(answer.headers(), SystemTime::now()),
        body: Bytes::new(),
    }
}

async fn body(mut answer: Answer, deadline: Instant) -> Bytes {
    let mut body = BytesMut::new();
    while body.len() < RESPONSE_BODY_MAX_BYTES {
        match timeout_at(deadline, answer.frame()).await {
            Ok(Some(Ok(frame))) => {
                // Trailers say nothing that is of use.
                let chunk = frame.into_data().unwrap_or_default();
                let room = RESPONSE_BODY_MAX_BYTES - body.len();
                body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            }
            Ok(Some(Err(_)) | None) | Err(_) => break,
        }
    }
    body.freeze()
}

/// Whole seconds, or a date by the receiver's clock, which its `Date` shows; anything else is as good
/// as nothing. White space around a field is not part of it, and gone by now.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok();
    let date = |text| httpdate::parse_http_date(text).ok();
    let retry_after = text(RETRY_AFTER)?;
    let wait = match retry_after.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let receivers_now = text(DATE).and_then(date).unwrap_or(now);
            date(retry_after)?.duration_since(receivers_now).unwrap_or_default()
        }
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use http::header::{DATE, HeaderMap, HeaderValue, RETRY_AFTER};

    use super::{RETRY_AFTER_MAX, retry_after};

    fn check(text: &str, expected: Option<Duration>) {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_700);
        let value = HeaderValue::from_str(text).expect("a header's text");
        let headers = HeaderMap::from_iter([(RETRY_AFTER, value)]);
        assert_eq!(retry_after(&headers, now), expected, "{text}");
    }

    #[test]
    fn a_wait_is_given_in_seconds_or_as_a_date() {
        check("0", Some(Duration::ZERO));
        check("120", Some(Duration::from_secs(120)));
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some(Duration::from_secs(77)));
        check("Sun, 06 Nov 1994 08:40:00 GMT", Some(Duration::ZERO));
    }

    #[test]
    fn a_date_is_read_by_the_receivers_clock() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_900_000_000);
        let wait = |date: &'static str| {
            let retry_after = HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT");
            let headers = [(RETRY_AFTER, retry_after), (DATE, HeaderValue::from_static(date))];
            super::retry_after(&HeaderMap::from_iter(headers), now)
        };
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:07 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(wait("yesterday"), Some(Duration::ZERO));
    }

    #[test]
    fn the_wait_is_that_of_the_go_alertmanager() {
        // 2026-11-30 03:00:00, a Monday.
        let arrival = SystemTime::UNIX_EPOCH + Duration::from_secs(1_796_007_600);
        for (asked, date, wait) in [
            ("5", None, 5),
            ("0", None, 0),
            ("-5", None, 0),
            ("1.5", None, 0),
            (" 5", None, 0),
            ("Mon, 30 Nov 2026 03:00:10 GMT", None, 10),
            ("Mon, 30 Nov 2026 03:00:10 GMT", Some("Mon, 30 Nov 2026 03:00:04 GMT"), 6),
            ("Monday, 30-Nov-26 03:00:10 GMT", None, 10),
            ("Mon Nov 30 03:00:10 2026", None, 10),
            ("Mon, 30 Nov 2026 02:59:00 GMT", None, 0),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(asked));
            if let Some(date) = date {
                headers.insert(DATE, HeaderValue::from_static(date));
            }
            let found = retry_after(&headers, arrival).unwrap_or_default();
            assert_eq!(found, Duration::from_secs(wait), "{asked} {date:?}");
        }
    }

    #[test]
    fn an_absurd_wait_is_cut_and_a_wrong_one_ignored() {
        check("18446744073709551615", Some(RETRY_AFTER_MAX));
        check("Fri, 31 Dec 9999 23:59:59 GMT", Some(RETRY_AFTER_MAX));
        check("18446744073709551616", None);
        check("-1", None);
        check("1.5", None);
        check("soon", None);
        check("", None);
        assert_eq!(retry_after(&HeaderMap::new(), SystemTime::now()), None);
    }
}

use http::HeaderMap;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue};

use super::{accepts_gzip, check_accept, check_content_type};
use crate::answer::ApiError;

fn headers(name: HeaderName, values: &[&'static str]) -> HeaderMap {
    let values = values.iter().map(|value| (name.clone(), HeaderValue::from_static(value)));
    values.collect()
}

fn code(result: Result<(), ApiError>) -> u16 {
    match result {
        Ok(()) => 200,
        Err(ApiError::Framework { code, .. }) => code,
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn only_json_is_read() {
    let cases: [(&[&'static str], u16); 12] = [
        (&[], 415),
        (&[""], 415),
        (&["text/plain"], 415),
        (&["*/*"], 415),
        (&["application/json"], 200),
        (&["application/JSON"], 200),
        (&["application/json; charset=utf-8"], 200),
        (&["application/json;"], 200),
        (&["application/json; x=\"y z\""], 200),
        (&["application/json; x"], 400),
        (&["foo bar"], 400),
        (&["application/json x"], 400),
    ];
    for (values, expected) in cases {
        let headers = headers(CONTENT_TYPE, values);
        assert_eq!(code(check_content_type(&headers)), expected, "{values:?}");
    }
}

#[test]
fn only_json_is_written() {
    let cases: [(&[&'static str], u16); 9] = [
        (&[], 200),
        (&[""], 406),
        (&["*/*"], 200),
        (&["text/html, application/json;q=0.5"], 200),
        (&["text/html", "application/*"], 200),
        (&["application/json;q=0"], 406),
        (&["application/json;q=x"], 406),
        (&["text/*"], 406),
        (&["garbage"], 406),
    ];
    for (values, expected) in cases {
        assert_eq!(code(check_accept(&headers(ACCEPT, values))), expected, "{values:?}");
    }
}

#[test]
fn gzip_is_used_if_the_client_accepts_it() {
    assert!(accepts_gzip(&headers(ACCEPT_ENCODING, &["br, gzip;q=0.1"])));
    assert!(!accepts_gzip(&headers(ACCEPT_ENCODING, &["gzip;q=0, br"])));
    assert!(!accepts_gzip(&HeaderMap::new()));
}

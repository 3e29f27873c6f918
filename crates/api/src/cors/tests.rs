use http::header::HeaderValue;

use super::are_allowed;

#[test]
fn unsorted_or_upper_case_header_names_are_refused() {
    let cases = [
        ("accept", true),
        ("accept,content-type", true),
        ("accept, x-requested-with", true),
        ("accept,", true),
        ("content-type, accept", false),
        ("accept,accept", false),
        ("accept,  content-type", false),
        ("Content-Type", false),
        ("authorization", false),
    ];
    for (names, expected) in cases {
        assert_eq!(are_allowed(&HeaderValue::from_static(names)), expected, "{names}");
    }
}

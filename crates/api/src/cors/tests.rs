use http::header::HeaderValue;

use super::are_allowed;

#[test]
fn header_names_come_sorted_and_in_lower_case_or_not_at_all() {
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

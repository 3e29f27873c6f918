use http::{Method, StatusCode};

use super::{ApiPath, Asked, Destination, PageKind, cleaned, resolve};

fn redirect(status: StatusCode, path: &str) -> Destination {
    Destination::Redirect { status, path: path.into() }
}

#[test]
fn paths_are_cleaned() {
    let cases = [
        ("", "/"),
        ("/", "/"),
        ("//", "/"),
        ("/a//b", "/a/b"),
        ("/a/./b/", "/a/b/"),
        ("/a/../b", "/b"),
        ("/../..", "/"),
        ("/a/..", "/"),
        ("a", "/a"),
    ];
    for (path, clean) in cases {
        assert_eq!(cleaned(path), clean, "{path}");
    }
}

#[test]
fn near_misses_are_redirected() {
    let moved = StatusCode::MOVED_PERMANENTLY;
    let temporary = StatusCode::TEMPORARY_REDIRECT;
    let cases = [
        (Method::GET, "/-/ready/", redirect(moved, "/-/ready")),
        (Method::HEAD, "/-/ready/", redirect(temporary, "/-/ready")),
        (Method::POST, "/-/Reload", redirect(temporary, "/-/reload")),
        (Method::GET, "/METRICS/", redirect(moved, "/metrics")),
        (Method::GET, "/debug", redirect(moved, "/debug/")),
        (Method::GET, "/-//ready", redirect(temporary, "/-/ready")),
        (Method::POST, "/api/v2", redirect(temporary, "/api/v2/")),
        (Method::GET, "/api/v1", redirect(temporary, "/api/v1/")),
        (Method::GET, "/api", redirect(temporary, "/api/")),
        (Method::GET, "/UI/", redirect(moved, "/ui/")),
        (Method::GET, "/-/reload/", Destination::NotFound),
        (Method::GET, "/API/v2/alerts", Destination::NotFound),
        (Method::GET, "/API/", Destination::NotFound),
        (Method::GET, "/api/v1/x", Destination::NotFound),
    ];
    for (method, path, expected) in cases {
        assert_eq!(resolve(&method, Asked::Other, path, "/"), expected, "{method} {path}");
    }
}

#[test]
fn all_paths_are_below_the_prefix() {
    let resolve = |path: &str| resolve(&Method::GET, Asked::Other, path, "/a/b");
    assert_eq!(resolve("/"), Destination::Root);
    assert_eq!(resolve("/a/b"), redirect(StatusCode::MOVED_PERMANENTLY, "/a/b/"));
    assert_eq!(resolve("/a/b/api/v2/x"), Destination::Api);
    assert_eq!(resolve("/api/v2/x"), Destination::NotFound);
    assert_eq!(resolve("/-/ready"), Destination::NotFound);
    assert_eq!(resolve("/a/bc"), Destination::NotFound);
    assert_eq!(resolve("/A/B/metrics"), redirect(StatusCode::MOVED_PERMANENTLY, "/a/b/metrics"));
    match resolve("/a/b/") {
        Destination::Page(page) => assert_eq!(page.kind, PageKind::Home),
        other => panic!("{other:?}"),
    }
}

#[test]
fn procedures_are_below_the_prefix_and_native_grpc_at_the_root() {
    let rpc = |path: &str| Destination::Rpc { path: path.into() };
    let cases = [
        (Asked::Other, "/p/api/", rpc("/")),
        (Asked::Other, "/p/api/v3/x", rpc("/v3/x")),
        (Asked::Other, "/p/api/v2x", rpc("/v2x")),
        (Asked::Other, "/p/api/a.B/C", rpc("/a.B/C")),
        (Asked::Other, "/a.B/C", Destination::NotFound),
        (Asked::Grpc, "/a.B/C", rpc("/a.B/C")),
        (Asked::Grpc, "/p/a.B/C", rpc("/p/a.B/C")),
        (Asked::Grpc, "/", rpc("/")),
        (Asked::Grpc, "/p/api/a.B/C", Destination::NotFound),
        (Asked::Grpc, "/p/api/v1/a.B/C", Destination::NotFound),
        (Asked::Grpc, "/p/api/v2/status", Destination::Api),
        (Asked::Grpc, "/p/api", redirect(StatusCode::TEMPORARY_REDIRECT, "/p/api/")),
        (Asked::Grpc, "//a", redirect(StatusCode::TEMPORARY_REDIRECT, "/a")),
    ];
    for (asked, path, expected) in cases {
        assert_eq!(resolve(&Method::POST, asked, path, "/p"), expected, "{asked:?} {path}");
    }
}

#[test]
fn api_paths_accept_a_final_slash_and_keep_ids_whole() {
    let parse = |path: &str| ApiPath::parse(path, "/");
    let silence = |id: &str| Some(ApiPath::Silence { id: id.into() });
    assert_eq!(parse("/api/v2/alerts/groups/"), Some(ApiPath::Groups));
    assert_eq!(parse("/api/v2/silence/a%2Fb"), silence("a/b"));
    assert_eq!(parse("/api/v2/silence/a/"), silence("a"));
    assert_eq!(parse("/api/v2/silence/a/b"), None);
    assert_eq!(parse("/api/v2/silence/"), None);
    assert_eq!(parse("/api/v2/"), None);
    assert_eq!(ApiPath::parse("/p/api/v2/status", "/p"), Some(ApiPath::Status));
}

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tower::ServiceExt as _;

use super::{Web, protect};
use crate::features::Features;
use crate::metrics::Metrics;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(web: &str) -> Self {
        let folder = Folder(tempfile::tempdir().unwrap());
        folder.write(web);
        folder
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("web.yml")
    }

    /// Puts another file in its place.
    fn write(&self, web: &str) {
        let other = self.0.path().join("other.yml");
        fs::write(&other, web).unwrap();
        fs::rename(&other, self.file()).unwrap();
    }

    fn open(&self) -> anyhow::Result<Arc<Web>> {
        Ok(Web::open(&self.file().display().to_string())?.unwrap())
    }

    /// An app that answers everything with its own header and `hello`.
    fn app(&self) -> Router {
        let app = Router::new().fallback(|| async { ([("x-xss-protection", "own")], "hello") });
        let metrics = Arc::new(Metrics::new(Features::default()));
        protect(app, self.open().unwrap(), metrics).unwrap()
    }
}

struct Answer {
    status: StatusCode,
    headers: BTreeMap<String, String>,
    body: String,
}

async fn ask(app: &Router, both: Option<&str>) -> Answer {
    let mut request = Request::get("/-/healthy");
    if let Some(both) = both {
        request = request.header("authorization", format!("Basic {}", STANDARD.encode(both)));
    }
    let request = request.body(Body::empty()).unwrap();
    let (parts, body) = app.clone().oneshot(request).await.unwrap().into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let text = |headers: &HeaderMap| {
        let named = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
            (name.to_string(), value.to_str().unwrap().to_owned())
        };
        headers.iter().map(named).collect()
    };
    let body = String::from_utf8(body.to_vec()).unwrap();
    Answer { status: parts.status, headers: text(&parts.headers), body }
}

fn users(password: &str) -> String {
    format!("basic_auth_users: {{alice: '{}'}}\n", bcrypt::hash(password, 4).unwrap())
}

#[tokio::test]
async fn all_paths_require_a_password_if_there_are_users() {
    let folder = Folder::new(&users("one"));
    let app = folder.app();
    let open = ask(&app, Some("alice:one")).await;
    assert_eq!((open.status, open.body.as_str()), (StatusCode::OK, "hello"));
    for both in [None, Some("alice:two"), Some("bob:one")] {
        let refused = ask(&app, both).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        assert_eq!(refused.body, "Unauthorized\n");
        assert_eq!(refused.headers["www-authenticate"], "Basic");
        assert_eq!(refused.headers["content-type"], "text/plain; charset=utf-8");
        assert_eq!(refused.headers["x-content-type-options"], "nosniff");
    }
}

#[tokio::test]
async fn headers_are_added_to_all_answers_but_replace_none() {
    let lines = "http_server_config:\n  headers: {X-Frame-Options: deny, X-XSS-Protection: '0'}\n";
    let folder = Folder::new(&format!("{}{lines}", users("one")));
    let app = folder.app();
    let refused = ask(&app, None).await;
    assert_eq!(
        (refused.status.as_u16(), refused.headers["x-frame-options"].as_str()),
        (401, "deny")
    );
    let open = ask(&app, Some("alice:one")).await;
    assert_eq!(open.headers["x-frame-options"], "deny");
    assert_eq!(open.headers["x-xss-protection"], "own");
}

#[tokio::test]
async fn more_requests_than_the_limit_are_refused() {
    let folder = Folder::new("rate_limit: {burst: 2, interval: 1h}\n");
    let app = folder.app();
    assert_eq!(ask(&app, None).await.status, StatusCode::OK);
    assert_eq!(ask(&app, None).await.status, StatusCode::OK);
    let refused = ask(&app, None).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.body, "Too Many Requests\n");
}

#[tokio::test]
async fn a_change_takes_effect_with_the_next_request_and_an_invalid_file_denies_access() {
    let folder = Folder::new(&users("one"));
    let app = folder.app();
    assert_eq!(ask(&app, Some("alice:one")).await.status, StatusCode::OK);
    folder.write(&users("two"));
    assert_eq!(ask(&app, Some("alice:one")).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(&app, Some("alice:two")).await.status, StatusCode::OK);
    folder.write("basic_auth_users: [");
    let broken = ask(&app, Some("alice:two")).await;
    assert_eq!(broken.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(broken.body, "Internal Server Error\n");
    folder.write("{}");
    assert_eq!(ask(&app, None).await.status, StatusCode::OK);
}

#[test]
fn an_invalid_file_is_reported_at_the_start() {
    let error = |web: &str| format!("{:#}", Folder::new(web).open().err().unwrap());
    let unknown = error("\ntls: {}");
    assert!(unknown.ends_with("web.yml: line 2: tls: field tls not found"), "{unknown}");
    let missing = error("tls_server_config: {cert_file: none.crt, key_file: none.key}");
    let expected = "web.yml: invalid TLS config: failed to read cert_file (";
    assert!(missing.contains(expected), "{missing}");
    let folder = Folder::new("");
    fs::remove_file(folder.file()).unwrap();
    assert!(format!("{:#}", folder.open().err().unwrap()).starts_with("open "));
    assert!(Web::open("").unwrap().is_none());
}

//! Each source of credentials, with one server on loopback in place of all AWS endpoints.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bellwether_integrations::aws::AwsCall;
use bellwether_integrations::http::{HttpConfig, RequestError, Response};
use bellwether_integrations::sns::config::SigV4;
use bellwether_model::Secret;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use super::call_in;
use super::environment::Environment;
use super::error::AwsError;
use crate::client::Client;
use crate::dials::Dials;
use crate::firewall::NetworkPolicy;
use crate::progress::Progress;
use crate::redactor::Redactor;

/// A server, an environment that leads to it, and the requests that it received.
struct FakeAws {
    base: String,
    variables: BTreeMap<String, String>,
    folder: tempfile::TempDir,
    received: Arc<Mutex<Vec<String>>>,
    client: Client,
    signer: SigV4,
}

/// The form that a service's own call has here.
const CALL: &str = "Action=Publish";

impl FakeAws {
    /// `answer` is given each request as text.
    async fn new(answer: fn(&str) -> (u16, String)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has ports");
        let base = format!("http://{}", listener.local_addr().expect("it is bound"));
        let received = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&received);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&log), answer));
            }
        });
        let folder = tempfile::tempdir().expect("a folder");
        let home = folder.path().display().to_string();
        let aws = FakeAws {
            variables: BTreeMap::new(),
            folder,
            received,
            client: Client::build(
                &HttpConfig::default(),
                &NetworkPolicy::default(),
                &Dials::default(),
            )
            .expect("a client"),
            signer: SigV4 { region: "eu-west-1".into(), ..SigV4::default() },
            base: base.clone(),
        };
        aws.with("HOME", &home).with("AWS_ENDPOINT_URL", &base)
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    fn signer(mut self, change: impl FnOnce(&mut SigV4)) -> Self {
        change(&mut self.signer);
        self
    }

    /// Writes a file and returns where it is.
    fn file(&self, name: &str, content: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
        std::fs::write(&path, content).expect("it can be written");
        path.display().to_string()
    }

    async fn call(&self) -> Result<Response, AwsError> {
        self.call_until(Instant::now() + Duration::from_secs(30)).await
    }

    async fn call_until(&self, deadline: Instant) -> Result<Response, AwsError> {
        let signer = Arc::new(self.signer.clone());
        let call = AwsCall { service: "sns", signer, endpoint: None, form: CALL.into() };
        let variables = |name: &str| self.variables.get(name).cloned();
        let environment = Environment(&variables);
        let redactor = Redactor::default();
        let progress = Progress::default();
        call_in(environment, &call, &self.client, &redactor, &progress, deadline).await
    }

    #[track_caller]
    fn received(&self) -> Vec<String> {
        self.received.lock().expect("nothing panics with it").clone()
    }

    /// The requests that were signed, by the first part of their key and the service.
    fn signed_by(&self) -> Vec<String> {
        let asked = self.received();
        let credential = |one: &String| {
            let (_, after) = one.split_once("Credential=")?;
            let (credential, _) = after.split_once(',')?;
            let parts: Vec<&str> = credential.split('/').collect();
            Some(format!("{} {} {}", parts[0], parts[2], parts[3]))
        };
        asked.iter().map(|one| credential(one).unwrap_or_else(|| "unsigned".to_owned())).collect()
    }
}

async fn serve(stream: TcpStream, log: Arc<Mutex<Vec<String>>>, answer: fn(&str) -> (u16, String)) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut text, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a number");
            }
            text.push_str(&line);
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.expect("a whole body");
        text.push_str(&String::from_utf8_lossy(&body));
        let (status, body) = answer(&text);
        log.lock().expect("nothing panics with it").push(text);
        let length = body.len();
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{body}");
        if stream.write_all(head.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// STS and the metadata services grant credentials; every other request gets an empty 200.
fn grant(asked: &str) -> (u16, String) {
    let sts = "<Credentials><AccessKeyId>STS</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
                <SessionToken>sts-token</SessionToken>\
                <Expiration>2999-01-01T00:00:00Z</Expiration></Credentials>";
    let json = r#"{"AccessKeyId":"META","SecretAccessKey":"s","Token":"meta-token","Expiration":"2999-01-01T00:00:00Z"}"#;
    let answer = match asked.split(' ').nth(1).unwrap_or_default() {
        _ if asked.contains("Action=AssumeRole") => sts,
        "/latest/api/token" => "imds-token",
        "/latest/meta-data/iam/security-credentials/" => "the-role\n",
        "/latest/meta-data/iam/security-credentials/the-role" | "/container" => json,
        _ => "",
    };
    (200, answer.to_owned())
}

#[tokio::test]
async fn configured_keys_come_first() {
    let aws = FakeAws::new(grant).await.with("AWS_ACCESS_KEY_ID", "ENV");
    let aws = aws.with("AWS_SECRET_ACCESS_KEY", "s").signer(|it| {
        it.access_key = "GIVEN".into();
        it.secret_key = Secret::new("s");
    });
    aws.call().await.expect("an answer");
    assert_eq!(aws.signed_by(), ["GIVEN eu-west-1 sns"]);
    assert!(aws.received()[0].ends_with(CALL), "{:?}", aws.received());
}

#[tokio::test]
async fn keys_and_region_are_read_from_the_environment() {
    let aws = FakeAws::new(grant).await.with("AWS_ACCESS_KEY_ID", "ENV");
    let aws = aws.with("AWS_SECRET_ACCESS_KEY", "s").with("AWS_SESSION_TOKEN", "tok");
    let aws = aws.with("AWS_REGION", "us-east-2").signer(|it| it.region.clear());
    aws.call().await.expect("an answer");
    assert_eq!(aws.signed_by(), ["ENV us-east-2 sns"]);
    let asked = aws.received()[0].to_lowercase();
    assert!(asked.contains("x-amz-security-token: tok"), "{asked}");
}

#[tokio::test]
async fn a_role_is_assumed_again_after_the_service_rejects_it() {
    let aws = FakeAws::new(|asked| match asked {
        _ if asked.contains("Action=AssumeRole") => grant(asked),
        _ if asked.contains("sts-token") => (403, String::new()),
        _ => (500, String::new()),
    });
    let aws = aws.await.signer(|it| {
        it.access_key = "GIVEN".into();
        it.secret_key = Secret::new("s");
        it.role_arn = "arn:role".into();
        it.external_id = "ex".into();
    });
    assert_eq!(aws.call().await.expect("an answer").status, 403);
    aws.call().await.expect("an answer");
    let calls = ["GIVEN eu-west-1 sts", "STS eu-west-1 sns"];
    assert_eq!(aws.signed_by(), [calls, calls].concat());
    let asked = &aws.received()[0];
    let form = "Action=AssumeRole&ExternalId=ex&RoleArn=arn%3Arole&RoleSessionName=bellwether&\
                Version=2011-06-15";
    assert!(asked.ends_with(form), "{asked}");
}

#[tokio::test]
async fn temporary_credentials_are_cached() {
    let aws = FakeAws::new(grant).await.signer(|it| {
        it.access_key = "GIVEN".into();
        it.secret_key = Secret::new("s");
        it.role_arn = "arn:role".into();
    });
    aws.call().await.expect("an answer");
    aws.call().await.expect("an answer");
    let expected = ["GIVEN eu-west-1 sts", "STS eu-west-1 sns", "STS eu-west-1 sns"];
    assert_eq!(aws.signed_by(), expected);
}

#[tokio::test]
async fn a_rejection_by_sts_is_returned() {
    let aws = FakeAws::new(|_| (403, "<Code>AccessDenied</Code>".into())).await.signer(|it| {
        it.access_key = "GIVEN".into();
        it.secret_key = Secret::new("s");
        it.role_arn = "arn:role".into();
    });
    match aws.call().await {
        Err(AwsError::Rejected(answer)) => assert_eq!(answer.status, 403),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn web_identity_requests_are_not_signed() {
    let aws = FakeAws::new(grant).await.with("AWS_ROLE_ARN", "arn:web");
    let token = aws.file("token", "jwt\n");
    let aws = aws.with("AWS_WEB_IDENTITY_TOKEN_FILE", &token);
    aws.call().await.expect("an answer");
    assert_eq!(aws.signed_by(), ["unsigned", "STS eu-west-1 sns"]);
    assert!(aws.received()[0].ends_with("WebIdentityToken=jwt"), "{:?}", aws.received());
}

#[tokio::test]
async fn source_profiles_are_followed() {
    let aws = FakeAws::new(grant).await.signer(|it| {
        it.profile = "team".into();
        it.region.clear();
    });
    aws.file(".aws/credentials", "[root]\naws_access_key_id = ROOT\naws_secret_access_key = s\n");
    aws.file(
        ".aws/config",
        "[profile team]\nregion = eu-north-1\nrole_arn = arn:two\nsource_profile = middle\n\
         [profile middle]\nrole_arn = arn:one\nsource_profile = root\n",
    );
    aws.call().await.expect("an answer");
    let expected = ["ROOT eu-north-1 sts", "STS eu-north-1 sts", "STS eu-north-1 sns"];
    assert_eq!(aws.signed_by(), expected);
    let roles: Vec<bool> =
        ["one", "two"].iter().zip(aws.received()).map(|(it, asked)| asked.contains(it)).collect();
    assert_eq!(roles, [true, true]);
}

#[tokio::test]
async fn container_credentials_are_requested_with_the_token() {
    let aws = FakeAws::new(grant).await;
    let token = aws.file("authorization", "secret-token\n");
    let url = format!("{}/container", aws.base);
    let aws = aws.with("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url);
    let aws = aws.with("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &token);
    aws.call().await.expect("an answer");
    assert_eq!(aws.signed_by(), ["unsigned", "META eu-west-1 sns"]);
    let asked = aws.received()[0].to_lowercase();
    assert!(asked.contains("authorization: secret-token"), "{asked}");
}

#[tokio::test]
async fn the_instance_is_the_last_source() {
    let aws = FakeAws::new(grant).await;
    let base = aws.base.clone();
    let aws = aws.with("AWS_EC2_METADATA_SERVICE_ENDPOINT", &base);
    aws.call().await.expect("an answer");
    let expected = ["unsigned", "unsigned", "unsigned", "META eu-west-1 sns"];
    assert_eq!(aws.signed_by(), expected);
    let asked = aws.received();
    assert!(asked[0].starts_with("PUT "), "{asked:?}");
    assert!(asked[2].to_lowercase().contains("token: imds-token"), "{asked:?}");
}

#[tokio::test]
async fn errors_name_what_is_missing() {
    let aws = FakeAws::new(grant).await.with("AWS_EC2_METADATA_DISABLED", "true");
    let text = failure_of(aws.call().await);
    assert!(text.starts_with("no AWS credentials: neither in"), "{text}");
    let aws = aws.signer(|it| it.profile = "missing".into());
    assert_eq!(failure_of(aws.call().await), "there is no AWS profile missing");
    let aws = aws.signer(|it| it.region.clear());
    assert!(failure_of(aws.call().await).starts_with("region not configured in sns.sigv4.region"));
    assert_eq!(aws.received(), Vec::<String>::new());
}

/// The portal of IAM Identity Center grants credentials for the token `sso-token`.
fn sso_portal(request: &str) -> (u16, String) {
    let path = "GET /federation/credentials?account_id=123456789012&role_name=Pager HTTP/1.1";
    if !request.starts_with(path) {
        return grant(request);
    }
    if !request.to_lowercase().contains("x-amz-sso_bearer_token: sso-token") {
        return (401, r#"{"message":"Session token not found or invalid"}"#.to_owned());
    }
    let expiration = 32_472_144_000_000_i64;
    let body = format!(
        r#"{{"roleCredentials":{{"accessKeyId":"SSO","secretAccessKey":"s","sessionToken":"t","expiration":{expiration}}}}}"#
    );
    (200, body)
}

/// SHA-1 of `corp`, the name of the session.
const SESSION_TOKEN_FILE: &str = ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";
/// SHA-1 of `https://corp.example/start`.
const START_URL_TOKEN_FILE: &str = ".aws/sso/cache/f7c9b39d0b4c7a7d82c79307585f77e1c5e74378.json";

const SSO_SESSION_PROFILE: &str = "[default]\nsso_session = corp\nsso_account_id = 123456789012\n\
    sso_role_name = Pager\n[sso-session corp]\nsso_region = us-east-1\n\
    sso_start_url = https://corp.example/start\n";

fn token(text: &str, expires_at: &str) -> String {
    format!(r#"{{"accessToken":"{text}","expiresAt":"{expires_at}"}}"#)
}

#[tokio::test]
async fn a_profile_may_use_an_sso_session() {
    let aws = FakeAws::new(sso_portal).await;
    aws.file(".aws/config", SSO_SESSION_PROFILE);
    aws.file(SESSION_TOKEN_FILE, &token("sso-token", "2999-01-01T00:00:00Z"));
    aws.call().await.expect("a response");
    aws.call().await.expect("a response");
    assert_eq!(aws.signed_by(), ["unsigned", "SSO eu-west-1 sns", "SSO eu-west-1 sns"]);
}

#[tokio::test]
async fn a_profile_may_name_the_sso_portal_itself() {
    let aws = FakeAws::new(sso_portal).await;
    aws.file(
        ".aws/config",
        "[default]\nsso_start_url = https://corp.example/start\nsso_region = us-east-1\n\
         sso_account_id = 123456789012\nsso_role_name = Pager\n",
    );
    aws.file(START_URL_TOKEN_FILE, &token("sso-token", "2999-01-01T00:00:00UTC"));
    aws.call().await.expect("a response");
    assert_eq!(aws.signed_by(), ["unsigned", "SSO eu-west-1 sns"]);
}

#[tokio::test]
async fn a_role_may_be_assumed_with_sso_credentials() {
    let aws = FakeAws::new(sso_portal).await.signer(|it| it.profile = "team".into());
    let team = "[profile team]\nrole_arn = arn:role\nsource_profile = default\n";
    aws.file(".aws/config", &format!("{team}{SSO_SESSION_PROFILE}"));
    aws.file(SESSION_TOKEN_FILE, &token("sso-token", "2999-01-01T00:00:00Z"));
    aws.call().await.expect("a response");
    assert_eq!(aws.signed_by(), ["unsigned", "SSO eu-west-1 sts", "STS eu-west-1 sns"]);
}

/// The text of the failure that `result` must be.
#[track_caller]
fn failure_of(result: Result<Response, AwsError>) -> String {
    match result {
        Err(AwsError::Failed(RequestError::Transport(text))) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_unusable_sso_token_fails_with_advice() {
    let aws = FakeAws::new(sso_portal).await;
    aws.file(".aws/config", SSO_SESSION_PROFILE);
    let invalid = "the AWS SSO session has expired or is invalid: ";
    let text = failure_of(aws.call().await);
    assert!(text.starts_with(invalid), "{text}");
    assert!(
        text.ends_with("No such file or directory (os error 2); run `aws sso login`"),
        "{text}"
    );

    for (content, reason) in [
        ("", "no accessToken"),
        (r#"{"accessToken":"sso-token"}"#, "no expiresAt"),
        (&*token("sso-token", "2020-06-17T10:02:08UTC"), "the token has expired"),
    ] {
        aws.file(SESSION_TOKEN_FILE, content);
        let text = failure_of(aws.call().await);
        assert!(text.starts_with(invalid), "{text}");
        assert!(text.ends_with(&format!(".json: {reason}; run `aws sso login`")), "{text}");
    }
    assert_eq!(aws.received(), Vec::<String>::new());

    aws.file(SESSION_TOKEN_FILE, &token("revoked", "2999-01-01T00:00:00Z"));
    assert_eq!(
        failure_of(aws.call().await),
        "AWS SSO GetRoleCredentials: status 401: Session token not found or invalid; \
         run `aws sso login`"
    );
}

#[tokio::test]
async fn incomplete_sso_profiles_name_what_is_missing() {
    let aws = FakeAws::new(sso_portal).await;
    aws.file(".aws/config", "[default]\nsso_session = corp\n");
    assert_eq!(failure_of(aws.call().await), "there is no AWS sso-session corp");
    let portal = "[sso-session corp]\nsso_region = r\nsso_start_url = s\n";
    aws.file(".aws/config", &format!("[default]\nsso_session = corp\n{portal}"));
    assert_eq!(
        failure_of(aws.call().await),
        "sso_account_id is missing in an AWS profile with SSO"
    );
}

impl FakeAws {
    /// Makes the default profile run a shell script, and returns where the script counts its runs.
    fn credential_process(&self, script: &str) -> std::path::PathBuf {
        let runs = self.folder.path().join("runs");
        let script = format!("echo run >> '{}'\n{script}\n", runs.display());
        let script = self.file("my helper.sh", &script);
        let process = format!("[default]\ncredential_process = sh \"{script}\" --role pager\n");
        self.file(".aws/config", &process);
        runs
    }
}

fn lines(path: &std::path::Path) -> usize {
    std::fs::read_to_string(path).expect("it is there").lines().count()
}

#[tokio::test]
async fn credential_process_prints_credentials_with_an_expiry() {
    let aws = FakeAws::new(grant).await;
    let runs = aws.credential_process(
        r#"echo "{\"Version\":1,\"AccessKeyId\":\"$1$2\",\"SecretAccessKey\":\"s\","
           echo '"SessionToken":"process-token","Expiration":"2999-01-01T00:00:00Z"}'"#,
    );
    aws.call().await.expect("a response");
    aws.call().await.expect("a response");
    let expected = ["--rolepager eu-west-1 sns", "--rolepager eu-west-1 sns"];
    assert_eq!(aws.signed_by(), expected);
    assert!(aws.received()[0].to_lowercase().contains("x-amz-security-token: process-token"));
    assert_eq!(lines(&runs), 1);
}

#[tokio::test]
async fn credential_process_runs_again_when_its_credentials_have_expired() {
    let aws = FakeAws::new(grant).await;
    let runs = aws.credential_process(
        r#"echo '{"Version":1,"AccessKeyId":"P","SecretAccessKey":"s",
                  "Expiration":"2020-01-01T00:00:00Z"}'"#,
    );
    aws.call().await.expect("a response");
    aws.call().await.expect("a response");
    assert_eq!(lines(&runs), 2);
}

#[tokio::test]
async fn credentials_without_an_expiry_are_kept_until_they_are_rejected() {
    let aws = FakeAws::new(|request| {
        (if request.contains("/us-east-1/") { 403 } else { 200 }, String::new())
    });
    let mut aws = aws.await;
    let runs =
        aws.credential_process(r#"echo '{"Version":1,"AccessKeyId":"P","SecretAccessKey":"s"}'"#);
    aws.call().await.expect("a response");
    aws.call().await.expect("a response");
    assert_eq!(lines(&runs), 1);
    aws.signer.region = "us-east-1".into();
    assert_eq!(aws.call().await.expect("a response").status, 403);
    aws.call().await.expect("a response");
    assert_eq!(lines(&runs), 2);
}

#[tokio::test]
async fn a_failing_credential_process_is_named_without_its_output() {
    let aws = FakeAws::new(grant).await;
    for (script, reason) in [
        ("echo MARKER; exit 3", "exit status: 3"),
        ("echo MARKER", "the output is not JSON"),
        (r#"echo '{"Version":2}'"#, "wrong version in process output (not 1)"),
        (r#"echo '{"Version":1}'"#, "missing AccessKeyId in process output"),
        (
            r#"echo '{"Version":1,"AccessKeyId":"MARKER"}'"#,
            "missing SecretAccessKey in process output",
        ),
        (
            r#"echo '{"Version":1,"AccessKeyId":"a","SecretAccessKey":"s","Expiration":"MARKER"}'"#,
            "invalid Expiration in process output",
        ),
        ("while :; do echo MARKER; done", "more than 8192 bytes of output"),
    ] {
        aws.credential_process(script);
        let text = failure_of(aws.call().await);
        assert_eq!(text, format!("error in credential_process: {reason}"));
    }
    assert_eq!(aws.received(), Vec::<String>::new());
}

#[tokio::test]
async fn a_credential_process_that_hangs_is_killed_at_the_deadline() {
    let aws = FakeAws::new(grant).await;
    aws.credential_process(r#"mkfifo "$0.fifo"; read line < "$0.fifo""#);
    let result = aws.call_until(Instant::now() + Duration::from_millis(300)).await;
    assert_eq!(failure_of(result), "error in credential_process: the process timed out");
}

//! Each place where credentials may be, played by a server on loopback that is all of Amazon.

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

use super::{Stop, made};
use crate::client::Client;
use crate::redactor::Redactor;

/// A server, the environment that leads to it, and what it was asked.
struct World {
    base: String,
    variables: BTreeMap<String, String>,
    folder: tempfile::TempDir,
    asked: Arc<Mutex<Vec<String>>>,
    client: Client,
    signer: SigV4,
}

/// The form that a service's own call has here.
const CALL: &str = "Action=Publish";

impl World {
    /// `answer` is given each request as text.
    async fn new(answer: fn(&str) -> (u16, String)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has ports");
        let base = format!("http://{}", listener.local_addr().expect("it is bound"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&log), answer));
            }
        });
        let folder = tempfile::tempdir().expect("a folder");
        let home = folder.path().display().to_string();
        let world = World {
            variables: BTreeMap::new(),
            folder,
            asked,
            client: Client::build(&HttpConfig::default()).expect("a client"),
            signer: SigV4 { region: "eu-west-1".into(), ..SigV4::default() },
            base: base.clone(),
        };
        world.with("HOME", &home).with("AWS_ENDPOINT_URL", &base)
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

    async fn call(&self) -> Result<Response, Stop> {
        let signer = Arc::new(self.signer.clone());
        let call = AwsCall { service: "sns", signer, endpoint: None, form: CALL.into() };
        let variables = |name: &str| self.variables.get(name).cloned();
        let redactor = Redactor::default();
        let deadline = Instant::now() + Duration::from_secs(30);
        made(&call, &self.client, &variables, &redactor, deadline).await
    }

    #[track_caller]
    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("nothing panics with it").clone()
    }

    /// The requests that were signed, by the first part of their key and the service.
    fn signed_by(&self) -> Vec<String> {
        let asked = self.asked();
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
        let (status, said) = answer(&text);
        log.lock().expect("nothing panics with it").push(text);
        let length = said.len();
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{said}");
        if stream.write_all(head.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The token service lends, all else is content.
fn lends(asked: &str) -> (u16, String) {
    let lent = "<Credentials><AccessKeyId>LENT</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
                <SessionToken>lent-token</SessionToken>\
                <Expiration>2999-01-01T00:00:00Z</Expiration></Credentials>";
    let json = r#"{"AccessKeyId":"NEAR","SecretAccessKey":"s","Token":"near-token","Expiration":"2999-01-01T00:00:00Z"}"#;
    let answer = match asked.split(' ').nth(1).unwrap_or_default() {
        _ if asked.contains("Action=AssumeRole") => lent,
        "/latest/api/token" => "imds-token",
        "/latest/meta-data/iam/security-credentials/" => "the-role\n",
        "/latest/meta-data/iam/security-credentials/the-role" | "/container" => json,
        _ => "",
    };
    (200, answer.to_owned())
}

#[tokio::test]
async fn keys_of_the_configuration_come_first() {
    let world = World::new(lends).await.with("AWS_ACCESS_KEY_ID", "ENV");
    let world = world.with("AWS_SECRET_ACCESS_KEY", "s").signer(|it| {
        it.access_key = "GIVEN".into();
        it.secret_key = Secret::new("s");
    });
    world.call().await.expect("an answer");
    assert_eq!(world.signed_by(), ["GIVEN eu-west-1 sns"]);
    assert!(world.asked()[0].ends_with(CALL), "{:?}", world.asked());
}

#[tokio::test]
async fn keys_and_region_may_be_in_the_environment() {
    let world = World::new(lends).await.with("AWS_ACCESS_KEY_ID", "ENV");
    let world = world.with("AWS_SECRET_ACCESS_KEY", "s").with("AWS_SESSION_TOKEN", "tok");
    let world = world.with("AWS_REGION", "us-east-2").signer(|it| it.region.clear());
    world.call().await.expect("an answer");
    assert_eq!(world.signed_by(), ["ENV us-east-2 sns"]);
    let asked = world.asked()[0].to_lowercase();
    assert!(asked.contains("x-amz-security-token: tok"), "{asked}");
}

#[tokio::test]
async fn a_role_is_borrowed_once_until_the_service_refuses_it() {
    let world = World::new(|asked| match asked {
        _ if asked.contains("Action=AssumeRole") => lends(asked),
        _ if asked.contains("lent-token") => (403, String::new()),
        _ => (500, String::new()),
    });
    let world = world.await.signer(|it| {
        it.access_key = "GIVEN".into();
        it.secret_key = Secret::new("s");
        it.role_arn = "arn:role".into();
        it.external_id = "ex".into();
    });
    assert_eq!(world.call().await.expect("an answer").status, 403);
    world.call().await.expect("an answer");
    let lent = ["GIVEN eu-west-1 sts", "LENT eu-west-1 sns"];
    assert_eq!(world.signed_by(), [lent, lent].concat());
    let asked = &world.asked()[0];
    let form = "Action=AssumeRole&ExternalId=ex&RoleArn=arn%3Arole&RoleSessionName=bellwether&\
                Version=2011-06-15";
    assert!(asked.ends_with(form), "{asked}");
}

#[tokio::test]
async fn what_is_lent_is_kept() {
    let world = World::new(lends).await.signer(|it| {
        it.access_key = "GIVEN".into();
        it.secret_key = Secret::new("s");
        it.role_arn = "arn:role".into();
    });
    world.call().await.expect("an answer");
    world.call().await.expect("an answer");
    let expected = ["GIVEN eu-west-1 sts", "LENT eu-west-1 sns", "LENT eu-west-1 sns"];
    assert_eq!(world.signed_by(), expected);
}

#[tokio::test]
async fn a_refusal_by_the_token_service_is_the_answer() {
    let world = World::new(|_| (403, "<Code>AccessDenied</Code>".into())).await.signer(|it| {
        it.access_key = "GIVEN".into();
        it.secret_key = Secret::new("s");
        it.role_arn = "arn:role".into();
    });
    match world.call().await {
        Err(Stop::Answered(answer)) => assert_eq!(answer.status, 403),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_web_identity_needs_no_signature() {
    let world = World::new(lends).await.with("AWS_ROLE_ARN", "arn:web");
    let token = world.file("token", "jwt\n");
    let world = world.with("AWS_WEB_IDENTITY_TOKEN_FILE", &token);
    world.call().await.expect("an answer");
    assert_eq!(world.signed_by(), ["unsigned", "LENT eu-west-1 sns"]);
    assert!(world.asked()[0].ends_with("WebIdentityToken=jwt"), "{:?}", world.asked());
}

#[tokio::test]
async fn profiles_lend_to_each_other() {
    let world = World::new(lends).await.signer(|it| {
        it.profile = "team".into();
        it.region.clear();
    });
    world.file(".aws/credentials", "[root]\naws_access_key_id = ROOT\naws_secret_access_key = s\n");
    world.file(
        ".aws/config",
        "[profile team]\nregion = eu-north-1\nrole_arn = arn:two\nsource_profile = middle\n\
         [profile middle]\nrole_arn = arn:one\nsource_profile = root\n",
    );
    world.call().await.expect("an answer");
    let expected = ["ROOT eu-north-1 sts", "LENT eu-north-1 sts", "LENT eu-north-1 sns"];
    assert_eq!(world.signed_by(), expected);
    let roles: Vec<bool> =
        ["one", "two"].iter().zip(world.asked()).map(|(it, asked)| asked.contains(it)).collect();
    assert_eq!(roles, [true, true]);
}

#[tokio::test]
async fn the_container_is_asked_with_its_token() {
    let world = World::new(lends).await;
    let token = world.file("authorization", "secret-token\n");
    let url = format!("{}/container", world.base);
    let world = world.with("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url);
    let world = world.with("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &token);
    world.call().await.expect("an answer");
    assert_eq!(world.signed_by(), ["unsigned", "NEAR eu-west-1 sns"]);
    let asked = world.asked()[0].to_lowercase();
    assert!(asked.contains("authorization: secret-token"), "{asked}");
}

#[tokio::test]
async fn the_machine_is_asked_last() {
    let world = World::new(lends).await;
    let base = world.base.clone();
    let world = world.with("AWS_EC2_METADATA_SERVICE_ENDPOINT", &base);
    world.call().await.expect("an answer");
    let expected = ["unsigned", "unsigned", "unsigned", "NEAR eu-west-1 sns"];
    assert_eq!(world.signed_by(), expected);
    let asked = world.asked();
    assert!(asked[0].starts_with("PUT "), "{asked:?}");
    assert!(asked[2].to_lowercase().contains("token: imds-token"), "{asked:?}");
}

#[tokio::test]
async fn what_is_missing_is_said() {
    let said = |stop: Result<Response, Stop>| match stop {
        Err(Stop::Failed(RequestError::Transport(text))) => text,
        other => panic!("{other:?}"),
    };
    let world = World::new(lends).await.with("AWS_EC2_METADATA_DISABLED", "true");
    let text = said(world.call().await);
    assert!(text.starts_with("no AWS credentials: neither in"), "{text}");
    let world = world.signer(|it| it.profile = "missing".into());
    assert_eq!(said(world.call().await), "there is no AWS profile missing");
    let world = world.signer(|it| it.region.clear());
    assert!(said(world.call().await).starts_with("region not configured in sns.sigv4.region"));
    assert_eq!(world.asked(), Vec::<String>::new());
}

//! Amazon SNS without Amazon: what both programs send, and that an emulator accepts it.
//!
//! The forms of Debian's Go server (0.25) and ours must hold the same fields. Then ours publishes
//! to moto, an emulator of AWS, with temporary credentials of a role, and what moto passes on to a
//! subscriber must be what the template renders. moto comes from PyPI; where that cannot be reached,
//! `make test` prints that, and this test is skipped.

use std::path::Path;
use std::process::Command;

use bellwether_e2e::http::Client;
use bellwether_e2e::{Answer, Process, Program, Request, Setup, Sink};
use serde_json::{Value, json};

use bellwether_e2e::fixtures::{at, text};

const SETTINGS: &str = r#"
    subject: 'ü {{ .Status }} {{ .CommonLabels.alertname }}'
    message: '{{ range .Alerts }}{{ .Labels.host }}: {{ .Annotations.summary }}.{{ end }} ~*!&'
    attributes: {severity: '{{ .CommonLabels.severity }}', '{{ .Status }}': 'a b'}
"#;
const MESSAGE: &str = "a: <b>full</b> & ü 🐑.b: line\nline. ~*!&";

#[test]
fn both_programs_fill_in_the_same_form() {
    let targets = [
        "topic_arn: 'arn:aws:sns:eu-west-1:123456789012:{{ .CommonLabels.alertname }}'",
        "target_arn: 'arn:aws:sns:eu-west-1:123456789012:endpoint/x'",
        "phone_number: '+4930{{ len .Alerts }}'",
    ];
    for target in targets {
        let [ours, go] = [Program::Bellwether, Program::Go].map(|program| form_of(program, target));
        assert_eq!(ours, go, "{target}");
    }
}

/// The fields of the form, decoded and sorted, and who signed it for what.
fn form_of(program: Program, target: &str) -> (Vec<String>, String) {
    let sink = Sink::start();
    sink.answer(|_| Answer::Text(PUBLISHED.to_owned()));
    let settings = format!("api_url: {}\n    {target}{SETTINGS}", sink.url("/"));
    let setup = Setup::new(program, &config(&settings, "access_key: AKID, secret_key: secret, "));
    let mut server = setup.start();
    server.post_alerts(&alerts());
    let request = sink.wait_for("call", |requests| requests.first().cloned());
    let form = request.text();
    let mut fields: Vec<String> = form.split('&').map(decoded).collect();
    fields.sort();
    (fields, credential(&request))
}

const PUBLISHED: &str = "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult>\
                         </PublishResponse>";

/// Without the day.
fn credential(request: &Request) -> String {
    let authorization = request.header("authorization").expect("it is signed");
    let credential = authorization.split(['=', ',']).nth(1).expect("a credential");
    let parts: Vec<&str> = credential.split('/').collect();
    format!("{} {} {} {}", parts[0], parts[2], parts[3], parts[4])
}

fn decoded(field: &str) -> String {
    let (mut out, mut bytes) = (Vec::new(), field.bytes());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [bytes.next(), bytes.next()].map(|it| it.expect("two digits"));
                let digits = std::str::from_utf8(&digits).expect("digits");
                u8::from_str_radix(digits, 16).expect("hexadecimal digits")
            }
            byte => byte,
        });
    }
    String::from_utf8(out).expect("texts are UTF-8")
}

#[test]
fn a_subscriber_gets_what_was_published_with_a_role() {
    let Some(moto) = Moto::start() else { return };
    let sink = Sink::start();
    let topic = moto.call("sns", "Action=CreateTopic&Name=pages", "TopicArn");
    let to = sink.url("/").replace(':', "%3A").replace('/', "%2F");
    let subscription = format!("Action=Subscribe&Protocol=http&TopicArn={topic}&Endpoint={to}");
    moto.call("sns", &subscription, "SubscriptionArn");

    let role = "role_arn: 'arn:aws:iam::123456789012:role/pager', external_id: x, ";
    let environment = [
        "env",
        &format!("AWS_ENDPOINT_URL={}", moto.url),
        "AWS_ACCESS_KEY_ID=AKID",
        "AWS_SECRET_ACCESS_KEY=secret",
    ];
    let settings = format!("topic_arn: '{topic}'{SETTINGS}");
    let setup = Setup::ours(&config(&settings, role)).wrapped(&environment);
    let mut server = setup.start();
    server.post_alerts(&alerts());
    let published = sink.wait_for("what was published", |requests| {
        let bodies = requests.iter().filter_map(|it| serde_json::from_slice(&it.body).ok());
        bodies.into_iter().find(|body: &Value| body["Type"] == "Notification")
    });
    assert_eq!(text(&published["Message"]), MESSAGE);
    assert_eq!(text(&published["Subject"]), "ü firing Disk");
}

/// An emulator of AWS.
struct Moto {
    _process: Process,
    url: String,
}

impl Moto {
    /// `None` if PyPI could not be reached when the tests were set up.
    fn start() -> Option<Self> {
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
        let program = target.join("moto/bin/moto_server");
        if !program.is_file() {
            let unreachable = target.join("moto-unreachable").is_file();
            assert!(unreachable, "{} is missing (make test installs it)", program.display());
            eprintln!("skipped: PyPI could not be reached, so there is no emulator of AWS");
            return None;
        }
        let mut command = Command::new(program);
        let process = Process::start("moto", command.args(["-H", "127.0.0.1", "-p", "0"]));
        let url = process.wait_for_line("where it listens", |line| {
            line.split_once("Running on ").map(|(_, url)| url.trim().to_owned())
        });
        Some(Moto { _process: process, url })
    }

    /// Calls a service; the text of one element of its answer.
    fn call(&self, service: &str, form: &str, element: &str) -> String {
        let address = self.url.trim_start_matches("http://").parse().expect("an address");
        let signer = format!("Credential=a/20260101/eu-west-1/{service}/aws4_request");
        let authorization = format!("AWS4-HMAC-SHA256 {signer}, SignedHeaders=host, Signature=0");
        let headers = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Authorization", authorization.as_str()),
        ];
        let answer = Client::new(address).request("POST", "/", &headers, form.as_bytes());
        let answer = answer.expect("moto answers").text();
        let found = answer.split_once(&format!("<{element}>"));
        let found = found.and_then(|(_, rest)| rest.split_once("</"));
        found.unwrap_or_else(|| panic!("no {element} in {answer}")).0.to_owned()
    }
}

fn config(settings: &str, signer: &str) -> String {
    format!(
        "route: {{receiver: team, group_by: [alertname], group_wait: 100ms}}\nreceivers:\n\
         - name: team\n  sns_configs:\n  - sigv4: {{{signer}region: eu-west-1}}\n    {settings}"
    )
}

fn alerts() -> Value {
    let alert = |host: &str, summary: &str| {
        json!({
            "labels": {"alertname": "Disk", "host": host, "severity": "critical"},
            "annotations": {"summary": summary},
            "startsAt": at(0), "endsAt": at(3600),
        })
    };
    json!([alert("a", "<b>full</b> & ü 🐑"), alert("b", "line\nline")])
}

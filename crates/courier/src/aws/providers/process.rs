//! `credential_process`: a program that prints credentials as JSON.
//!
//! As in Amazon's SDK for Go the command is run by `sh -c`, with the server's environment and
//! standard error, and its output is limited in size and time.

use std::process::Stdio;
use std::time::Duration;

use bellwether_model::{Secret, Timestamp};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use tokio::time::{Instant, timeout_at};

use crate::aws::context::CallContext;
use crate::aws::credentials::{AwsCredentials, Validity};
use crate::aws::error::{AwsError, failed};

/// Limit: how long the program may run.
const PROCESS_TIMEOUT: Duration = Duration::from_secs(60);
/// Limit: bytes of its output.
const OUTPUT_MAX_BYTES: usize = 8 * 1024;

/// The credentials that `command` prints.
pub async fn credentials(
    context: &CallContext<'_>,
    command: &str,
) -> Result<AwsCredentials, AwsError> {
    let deadline = context.deadline.min(Instant::now() + PROCESS_TIMEOUT);
    let output = timeout_at(deadline, run(command)).await;
    let output = output.unwrap_or_else(|_| Err("the process timed out".to_owned()));
    output
        .and_then(|output| parse(output.reveal()))
        .map_err(|reason| failed(format!("error in credential_process: {reason}")))
}

/// Runs the command; its output is secret. If this is dropped, the command is killed, together
/// with the processes that it has started.
async fn run(command: &str) -> Result<Secret, String> {
    let mut child = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| format!("cannot run sh: {error}"))?;
    let mut group = ProcessGroup(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)));
    let mut output = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        let mut stdout = stdout.take(OUTPUT_MAX_BYTES as u64 + 1);
        stdout.read_to_end(&mut output).await.map_err(|error| error.to_string())?;
    }
    if output.len() > OUTPUT_MAX_BYTES {
        return Err(format!("more than {OUTPUT_MAX_BYTES} bytes of output"));
    }
    let status = child.wait().await.map_err(|error| error.to_string())?;
    group.0 = None;
    if !status.success() {
        return Err(status.to_string());
    }
    Ok(Secret::new(String::from_utf8_lossy(&output)))
}

/// The processes of a command; killed on drop.
///
/// **Invariant:** `None` once the command's own process was waited for, since its id may be another
/// process's then.
struct ProcessGroup(Option<Pid>);

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if let Some(id) = self.0 {
            // An error means that all of them have ended.
            let _ = kill_process_group(id, Signal::KILL);
        }
    }
}

/// Errors name fields and show no value.
fn parse(output: &str) -> Result<AwsCredentials, String> {
    let fields: Value =
        serde_json::from_str(output).map_err(|_| "the output is not JSON".to_owned())?;
    if fields["Version"] != 1 {
        return Err("wrong version in process output (not 1)".to_owned());
    }
    let text = |name: &str| fields[name].as_str().filter(|text| !text.is_empty());
    let missing = |name: &str| format!("missing {name} in process output");
    let validity = match text("Expiration").map(Timestamp::parse_rfc3339) {
        None => Validity::UntilRejected,
        Some(Some(expiry)) => Validity::Until(expiry),
        Some(None) => return Err("invalid Expiration in process output".to_owned()),
    };
    Ok(AwsCredentials {
        access_key_id: text("AccessKeyId").ok_or_else(|| missing("AccessKeyId"))?.to_owned(),
        secret_access_key: Secret::new(
            text("SecretAccessKey").ok_or_else(|| missing("SecretAccessKey"))?,
        ),
        session_token: Secret::new(text("SessionToken").unwrap_or_default()),
        validity,
    })
}

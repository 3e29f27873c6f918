//! Authentication with a mail server.
//!
//! In: the configured account, and the mechanisms that the server offers. The first of these that
//! the account has the means for is used, in the server's order. Out: the server's acceptance.
//!
//! A server that offers no authentication gets the mail without, as it always was.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bellwether_integrations::SecretSource;
use bellwether_integrations::mail::MailAccount;
use bellwether_model::Secret;
use bellwether_model::hex::hex;
use hmac::{Hmac, Mac as _};
use md5::Md5;

use super::connection::Reply;
use super::session::SmtpSession;
use crate::firewall::PlaintextAuth;
use crate::redactor::Redactor;

/// Limit: challenges of one authentication; the longest mechanism has two.
const CHALLENGES_MAX: usize = 4;

/// One way to authenticate, with its secret.
enum Mechanism {
    CramMd5(Secret),
    Plain(Secret),
    Login(Secret),
}

/// Authenticates with the server called `host`, if it offers that.
pub async fn authenticate(
    account: &MailAccount,
    session: &mut SmtpSession,
    host: &str,
    in_clear: PlaintextAuth,
    redactor: &Redactor,
) -> Result<(), String> {
    let Some(offered) = session.extension("AUTH") else { return Ok(()) };
    let mechanism = choose(account, offered)
        .await
        .map_err(|reasons| format!("find auth mechanism: {}", reasons.join("\n")))?;
    let name = mechanism.name();
    redactor.add(mechanism.secret());
    let failed = |error| format!("{name} auth: {error}");
    let is_confidential = session.is_secure() || is_local(host);
    let opening = mechanism.opening(account, is_confidential, in_clear).map_err(failed)?;
    if let Some(proof) = opening.split(' ').nth(2) {
        redactor.add(proof);
    }
    let mut reply = session.command(&opening).await.map_err(failed)?;
    for _ in 0..CHALLENGES_MAX {
        match reply.code {
            235 => return Ok(()),
            334 => {}
            _ => return Err(failed(reply.to_string())),
        }
        let answer = match mechanism.answer(account, &reply) {
            Ok(answer) => STANDARD.encode(answer),
            Err(error) => {
                // Whatever the reply, the attempt is over.
                let _ = session.command("*").await;
                return Err(failed(error));
            }
        };
        redactor.add(&answer);
        reply = session.command(&answer).await.map_err(failed)?;
    }
    match reply.code {
        235 => Ok(()),
        _ => Err(failed("too many server challenges".to_owned())),
    }
}

/// The first mechanism that the account has the means for, or why there is none.
async fn choose(account: &MailAccount, offered: &str) -> Result<Mechanism, Vec<String>> {
    let mut reasons = Vec::new();
    for name in offered.split_ascii_whitespace() {
        let found = match name {
            "CRAM-MD5" => {
                let secret = text(&account.secret).await;
                means(secret, "secret", name).map(Mechanism::CramMd5)
            }
            "PLAIN" => {
                let password = trimmed(&account.password).await;
                means(password, "password", name).map(Mechanism::Plain)
            }
            "LOGIN" => {
                let password = trimmed(&account.password).await;
                means(password, "password", name).map(Mechanism::Login)
            }
            _ => Err(format!("unknown auth mechanism: {name}")),
        };
        match found {
            Ok(mechanism) => return Ok(mechanism),
            Err(reason) => reasons.push(reason),
        }
    }
    Err(reasons)
}

fn means(found: Result<Secret, String>, what: &str, mechanism: &str) -> Result<Secret, String> {
    match found {
        Ok(text) if text.is_empty() => {
            Err(format!("missing {what} for {mechanism} auth mechanism"))
        }
        found => found,
    }
}

/// The text as it is now.
async fn text(source: &SecretSource) -> Result<Secret, String> {
    match source {
        SecretSource::Given(text) => Ok(text.clone()),
        SecretSource::File(path) => {
            let read = tokio::fs::read_to_string(path).await;
            read.map(Secret::new).map_err(|error| format!("could not read {path}: {error}"))
        }
    }
}

/// The same, but white space around what a file holds does not count.
async fn trimmed(source: &SecretSource) -> Result<Secret, String> {
    let found = text(source).await?;
    match source {
        SecretSource::Given(_) => Ok(found),
        SecretSource::File(_) => Ok(Secret::new(found.reveal().trim())),
    }
}

impl Mechanism {
    /// The first command; `is_confidential`: the connection is encrypted or local.
    ///
    /// Compat: see docs/compat.md#smtp-auth.
    fn opening(
        &self,
        account: &MailAccount,
        is_confidential: bool,
        in_clear: PlaintextAuth,
    ) -> Result<String, String> {
        match self {
            Mechanism::CramMd5(_) => Ok("AUTH CRAM-MD5".to_owned()),
            Mechanism::Login(_) if !is_confidential && in_clear == PlaintextAuth::Local => {
                Err("unencrypted connection: --receivers.deny-plaintext-auth is set, so the mail \
                     server must be used with TLS (require_tls)"
                    .to_owned())
            }
            Mechanism::Login(_) => Ok("AUTH LOGIN".to_owned()),
            Mechanism::Plain(_) if !is_confidential => Err("unencrypted connection".to_owned()),
            Mechanism::Plain(password) => {
                let MailAccount { username, identity, .. } = account;
                let proof = format!("{identity}\0{username}\0{}", password.reveal());
                Ok(format!("AUTH PLAIN {}", STANDARD.encode(proof)))
            }
        }
    }

    /// The response to a challenge.
    fn answer(&self, account: &MailAccount, reply: &Reply) -> Result<String, String> {
        let challenge = STANDARD
            .decode(reply.text.trim())
            .map_err(|_| "a server challenge that is not in base64".to_owned())?;
        let unexpected = || Err("unexpected server challenge".to_owned());
        match self {
            Mechanism::CramMd5(secret) => {
                let proof = hex(&hmac_md5(secret.reveal().as_bytes(), &challenge));
                Ok(format!("{} {proof}", account.username))
            }
            Mechanism::Plain(_) => unexpected(),
            // Compat: there are two encodings; see docs/compat.md#smtp-login.
            Mechanism::Login(password) => match challenge.to_ascii_lowercase().as_slice() {
                b"username:" | b"user name\0" => Ok(account.username.clone()),
                b"password:" | b"password\0" => Ok(password.reveal().to_owned()),
                _ => unexpected(),
            },
        }
    }

    fn secret(&self) -> &str {
        match self {
            Mechanism::CramMd5(secret) | Mechanism::Plain(secret) | Mechanism::Login(secret) => {
                secret.reveal()
            }
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Mechanism::CramMd5(_) => "CRAM-MD5",
            Mechanism::Plain(_) => "PLAIN",
            Mechanism::Login(_) => "LOGIN",
        }
    }
}

/// Hosts that a password may be sent to in plain text: nothing leaves the machine.
fn is_local(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "::1")
}

fn hmac_md5(key: &[u8], message: &[u8]) -> [u8; 16] {
    let mut mac = Hmac::<Md5>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::hmac_md5;

    #[test]
    fn proofs_equal_those_of_the_standards() {
        let hex = |key: &[u8], message: &[u8]| super::hex(&hmac_md5(key, message));
        // RFC 2104, appendix; RFC 2195, section 2; RFC 2202, test case 6.
        assert_eq!(hex(&[0x0b; 16], b"Hi There"), "9294727a3638bb1c13f48ef8158bfc9d");
        let challenge = b"<1896.697170952@postoffice.reston.mci.net>";
        assert_eq!(hex(b"tanstaaftanstaaf", challenge), "b913a602c7eda7a495b4e6e7334d3890");
        let message = b"Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(hex(&[0xaa; 80], message), "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd");
    }
}

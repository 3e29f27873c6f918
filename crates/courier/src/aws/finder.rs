//! Looks for credentials, in the order of Amazon's own libraries.
//!
//! 1. the keys of the configuration;
//! 2. the profile that the configuration names;
//! 3. keys in the environment;
//! 4. a web identity named there;
//! 5. the default profile, or the one that the environment names;
//! 6. the container that we run in;
//! 7. the machine that we run on.
//!
//! With a role in the configuration, what was found is used to borrow that role's.
//!
//! Limit: a profile that wants a browser (SSO) or another program (`credential_process`) is refused.

use bellwether_integrations::sns::config::SigV4;
use bellwether_model::Secret;
use tokio::time::Instant;

use super::profile::{Profile, Profiles};
use super::region::{Endpoints, profile_name};
use super::{Keys, Session, Stop, Variables, failed, lenders};
use crate::client::Client;
use crate::redactor::Redactor;

/// What is needed to look.
pub struct Finder<'a> {
    pub client: &'a Client,
    pub signer: &'a SigV4,
    pub profiles: &'a Profiles,
    pub endpoints: Endpoints<'a>,
    pub variables: Variables<'a>,
    /// Takes note of the tokens that lenders are shown.
    pub redactor: &'a Redactor,
    pub deadline: Instant,
}

/// A role that is borrowed.
pub struct Role<'a> {
    pub arn: &'a str,
    pub session_name: &'a str,
    pub external_id: Option<&'a str>,
}

/// The name under which roles are borrowed, unless there is another one.
pub const SESSION_NAME: &str = "bellwether";

/// Limit: profiles that lead to each other.
const PROFILES_MAX: usize = 8;

impl Finder<'_> {
    pub async fn session(&self) -> Result<Session, Stop> {
        let own = self.own().await?;
        let SigV4 { role_arn, external_id, .. } = self.signer;
        if role_arn.is_empty() {
            return Ok(own);
        }
        let external_id = (!external_id.is_empty()).then_some(external_id.as_str());
        let role = Role { arn: role_arn, session_name: SESSION_NAME, external_id };
        lenders::role(self, &own.keys, &role).await
    }

    async fn own(&self) -> Result<Session, Stop> {
        let SigV4 { access_key, secret_key, profile, .. } = self.signer;
        if !access_key.is_empty() {
            return Ok(lasting(access_key, secret_key.reveal(), ""));
        }
        if profile.is_empty() {
            if let Some(session) = self.environment() {
                return Ok(session);
            }
            if let Some(file) = (self.variables)("AWS_WEB_IDENTITY_TOKEN_FILE") {
                let arn = (self.variables)("AWS_ROLE_ARN");
                let arn = arn.ok_or_else(|| failed("AWS_ROLE_ARN is not set"))?;
                let name = (self.variables)("AWS_ROLE_SESSION_NAME");
                let session_name = name.as_deref().unwrap_or(SESSION_NAME);
                let role = Role { arn: &arn, session_name, external_id: None };
                return lenders::web_identity(self, &file, &role).await;
            }
        }
        let name = profile_name(self.signer, self.variables);
        let is_named = !profile.is_empty() || (self.variables)("AWS_PROFILE").is_some();
        match self.profiles.named(&name) {
            Some(profile) => self.of_profile(profile).await,
            None if is_named => Err(failed(format!("there is no AWS profile {name}"))),
            None => self.of_surroundings().await,
        }
    }

    fn environment(&self) -> Option<Session> {
        let one_of = |names: [&str; 2]| names.iter().find_map(|name| (self.variables)(name));
        let id = one_of(["AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"])?;
        let secret = one_of(["AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"])?;
        let token = (self.variables)("AWS_SESSION_TOKEN").unwrap_or_default();
        Some(lasting(&id, &secret, &token))
    }

    /// A profile may borrow a role with the credentials of another one, which may do the same. The
    /// chain is walked to its end first, then the roles are borrowed from there back to here.
    async fn of_profile(&self, first: &Profile) -> Result<Session, Stop> {
        let mut chain = vec![first];
        while let Some(name) = chain.last().and_then(|last| last.setting("source_profile")) {
            let next = self.profiles.named(name);
            let next = next.ok_or_else(|| failed(format!("there is no AWS profile {name}")))?;
            if chain.last().is_some_and(|last| std::ptr::eq(*last, next)) {
                break;
            }
            if chain.len() == PROFILES_MAX {
                return Err(failed("too many AWS profiles lead to each other"));
            }
            chain.push(next);
        }
        let last = chain.pop().unwrap_or(first);
        let leads_to_itself = last.setting("source_profile").is_some();
        let mut session = self.end_of_chain(last, leads_to_itself).await?;
        for profile in chain.iter().rev() {
            if let Some(role) = role_of(profile) {
                session = lenders::role(self, &session.keys, &role).await?;
            }
        }
        Ok(session)
    }

    /// The credentials of a profile that no other one lends to, or that lends to itself.
    async fn end_of_chain(&self, profile: &Profile, lends: bool) -> Result<Session, Stop> {
        let role = role_of(profile);
        let setting = |name| profile.setting(name);
        if let (Some(file), Some(role)) = (setting("web_identity_token_file"), &role) {
            return lenders::web_identity(self, file, role).await;
        }
        let keys = setting("aws_access_key_id").zip(setting("aws_secret_access_key"));
        let session = match (keys, setting("credential_source")) {
            (Some((id, secret)), _) => {
                lasting(id, secret, setting("aws_session_token").unwrap_or_default())
            }
            (None, Some("Environment")) => {
                let found = self.environment();
                found.ok_or_else(|| failed("there are no AWS keys in the environment"))?
            }
            (None, Some("EcsContainer")) => lenders::container(self).await?,
            (None, Some("Ec2InstanceMetadata")) => lenders::machine(self).await?,
            (None, Some(other)) => {
                return Err(failed(format!("unknown credential_source {other} of an AWS profile")));
            }
            (None, None)
                if ["sso_session", "sso_start_url", "credential_process"]
                    .iter()
                    .any(|name| setting(name).is_some()) =>
            {
                return Err(failed("AWS profiles with SSO or credential_process cannot be used"));
            }
            (None, None) => self.of_surroundings().await?,
        };
        match role {
            Some(role) if lends || setting("credential_source").is_some() => {
                lenders::role(self, &session.keys, &role).await
            }
            _ => Ok(session),
        }
    }

    async fn of_surroundings(&self) -> Result<Session, Stop> {
        if lenders::container_url(self.variables).is_some() {
            return lenders::container(self).await;
        }
        lenders::machine(self).await
    }
}

fn role_of(profile: &Profile) -> Option<Role<'_>> {
    Some(Role {
        arn: profile.setting("role_arn")?,
        session_name: profile.setting("role_session_name").unwrap_or(SESSION_NAME),
        external_id: profile.setting("external_id"),
    })
}

fn lasting(id: &str, secret: &str, token: &str) -> Session {
    let (secret, token) = (Secret::new(secret), Secret::new(token));
    Session { keys: Keys { id: id.to_owned(), secret, token }, expires: None }
}

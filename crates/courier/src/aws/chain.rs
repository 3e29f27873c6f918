//! Finds credentials, in the order of Amazon's own libraries.
//!
//! 1. the keys of the configuration;
//! 2. the profile that the configuration names;
//! 3. keys in the environment;
//! 4. a web identity named there;
//! 5. the default profile, or the one that the environment names;
//! 6. the metadata service of the container;
//! 7. the metadata service of the EC2 instance.
//!
//! The first source that is there decides: if it fails, the next one is not tried. With a role in
//! the configuration, what was found is used to assume it.

use bellwether_integrations::sns::config::SigV4;

use super::context::CallContext;
use super::credentials::AwsCredentials;
use super::error::{AwsError, failed};
use super::profile::Profile;
use super::providers::sts::{DEFAULT_SESSION_NAME, Role};
use super::providers::{metadata, process, sso, sts};
use super::region::profile_name;

/// The sources of credentials for one call.
pub struct CredentialChain<'a> {
    context: &'a CallContext<'a>,
}

/// Limit: profiles that name each other as source.
const PROFILES_MAX: usize = 8;

impl<'a> CredentialChain<'a> {
    pub fn new(context: &'a CallContext<'a>) -> Self {
        CredentialChain { context }
    }

    /// What signs the call.
    pub async fn credentials(&self) -> Result<AwsCredentials, AwsError> {
        let found = self.find().await?;
        let SigV4 { role_arn, external_id, .. } = self.context.signer;
        if role_arn.is_empty() {
            return Ok(found);
        }
        let external_id = (!external_id.is_empty()).then_some(external_id.as_str());
        let role = Role { arn: role_arn, session_name: DEFAULT_SESSION_NAME, external_id };
        sts::assume_role(self.context, &found, &role).await
    }

    async fn find(&self) -> Result<AwsCredentials, AwsError> {
        let CallContext { signer, profiles, environment, .. } = self.context;
        let SigV4 { access_key, secret_key, profile, .. } = signer;
        if !access_key.is_empty() {
            return Ok(AwsCredentials::configured(access_key, secret_key.reveal(), ""));
        }
        if profile.is_empty() {
            if let Some(credentials) = self.environment_credentials() {
                return Ok(credentials);
            }
            if let Some(file) = environment.get("AWS_WEB_IDENTITY_TOKEN_FILE") {
                let arn = environment.get("AWS_ROLE_ARN");
                let arn = arn.ok_or_else(|| failed("AWS_ROLE_ARN is not set"))?;
                let name = environment.get("AWS_ROLE_SESSION_NAME");
                let session_name = name.as_deref().unwrap_or(DEFAULT_SESSION_NAME);
                let role = Role { arn: &arn, session_name, external_id: None };
                return sts::assume_role_with_web_identity(self.context, &file, &role).await;
            }
        }
        let name = profile_name(signer, *environment);
        let is_named = !profile.is_empty() || environment.get("AWS_PROFILE").is_some();
        match profiles.named(&name) {
            Some(profile) => self.profile_credentials(profile).await,
            None if is_named => Err(failed(format!("there is no AWS profile {name}"))),
            None => self.metadata_credentials().await,
        }
    }

    fn environment_credentials(&self) -> Option<AwsCredentials> {
        let environment = self.context.environment;
        let id = environment.first_of(["AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"])?;
        let secret = environment.first_of(["AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"])?;
        let token = environment.get("AWS_SESSION_TOKEN").unwrap_or_default();
        Some(AwsCredentials::configured(&id, &secret, &token))
    }

    /// A profile may assume a role with the credentials of its `source_profile`, which may do the
    /// same. The last profile's credentials are found first, then the roles are assumed from there
    /// back to the first.
    async fn profile_credentials(&self, first: &Profile) -> Result<AwsCredentials, AwsError> {
        let mut chain = vec![first];
        while let Some(name) = chain.last().and_then(|last| last.setting("source_profile")) {
            let next = self.context.profiles.named(name);
            let next = next.ok_or_else(|| failed(format!("there is no AWS profile {name}")))?;
            if chain.last().is_some_and(|last| std::ptr::eq(*last, next)) {
                break;
            }
            if chain.len() == PROFILES_MAX {
                return Err(failed(format!(
                    "more than {PROFILES_MAX} AWS profiles name each other as source_profile"
                )));
            }
            chain.push(next);
        }
        let last = chain.pop().unwrap_or(first);
        let names_itself = last.setting("source_profile").is_some();
        let mut credentials = self.last_profile_credentials(last, names_itself).await?;
        for profile in chain.iter().rev() {
            if let Some(role) = role_of(profile) {
                credentials = sts::assume_role(self.context, &credentials, &role).await?;
            }
        }
        Ok(credentials)
    }

    /// The credentials of a profile without a `source_profile`, or one that names itself as such.
    async fn last_profile_credentials(
        &self,
        profile: &Profile,
        names_itself: bool,
    ) -> Result<AwsCredentials, AwsError> {
        let context = self.context;
        let role = role_of(profile);
        let setting = |name| profile.setting(name);
        if let (Some(file), Some(role)) = (setting("web_identity_token_file"), &role) {
            return sts::assume_role_with_web_identity(context, file, role).await;
        }
        let keys = setting("aws_access_key_id").zip(setting("aws_secret_access_key"));
        let source = setting("credential_source");
        let credentials = match (keys, source) {
            (Some((id, secret)), _) => {
                let token = setting("aws_session_token").unwrap_or_default();
                AwsCredentials::configured(id, secret, token)
            }
            (None, Some("Environment")) => {
                let found = self.environment_credentials();
                found.ok_or_else(|| failed("there are no AWS keys in the environment"))?
            }
            (None, Some("EcsContainer")) => metadata::container(context).await?,
            (None, Some("Ec2InstanceMetadata")) => metadata::instance(context).await?,
            (None, Some(other)) => {
                return Err(failed(format!("unknown credential_source {other} of an AWS profile")));
            }
            (None, None) if sso::is_configured(profile) => {
                sso::role_credentials(context, profile).await?
            }
            (None, None) => match setting("credential_process") {
                Some(command) => process::credentials(context, command).await?,
                None => self.metadata_credentials().await?,
            },
        };
        match role {
            Some(role) if names_itself || source.is_some() => {
                sts::assume_role(context, &credentials, &role).await
            }
            _ => Ok(credentials),
        }
    }

    async fn metadata_credentials(&self) -> Result<AwsCredentials, AwsError> {
        if metadata::container_url(self.context.environment).is_some() {
            return metadata::container(self.context).await;
        }
        metadata::instance(self.context).await
    }
}

fn role_of(profile: &Profile) -> Option<Role<'_>> {
    Some(Role {
        arn: profile.setting("role_arn")?,
        session_name: profile.setting("role_session_name").unwrap_or(DEFAULT_SESSION_NAME),
        external_id: profile.setting("external_id"),
    })
}

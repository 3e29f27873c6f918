//! The region of a call, and the endpoints of services in it.

use bellwether_integrations::sns::config::SigV4;
use url::Url;

use super::environment::Environment;
use super::error::{AwsError, failed};
use super::profile::{DEFAULT, Profiles};
use crate::error::unusable;

/// The endpoints of a region's services.
#[derive(Clone, Copy)]
pub struct Endpoints<'a> {
    pub region: &'a str,
    pub environment: Environment<'a>,
}

/// The region that is configured, or that the environment or the profile names.
pub fn region(
    signer: &SigV4,
    profiles: &Profiles,
    environment: Environment<'_>,
) -> Result<String, AwsError> {
    if !signer.region.is_empty() {
        return Ok(signer.region.clone());
    }
    let named = environment.first_of(["AWS_REGION", "AWS_DEFAULT_REGION"]);
    let of_profile = || {
        let profile = profiles.named(&profile_name(signer, environment))?;
        profile.setting("region").map(str::to_owned)
    };
    named.or_else(of_profile).ok_or_else(|| {
        failed("region not configured in sns.sigv4.region or in default credentials chain")
    })
}

/// The profile that is configured, or that the environment names.
pub fn profile_name(signer: &SigV4, environment: Environment<'_>) -> String {
    if !signer.profile.is_empty() {
        return signer.profile.clone();
    }
    let named = environment.first_of(["AWS_PROFILE", "AWS_DEFAULT_PROFILE"]);
    named.unwrap_or_else(|| DEFAULT.to_owned())
}

impl Endpoints<'_> {
    /// The endpoint of a service in the call's region.
    pub fn url(&self, service: &str) -> Result<Url, AwsError> {
        self.url_in(self.region, service, service)
    }

    /// The portal of IAM Identity Center, which may be in another region than the call.
    pub fn sso_portal(&self, region: &str) -> Result<Url, AwsError> {
        self.url_in(region, "sso", "portal.sso")
    }

    /// The endpoint that the environment names for `service`, or else Amazon's `host` in `region`.
    fn url_in(&self, region: &str, service: &str, host: &str) -> Result<Url, AwsError> {
        let variable = format!("AWS_ENDPOINT_URL_{}", service.to_uppercase());
        let custom = self.environment.first_of([&variable, "AWS_ENDPOINT_URL"]);
        let url = custom.unwrap_or_else(|| format!("https://{host}.{region}.{}/", domain(region)));
        // A region with a slash in it must not change the host.
        let url = Url::parse(&url).ok().filter(|_| !region.contains(['/', '@', '?', '#']));
        url.ok_or_else(|| AwsError::Failed(unusable(format!("no {service} in this region"))))
    }

    /// The security token service; `fips` chooses the FIPS endpoint where it has a separate name.
    pub fn token_service(&self, fips: bool) -> Result<Url, AwsError> {
        let has_fips_name = fips && !self.region.starts_with("us-gov-");
        let url = self.url("sts")?;
        match url.host_str() {
            Some(host) if has_fips_name && host.starts_with("sts.") => {
                let host = host.replacen("sts.", "sts-fips.", 1);
                Url::parse(&format!("https://{host}/"))
                    .map_err(|_| AwsError::Failed(unusable("no sts in this region")))
            }
            _ => Ok(url),
        }
    }
}

/// The domain of a region's services.
fn domain(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => "amazonaws.com.cn",
        _ if region.starts_with("us-isob-") => "sc2s.sgov.gov",
        _ if region.starts_with("us-iso-") => "c2s.ic.gov",
        _ if region.starts_with("eusc-") => "amazonaws.eu",
        _ => "amazonaws.com",
    }
}

#[cfg(test)]
mod tests {
    use super::super::environment::Environment;
    use super::Endpoints;

    #[test]
    fn endpoints_depend_on_the_region() {
        let url = |region, fips| {
            let endpoints = Endpoints { region, environment: Environment(&|_| None) };
            let (sns, sts) = (endpoints.url("sns"), endpoints.token_service(fips));
            format!("{} {}", sns.expect("a URL"), sts.expect("a URL"))
        };
        assert_eq!(
            url("eu-west-1", false),
            "https://sns.eu-west-1.amazonaws.com/ https://sts.eu-west-1.amazonaws.com/"
        );
        assert_eq!(
            url("us-east-1", true),
            "https://sns.us-east-1.amazonaws.com/ https://sts-fips.us-east-1.amazonaws.com/"
        );
        assert_eq!(
            url("us-gov-west-1", true),
            "https://sns.us-gov-west-1.amazonaws.com/ https://sts.us-gov-west-1.amazonaws.com/"
        );
        assert_eq!(
            url("cn-north-1", false),
            "https://sns.cn-north-1.amazonaws.com.cn/ https://sts.cn-north-1.amazonaws.com.cn/"
        );
        let endpoints = Endpoints { region: "eu-west-1", environment: Environment(&|_| None) };
        let portal = endpoints.sso_portal("us-east-2").expect("a URL");
        assert_eq!(portal.as_str(), "https://portal.sso.us-east-2.amazonaws.com/");
    }

    #[test]
    fn a_region_cannot_change_the_host() {
        let endpoints =
            Endpoints { region: "x.evil.example/?", environment: Environment(&|_| None) };
        assert!(endpoints.url("sns").is_err());
    }
}

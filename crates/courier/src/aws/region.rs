//! Which region is meant, and where its services are.

use bellwether_integrations::sns::config::SigV4;
use url::Url;

use super::profile::{DEFAULT, Profiles};
use super::{Stop, Variables, failed};
use crate::error::unusable;

/// The places of a region's services.
#[derive(Clone, Copy)]
pub struct Endpoints<'a> {
    pub region: &'a str,
    pub variables: Variables<'a>,
}

/// The region that is configured, or that the environment or the profile names.
pub fn region(
    signer: &SigV4,
    profiles: &Profiles,
    variables: Variables<'_>,
) -> Result<String, Stop> {
    if !signer.region.is_empty() {
        return Ok(signer.region.clone());
    }
    let named = variables("AWS_REGION").or_else(|| variables("AWS_DEFAULT_REGION"));
    let of_profile = || {
        let profile = profiles.named(&profile_name(signer, variables))?;
        profile.setting("region").map(str::to_owned)
    };
    named.or_else(of_profile).ok_or_else(|| {
        failed("region not configured in sns.sigv4.region or in default credentials chain")
    })
}

/// The profile that is configured, or that the environment names.
pub fn profile_name(signer: &SigV4, variables: Variables<'_>) -> String {
    if !signer.profile.is_empty() {
        return signer.profile.clone();
    }
    let named = variables("AWS_PROFILE").or_else(|| variables("AWS_DEFAULT_PROFILE"));
    named.unwrap_or_else(|| DEFAULT.to_owned())
}

impl Endpoints<'_> {
    /// Where the environment has a service, or else Amazon.
    pub fn url(&self, service: &str) -> Result<Url, Stop> {
        let own = format!("AWS_ENDPOINT_URL_{}", service.to_uppercase());
        let elsewhere = (self.variables)(&own).or_else(|| (self.variables)("AWS_ENDPOINT_URL"));
        let url = elsewhere.unwrap_or_else(|| {
            format!("https://{service}.{}.{}/", self.region, domain(self.region))
        });
        // A region with a slash in it must not lead elsewhere.
        let url = Url::parse(&url).ok().filter(|_| !self.region.contains(['/', '@', '?', '#']));
        url.ok_or_else(|| Stop::Failed(unusable(format!("no {service} in this region"))))
    }

    /// Where tokens are lent; `fips`: by machines that the government has certified, where they
    /// have a name of their own.
    pub fn token_service(&self, fips: bool) -> Result<Url, Stop> {
        let certified = fips && !self.region.starts_with("us-gov-");
        let url = self.url("sts")?;
        match url.host_str() {
            Some(host) if certified && host.starts_with("sts.") => {
                let host = host.replacen("sts.", "sts-fips.", 1);
                Url::parse(&format!("https://{host}/"))
                    .map_err(|_| Stop::Failed(unusable("no sts in this region")))
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
    use super::Endpoints;

    #[test]
    fn services_are_where_the_region_is() {
        let url = |region, fips| {
            let endpoints = Endpoints { region, variables: &|_| None };
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
    }

    #[test]
    fn a_region_is_no_host() {
        let endpoints = Endpoints { region: "x.evil.example/?", variables: &|_| None };
        assert!(endpoints.url("sns").is_err());
    }
}

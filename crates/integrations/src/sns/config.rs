//! What an operator can set for one SNS target.

use std::collections::BTreeMap;

use bellwether_model::Secret;

use crate::http::HttpConfig;

/// One entry of `sns_configs`. Texts are templates except where noted.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub send_resolved: bool,
    /// The global one if the receiver gave none; `None` means the defaults.
    pub http_config: Option<HttpConfig>,
    pub api_url: String,
    pub sigv4: SigV4,
    /// One of this, `phone_number` and `target_arn` is set, or all three.
    pub topic_arn: String,
    pub phone_number: String,
    pub target_arn: String,
    pub subject: String,
    pub message: String,
    pub attributes: BTreeMap<String, String>,
    /// Kept for compatibility.
    pub use_aws_http_client: bool,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            send_resolved: true,
            http_config: None,
            api_url: String::new(),
            sigv4: SigV4::default(),
            topic_arn: String::new(),
            phone_number: String::new(),
            target_arn: String::new(),
            subject: r#"{{ template "sns.default.subject" . }}"#.to_owned(),
            message: r#"{{ template "sns.default.message" . }}"#.to_owned(),
            attributes: BTreeMap::new(),
            use_aws_http_client: false,
        }
    }
}

/// Who signs, and for which region. None of it is a template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SigV4 {
    pub region: String,
    /// Set exactly if the secret key is.
    pub access_key: String,
    pub secret_key: Secret,
    pub profile: String,
    pub role_arn: String,
    /// Only with a role.
    pub external_id: String,
    pub use_fips_sts_endpoint: bool,
    pub service_name: String,
}

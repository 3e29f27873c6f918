//! `sns_configs`.

use bellwether_integrations::http::HttpConfig;
use bellwether_integrations::sns::config::{Config, SigV4};

use super::{IntegrationSettings, adopt_http};
use crate::block::{Block, BlockReader, Problem, Visitor, refuse_if};
use crate::config::Global;

impl Block for Config {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.shown("send_resolved", &mut self.send_resolved);
        v.field("http_config", &mut self.http_config);
        v.field("api_url", &mut self.api_url);
        v.shown("sigv4", &mut self.sigv4);
        v.field("topic_arn", &mut self.topic_arn);
        v.field("phone_number", &mut self.phone_number);
        v.field("target_arn", &mut self.target_arn);
        v.field("subject", &mut self.subject);
        v.field("message", &mut self.message);
        v.field("attributes", &mut self.attributes);
        v.field("use_aws_http_client", &mut self.use_aws_http_client);
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        let targets = [&self.target_arn, &self.topic_arn, &self.phone_number];
        let set = targets.iter().filter(|text| !text.is_empty()).count();
        // Compat: one target is meant, but three pass as well.
        refuse_if(
            set != 1 && set != 3,
            "",
            "must provide either a Target ARN, Topic ARN, or Phone Number for SNS config",
        )
    }
}

impl IntegrationSettings for Config {
    fn merge(&mut self, global: &Global) -> Result<(), &'static str> {
        adopt_http(&mut self.http_config, global);
        Ok(())
    }

    fn http_with_relative_paths(&mut self) -> Option<&mut HttpConfig> {
        self.http_config.as_mut()
    }
}

impl Block for SigV4 {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.field("region", &mut self.region);
        v.field("access_key", &mut self.access_key);
        v.field("secret_key", &mut self.secret_key);
        v.field("profile", &mut self.profile);
        v.field("role_arn", &mut self.role_arn);
        v.field("external_id", &mut self.external_id);
        v.field("use_fips_sts_endpoint", &mut self.use_fips_sts_endpoint);
        v.field("service_name", &mut self.service_name);
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        refuse_if(
            self.access_key.is_empty() != self.secret_key.is_empty(),
            "",
            "must provide a AWS SigV4 Access key and Secret Key if credentials are specified in the \
             SigV4 config",
        )?;
        refuse_if(
            !self.external_id.is_empty() && self.role_arn.is_empty(),
            "external_id",
            "external_id can only be used with role_arn",
        )
    }
}

//! `oauth2`: a token from somewhere else.

use bellwether_integrations::http::OAuth2;

use super::{check_proxy, proxy_fields, several};
use crate::block::{Block, BlockReader, Problem, Visitor, refuse_if};

impl Block for OAuth2 {
    fn fields(&mut self, v: &mut dyn Visitor) {
        v.field("client_id", &mut self.client_id);
        v.field("client_secret", &mut self.client_secret);
        v.field("client_secret_file", &mut self.client_secret_file);
        v.field("client_secret_ref", &mut self.client_secret_ref);
        v.field("client_certificate_key_id", &mut self.client_certificate_key_id);
        v.field("client_certificate_key", &mut self.client_certificate_key);
        v.field("client_certificate_key_file", &mut self.client_certificate_key_file);
        v.field("client_certificate_key_ref", &mut self.client_certificate_key_ref);
        v.field("grant_type", &mut self.grant_type);
        v.field("signature_algorithm", &mut self.signature_algorithm);
        v.field("iss", &mut self.iss);
        v.field("audience", &mut self.audience);
        v.field("claims", &mut self.claims);
        v.field("scopes", &mut self.scopes);
        v.field("token_url", &mut self.token_url);
        v.field("endpoint_params", &mut self.endpoint_params);
        v.field("tls_config", &mut self.tls_config);
        proxy_fields(&mut self.proxy, v);
    }

    fn check(&mut self, _reader: &mut BlockReader<'_>) -> Result<(), Problem> {
        check_proxy(&self.proxy)
    }
}

/// Looked at after the rules between the kinds of credentials.
pub(super) fn check_oauth2(oauth2: &OAuth2) -> Result<(), Problem> {
    refuse_if(oauth2.client_id.is_empty(), "oauth2", "oauth2 client_id must be configured")?;
    refuse_if(oauth2.token_url.is_empty(), "oauth2", "oauth2 token_url must be configured")?;
    if oauth2.grant_type == OAuth2::GRANT_JWT_BEARER {
        refuse_if(
            several([
                !oauth2.client_certificate_key.is_empty(),
                !oauth2.client_certificate_key_file.is_empty(),
                !oauth2.client_certificate_key_ref.is_empty(),
            ]),
            "oauth2",
            "at most one of oauth2 client_certificate_key, client_certificate_key_file & \
             client_certificate_key_ref must be configured using \
             grant-type=urn:ietf:params:oauth:grant-type:jwt-bearer",
        )?;
        return refuse_if(
            !["", "RS256", "RS384", "RS512"].contains(&oauth2.signature_algorithm.as_str()),
            "oauth2.signature_algorithm",
            "valid signature algorithms are RS256, RS384 and RS512",
        );
    }
    refuse_if(
        several([
            !oauth2.client_secret.is_empty(),
            !oauth2.client_secret_file.is_empty(),
            !oauth2.client_secret_ref.is_empty(),
        ]),
        "oauth2",
        "at most one of oauth2 client_secret, client_secret_file & client_secret_ref must be \
         configured using grant-type=client_credentials",
    )
}

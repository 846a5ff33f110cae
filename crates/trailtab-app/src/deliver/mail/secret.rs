//! Reads secrets from Secrets Manager.

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata as _;

use crate::aws;

/// Why a secret cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the secret {name:?} in {region}: {reason}{advice}")]
pub struct SecretReadError {
    name: String,
    region: String,
    reason: String,
    advice: &'static str,
}

/// Reads a secret's text by name or ARN, in the ARN's region, or else the given or the configured
/// one.
///
/// # Errors
///
/// The error names the secret, and the permission if one is missing.
pub async fn read(
    config: &SdkConfig,
    name: &str,
    region: Option<&str>,
) -> Result<String, SecretReadError> {
    let region = match region_of_arn(name).or(region) {
        Some(region) => region.to_owned(),
        None => aws::region_of(config).to_string(),
    };
    let failed = |reason, advice| SecretReadError {
        name: name.to_owned(),
        region: region.clone(),
        reason,
        advice,
    };
    let client = aws::secrets_manager(config, &region);
    match client.get_secret_value().secret_id(name).send().await {
        Ok(value) => value
            .secret_string
            .ok_or_else(|| failed("it holds bytes, where text was expected".to_owned(), "")),
        Err(error) => {
            let reason = aws::explain(&error);
            Err(failed(reason, advice(error.code())))
        }
    }
}

/// The region in a secret's ARN.
fn region_of_arn(name: &str) -> Option<&str> {
    let mut parts = name.split(':');
    let is_arn = parts.next() == Some("arn");
    let service = parts.nth(1);
    let region = parts.next();
    region.filter(|region| is_arn && service == Some("secretsmanager") && !region.is_empty())
}

fn advice(code: Option<&str>) -> &'static str {
    match code {
        // Secrets Manager returns the same code if the KMS key may not be used.
        Some("AccessDeniedException" | "AccessDenied") => {
            " (needed: secretsmanager:GetSecretValue on the secret and, if it is encrypted with a key of your own, kms:Decrypt on the key)"
        }
        Some("DecryptionFailure" | "DecryptionFailureException") => {
            " (needed: kms:Decrypt on the key that it is encrypted with)"
        }
        Some("ResourceNotFoundException") => {
            " (is it in this region? An ARN instead of a name includes the region)"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_says_where_its_secret_is() {
        let arn = "arn:aws:secretsmanager:us-west-2:111122223333:secret:mail-a1b2c3";
        assert_eq!(region_of_arn(arn), Some("us-west-2"));
        for name in ["mail", "mail/us-west-2", "arn:aws:s3:::bucket", ""] {
            assert_eq!(region_of_arn(name), None, "{name}");
        }
    }
}

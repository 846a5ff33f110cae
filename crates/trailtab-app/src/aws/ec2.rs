//! Sends DescribeRegions to EC2 without the SDK's client.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::byte_stream::ByteStream;

use super::signed::UnsignedPost;
use super::{connector, region_of, with_causes};

const BODY: &str = "Action=DescribeRegions&Version=2016-11-15";

/// Larger responses are truncated. Forty regions take 10 kB.
const MAX_RESPONSE_BYTES: usize = 1 << 20;

/// Lists the account's enabled regions with `ec2:DescribeRegions`.
///
/// # Errors
///
/// Returns the reason of the failure.
pub async fn describe_regions(config: &SdkConfig) -> Result<Vec<String>, String> {
    let answer = tokio::time::timeout(Duration::from_secs(30), ask(config)).await;
    answer.unwrap_or_else(|_| Err("it took too long".to_owned()))
}

async fn ask(config: &SdkConfig) -> Result<Vec<String>, String> {
    let request = signed_request(config).await?;
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(20))
        .build();
    let connector = connector(Some(settings), config.sleep_impl());
    let response = connector
        .call(request)
        .await
        .map_err(|error| with_causes(&error))?;
    let status = response.status();
    let body = ByteStream::new(response.into_body()).collect().await;
    let body = body.map_err(|error| with_causes(&error))?.to_vec();
    let text = String::from_utf8_lossy(&body[..body.len().min(MAX_RESPONSE_BYTES)]).into_owned();
    let regions: Vec<String> = elements(&text, "regionName").map(str::to_owned).collect();
    if status.is_success() && !regions.is_empty() {
        return Ok(regions);
    }
    let code = elements(&text, "Code").next().unwrap_or("no regions");
    Err(format!("{code} (HTTP status {status})"))
}

async fn signed_request(config: &SdkConfig) -> Result<HttpRequest, String> {
    let endpoint = endpoint(config, region_of(config).as_ref());
    let post = UnsignedPost {
        service: "ec2",
        uri: &format!("{}/", endpoint.trim_end_matches('/')),
        headers: &[("content-type", "application/x-www-form-urlencoded")],
        body: BODY.into(),
    };
    post.signed(config).await
}

/// The service's endpoint, or the configured one, resolved like the SDK's own clients do.
fn endpoint(config: &SdkConfig, region: &str) -> String {
    let key = aws_types::service_config::ServiceConfigKey::builder()
        .service_id("EC2")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build();
    let own = config.service_config().zip(key.ok());
    let own = own.and_then(|(settings, key)| settings.load_config(key));
    let suffix = if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else {
        "amazonaws.com"
    };
    own.or_else(|| config.endpoint_url().map(str::to_owned))
        .unwrap_or_else(|| format!("https://ec2.{region}.{suffix}"))
}

/// The text of all elements with a name and no child elements. Unescapes nothing: region names and
/// codes contain no XML special characters.
fn elements<'t>(xml: &'t str, name: &'t str) -> impl Iterator<Item = &'t str> {
    let tags = xml.split('<').skip(1).filter_map(|tag| tag.split_once('>'));
    let texts = tags
        .filter(move |(tag, _)| *tag == name)
        .map(|(_, text)| text.trim());
    texts.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::elements;

    #[test]
    fn elements_are_found() {
        let xml = "<a><regionName> eu-west-1 </regionName><b/><regionName>x</regionName><regionName/></a>";
        assert_eq!(
            elements(xml, "regionName").collect::<Vec<_>>(),
            ["eu-west-1", "x"]
        );
        assert_eq!(elements("", "Code").count(), 0);
    }
}

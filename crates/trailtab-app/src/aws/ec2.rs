//! The regions that EC2 lists.

use aws_config::SdkConfig;

use super::endpoint::DirectService;
use super::query;
use super::xml::elements;

const EC2: DirectService = DirectService {
    id: "EC2",
    name: "ec2",
};

/// Lists the account's enabled regions with `ec2:DescribeRegions`.
///
/// # Errors
///
/// Returns the reason of the failure.
pub async fn describe_regions(config: &SdkConfig) -> Result<Vec<String>, String> {
    let body = "Action=DescribeRegions&Version=2016-11-15".to_owned();
    let xml = query::ask(config, &EC2, body).await?;
    let regions: Vec<String> = elements(&xml, "regionName").map(str::to_owned).collect();
    match regions.is_empty() {
        true => Err("the answer names no regions".to_owned()),
        false => Ok(regions),
    }
}

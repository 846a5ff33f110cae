//! Which regions an account has.

use aws_config::SdkConfig;
use aws_sdk_account::types::RegionOptStatus;

use super::Asked;
use super::account::Account;
use super::region::ToRead;
use crate::aws;

/// The regions of each partition as the SDK's own endpoint rules know them in November 2026, those that
/// are enabled from the start first: all that began before 20 March 2019, by AWS's Account Management
/// Reference Guide.
const AWS: &[&str] = &[
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    // To be enabled by whoever wants them.
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-south-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-west-1",
    "eu-central-2",
    "eu-south-1",
    "eu-south-2",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
];
const ENABLED_FROM_THE_START: usize = 17;
const CHINA: &[&str] = &["cn-north-1", "cn-northwest-1"];
const GOVERNMENT: &[&str] = &["us-gov-east-1", "us-gov-west-1"];

/// What is known of an account's regions.
#[derive(Debug, Clone)]
pub(super) enum Known {
    NotAsked,
    /// Those that are enabled.
    Enabled(Vec<String>),
    /// Nobody may tell.
    NotAllowed,
}

/// Tells which regions to read: those that the user named, or else all that are enabled.
pub(super) async fn to_read(account: &Account, asked: &Asked) -> Vec<ToRead> {
    let enabled = |name: String| ToRead {
        name,
        is_enabled: true,
    };
    if are_named(asked) {
        let named = asked.regions.iter().map(|name| name.to_ascii_lowercase());
        let mut named: Vec<String> = named.collect();
        named.sort_unstable();
        named.dedup();
        return named.into_iter().map(enabled).collect();
    }
    let (_, config) = account.config();
    let known = match &account.regions {
        Known::NotAsked => known(&config).await,
        known => known.clone(),
    };
    let regions = match known {
        Known::Enabled(names) => names.into_iter().map(enabled).collect(),
        _ => table(&account.partition, aws::region_of(&config).as_ref()),
    };
    let wanted = |region: &ToRead| asked.filter.admits_region(&region.name);
    regions.into_iter().filter(wanted).collect()
}

/// Tells whether the user named all regions, so that nobody has to be asked.
pub(super) fn are_named(asked: &Asked) -> bool {
    !asked.regions.is_empty() && !asked.regions.iter().any(|name| is_pattern(name))
}

/// Finds out which regions are enabled, by `ec2:DescribeRegions` or `account:ListRegions`, if either
/// is allowed.
pub(super) async fn known(config: &SdkConfig) -> Known {
    let listed = match aws::describe_regions(config).await {
        Ok(names) => Some(names),
        Err(_) => list_regions(config).await,
    };
    listed.map_or(Known::NotAllowed, Known::Enabled)
}

pub(super) fn is_pattern(name: &str) -> bool {
    name.starts_with('!') || name.contains(['*', '?'])
}

/// Lists the regions that are enabled, by `account:ListRegions`.
async fn list_regions(config: &SdkConfig) -> Option<Vec<String>> {
    let mut pages = aws::account(config)
        .list_regions()
        .region_opt_status_contains(RegionOptStatus::Enabled)
        .region_opt_status_contains(RegionOptStatus::EnabledByDefault)
        .into_paginator()
        .send();
    let mut names = Vec::new();
    while let Some(page) = pages.next().await {
        let regions = page.ok()?.regions.unwrap_or_default();
        let is_on = |status: Option<&RegionOptStatus>| {
            matches!(
                status,
                Some(RegionOptStatus::Enabled | RegionOptStatus::EnabledByDefault)
            )
        };
        let on = regions
            .into_iter()
            .filter(|region| is_on(region.region_opt_status()));
        names.extend(on.filter_map(|region| region.region_name));
    }
    (!names.is_empty()).then_some(names)
}

/// All regions of a partition; of one that is not known, the one at hand.
fn table(partition: &str, configured: &str) -> Vec<ToRead> {
    let names = match partition {
        "aws" => AWS,
        "aws-cn" => CHINA,
        "aws-us-gov" => GOVERNMENT,
        _ => &[configured],
    };
    let regions = names.iter().enumerate().map(|(index, name)| ToRead {
        name: (*name).to_owned(),
        is_enabled: index < ENABLED_FROM_THE_START,
    });
    regions.collect()
}

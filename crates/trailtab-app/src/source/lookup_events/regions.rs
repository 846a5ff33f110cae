//! Which regions an account has.

use aws_config::SdkConfig;
use aws_sdk_account::types::RegionOptStatus;

use super::LookupRequest;
use super::account::TargetAccount;
use super::region::ToRead;
use crate::aws;
use trailtab_core::event::filter::TextPattern;
use trailtab_core::regions as core_regions;

/// A region in --region that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegionError {
    /// There is no region of this name.
    #[error(
        "--region {name}: there is no such region{}; a region newer than this version of trailtab can be named by a pattern, as in --region '{name}*'",
        meant(name, &[])
    )]
    Unknown {
        /// The name as it was given.
        name: String,
    },
    /// The pattern matches no region.
    #[error(
        "--region {pattern}: no region fits this pattern{}",
        meant(pattern, known)
    )]
    NoMatch {
        /// The pattern as it was given.
        pattern: String,
        /// The regions of the account, if they could be listed.
        known: Vec<String>,
    },
}

/// The region that was meant perhaps.
fn meant(name: &str, known: &[String]) -> String {
    let table: Vec<&str> = core_regions::all().collect();
    let listed = known.iter().map(String::as_str);
    let nearest = core_regions::nearest(name, listed.chain(table));
    nearest.map_or(String::new(), |nearest| {
        format!(" (did you mean {nearest}?)")
    })
}

/// Checks the regions that are named in full: each becomes part of a host's name.
///
/// # Errors
///
/// If a region is not in the table.
pub(super) fn check_names(asked: &LookupRequest) -> Result<(), RegionError> {
    let named = asked.regions.iter().filter(|name| !is_pattern(name));
    let unknown = named.into_iter().find(|name| !core_regions::is_known(name));
    unknown.map_or(Ok(()), |name| {
        Err(RegionError::Unknown { name: name.clone() })
    })
}

/// Checks that each pattern fits a region of the partition, or one that the account has.
///
/// # Errors
///
/// If a pattern fits none.
pub(super) fn check_patterns(
    asked: &LookupRequest,
    partition: &str,
    known: &KnownRegions,
) -> Result<(), RegionError> {
    let known: &[String] = match known {
        KnownRegions::Enabled(names) => names,
        KnownRegions::NotAsked | KnownRegions::NotAllowed => &[],
    };
    let table = core_regions::of_partition(partition);
    // The regions of other partitions are not known.
    if table.is_empty() {
        return Ok(());
    }
    let patterns = asked.regions.iter().filter(|name| is_pattern(name));
    for pattern in patterns.filter(|pattern| !pattern.starts_with('!')) {
        let fits = TextPattern::new(pattern);
        let mut names = table
            .iter()
            .copied()
            .chain(known.iter().map(String::as_str));
        if !names.any(|name| fits.matches(name)) {
            return Err(RegionError::NoMatch {
                pattern: pattern.clone(),
                known: known.to_vec(),
            });
        }
    }
    Ok(())
}

/// What is known of an account's regions.
#[derive(Debug, Clone)]
pub(super) enum KnownRegions {
    NotAsked,
    /// Those that are enabled.
    Enabled(Vec<String>),
    /// Nobody may tell.
    NotAllowed,
}

/// Tells which regions to read: those that the user named, or else all that are enabled.
pub(super) async fn to_read(account: &TargetAccount, asked: &LookupRequest) -> Vec<ToRead> {
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
        KnownRegions::NotAsked => known(&config).await,
        known => known.clone(),
    };
    let regions = match known {
        KnownRegions::Enabled(names) => names.into_iter().map(enabled).collect(),
        _ => table(&account.partition, aws::region_of(&config).as_ref()),
    };
    let wanted = |region: &ToRead| asked.filter.admits_region(&region.name);
    regions.into_iter().filter(wanted).collect()
}

/// Tells whether the user named all regions, so that nobody has to be asked.
pub(super) fn are_named(asked: &LookupRequest) -> bool {
    !asked.regions.is_empty() && !asked.regions.iter().any(|name| is_pattern(name))
}

/// Finds out which regions are enabled, by `ec2:DescribeRegions` or `account:ListRegions`, if either
/// is allowed.
pub(super) async fn known(config: &SdkConfig) -> KnownRegions {
    let listed = match aws::describe_regions(config).await {
        Ok(names) => Some(names),
        Err(_) => list_regions(config).await,
    };
    listed.map_or(KnownRegions::NotAllowed, KnownRegions::Enabled)
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
        let regions = page.ok()?.regions?;
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
    let names = match core_regions::of_partition(partition) {
        [] => &[configured],
        names => names,
    };
    let regions = names.iter().enumerate().map(|(index, name)| ToRead {
        name: (*name).to_owned(),
        is_enabled: index < core_regions::ALWAYS_ENABLED,
    });
    regions.collect()
}

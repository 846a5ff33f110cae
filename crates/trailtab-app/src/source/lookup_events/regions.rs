//! Determines which regions of an account to read.

use std::collections::BTreeSet;

use aws_config::SdkConfig;
use aws_sdk_account::types::RegionOptStatus;

use super::LookupRequest;
use super::account::TargetAccount;
use super::region::ToRead;
use crate::aws;
use trailtab_core::event::filter::TextPattern;
use trailtab_core::regions as core_regions;
use trailtab_core::scope::{InvalidRegion, Region};

/// A value of --region that matches no region.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegionError {
    /// There is no region of this name.
    #[error(
        "--region {name}: there is no such region{}; a region newer than this version of trailtab can be named by a pattern, as in --region '{name}*'",
        meant(name, &[])
    )]
    Unknown {
        /// The name as given.
        name: String,
    },
    /// The pattern matches no region.
    #[error(
        "--region {pattern}: no region matches this pattern{}",
        meant(pattern, known)
    )]
    NoMatch {
        /// The pattern as given.
        pattern: String,
        /// The account's regions, if they could be listed.
        known: Vec<String>,
    },
}

/// A suggestion: the nearest region name.
fn meant(name: &str, known: &[String]) -> String {
    let table: Vec<&str> = core_regions::all().collect();
    let listed = known.iter().map(String::as_str);
    let nearest = core_regions::nearest(name, listed.chain(table));
    nearest.map_or(String::new(), |nearest| {
        format!(" (did you mean {nearest}?)")
    })
}

/// Checks regions named in full. Each becomes part of a host name.
///
/// # Errors
///
/// If a region is not in the table. With an endpoint of its own, a region may have any name.
pub(super) fn check_names(asked: &LookupRequest, has_endpoint: bool) -> Result<(), RegionError> {
    let is_possible = |name: &str| name.to_ascii_lowercase().parse::<Region>().is_ok();
    let is_valid = |name: &str| core_regions::is_known(name) || (has_endpoint && is_possible(name));
    let mut named = asked.regions.iter().filter(|name| !is_pattern(name));
    let unknown = named.find(|name| !is_valid(name));
    unknown.map_or(Ok(()), |name| {
        Err(RegionError::Unknown { name: name.clone() })
    })
}

/// Checks that each pattern matches a region of the partition or of the account.
///
/// # Errors
///
/// Fails if a pattern matches none.
pub(super) fn check_patterns(
    asked: &LookupRequest,
    partition: &str,
    known: &KnownRegions,
) -> Result<(), RegionError> {
    let known: &[Region] = match known {
        KnownRegions::Enabled(regions) => regions,
        KnownRegions::NotAsked | KnownRegions::NotAllowed => &[],
    };
    let table = core_regions::of_partition(partition);
    // The regions of other partitions are unknown.
    if table.is_empty() {
        return Ok(());
    }
    let patterns = asked.regions.iter().filter(|name| is_pattern(name));
    for pattern in patterns.filter(|pattern| !pattern.starts_with('!')) {
        let fits = TextPattern::new(pattern);
        let mut names = table
            .iter()
            .copied()
            .chain(known.iter().map(Region::as_str));
        if !names.any(|name| fits.matches(name)) {
            return Err(RegionError::NoMatch {
                pattern: pattern.clone(),
                known: known.iter().map(Region::to_string).collect(),
            });
        }
    }
    Ok(())
}

/// What is known about an account's regions.
#[derive(Debug, Clone)]
pub(super) enum KnownRegions {
    NotAsked,
    /// Those that are enabled.
    Enabled(Vec<Region>),
    /// No permission to ask.
    NotAllowed,
}

/// The regions to read: those named by the user, or else all enabled ones that pass the filter.
pub(super) async fn to_read(account: &TargetAccount, asked: &LookupRequest) -> Vec<ToRead> {
    let enabled = |name: Region| ToRead {
        name,
        is_enabled: true,
    };
    if are_named(asked) {
        // `check_names` has refused what cannot be a name.
        let named = asked.regions.iter().map(|name| name.to_ascii_lowercase());
        let named: BTreeSet<Region> = named.filter_map(|name| name.parse().ok()).collect();
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
    let wanted = |region: &ToRead| asked.scopes.admits_region(region.name.as_str());
    regions.into_iter().filter(wanted).collect()
}

/// Returns whether the user named all regions in full, so that listing regions is unnecessary.
pub(super) fn are_named(asked: &LookupRequest) -> bool {
    !asked.regions.is_empty() && !asked.regions.iter().any(|name| is_pattern(name))
}

/// Lists the enabled regions with `ec2:DescribeRegions`, or else `account:ListRegions`.
pub(super) async fn known(config: &SdkConfig) -> KnownRegions {
    let listed = match aws::describe_regions(config).await {
        Ok(names) => Some(names),
        Err(_) => list_regions(config).await,
    };
    let regions = listed.map(|names| names.iter().map(|name| name.parse()).collect());
    match regions {
        Some(Ok(regions)) => KnownRegions::Enabled(regions),
        // A list with a name of another form is not understood.
        Some(Err(InvalidRegion)) | None => KnownRegions::NotAllowed,
    }
}

pub(super) fn is_pattern(name: &str) -> bool {
    name.starts_with('!') || name.contains(['*', '?'])
}

/// Lists the enabled regions with `account:ListRegions`.
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

/// All regions of a partition; for an unknown partition, the configured region.
fn table(partition: &str, configured: &str) -> Vec<ToRead> {
    let names = match core_regions::of_partition(partition) {
        [] => &[configured],
        names => names,
    };
    let regions = names.iter().enumerate().filter_map(|(index, name)| {
        Some(ToRead {
            name: name.parse().ok()?,
            is_enabled: index < core_regions::ALWAYS_ENABLED,
        })
    });
    regions.collect()
}

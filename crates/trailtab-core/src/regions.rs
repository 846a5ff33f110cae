//! The regions of AWS by partition, and the known name that is most similar to a given one.

use crate::nearest;

/// A partition: regions that share accounts and credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    /// As in the ARNs of its resources.
    pub id: &'static str,
    regions: &'static [&'static str],
}

/// The partitions and regions that the endpoint rules of the AWS SDK list in November 2026. In `aws`, the
/// regions that are enabled in every account come first: those that opened before 20 March 2019, according to
/// the AWS Account Management Reference Guide.
const PARTITIONS: &[Partition] = &[
    Partition {
        id: "aws",
        regions: &[
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
            // Accounts must opt in to the following regions.
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
        ],
    },
    Partition {
        id: "aws-cn",
        regions: &["cn-north-1", "cn-northwest-1"],
    },
    Partition {
        id: "aws-us-gov",
        regions: &["us-gov-east-1", "us-gov-west-1"],
    },
    Partition {
        id: "aws-eusc",
        regions: &["eusc-de-east-1"],
    },
    Partition {
        id: "aws-iso",
        regions: &["us-iso-east-1", "us-iso-west-1"],
    },
    Partition {
        id: "aws-iso-b",
        regions: &["us-isob-east-1", "us-isob-west-1"],
    },
    Partition {
        id: "aws-iso-e",
        regions: &["eu-isoe-west-1"],
    },
    Partition {
        id: "aws-iso-f",
        regions: &["us-isof-east-1", "us-isof-south-1"],
    },
];

/// Number of regions of `aws`, from the first one on, that are enabled in every account.
pub const ALWAYS_ENABLED: usize = 17;

/// The regions of a partition, given its id; empty for an unknown id.
pub fn of_partition(id: &str) -> &'static [&'static str] {
    let partition = PARTITIONS.iter().find(|partition| partition.id == id);
    partition.map_or(&[], |partition| partition.regions)
}

/// The id of the partition that a region belongs to; `None` for a region that is not in the table.
pub fn partition_of(region: &str) -> Option<&'static str> {
    let mut partitions = PARTITIONS.iter();
    let partition = partitions.find(|partition| partition.regions.contains(&region));
    partition.map(|partition| partition.id)
}

/// All regions of all partitions.
pub fn all() -> impl Iterator<Item = &'static str> {
    let regions = PARTITIONS.iter().flat_map(|partition| partition.regions);
    regions.copied()
}

/// Returns whether a region is in the table. Case is ignored.
pub fn is_known(name: &str) -> bool {
    all().any(|region| region.eq_ignore_ascii_case(name))
}

/// Returns the region whose name is most similar to `name`; `None` if there are no regions.
pub fn nearest<'r>(name: &str, regions: impl IntoIterator<Item = &'r str>) -> Option<&'r str> {
    let sorted = nearest::sorted(&[name], regions);
    sorted.first().map(|(_, region)| *region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_known_in_any_case() {
        assert!(is_known("eu-central-1") && is_known("EU-Central-1") && is_known("us-isob-east-1"));
        assert!(!is_known("eu-centrl-1") && !is_known("") && !is_known("aws-global"));
    }

    #[test]
    fn the_nearest_region_is_the_one_that_was_meant() {
        for (written, meant) in [
            ("eu-centrl-1", "eu-central-1"),
            ("eu-cetnral-1", "eu-central-1"),
            ("us-east1", "us-east-1"),
            ("EU-WEST-11", "eu-west-1"),
            ("us-gov-east", "us-gov-east-1"),
        ] {
            assert_eq!(nearest(written, all()), Some(meant), "{written}");
        }
        assert_eq!(nearest("eu-central-1", []), None);
    }

    #[test]
    fn the_first_regions_are_enabled_in_every_account() {
        let regions = of_partition("aws");
        assert_eq!(regions[ALWAYS_ENABLED - 1], "sa-east-1");
        assert_eq!(regions[ALWAYS_ENABLED], "af-south-1");
        assert!(of_partition("aws-moon").is_empty());
    }

    #[test]
    fn a_region_is_in_one_partition() {
        assert_eq!(partition_of("eu-west-1"), Some("aws"));
        assert_eq!(partition_of("cn-north-1"), Some("aws-cn"));
        assert_eq!(partition_of("eu-west-99"), None);
        let listed: Vec<&str> = all().collect();
        let distinct: std::collections::BTreeSet<&str> = all().collect();
        assert_eq!(listed.len(), distinct.len());
    }
}

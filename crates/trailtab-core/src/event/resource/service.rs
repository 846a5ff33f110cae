//! The names that event sources and bills have for the services of ARNs.

use std::sync::LazyLock;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::kind::rows;

/// The names as data; the head of the file explains its columns.
const SERVICES: &str = include_str!("services.txt");

static ALIASES: LazyLock<HashMap<&'static str, &'static str, FixedState>> = LazyLock::new(|| {
    let pairs = rows(SERVICES).filter_map(|line| line.split_once(' '));
    pairs
        .flat_map(|(service, names)| names.split_whitespace().map(move |name| (name, service)))
        .collect()
});

/// The service as in ARNs. `name` is that, an event source (`monitoring.amazonaws.com`), or the product
/// code of a bill (`AmazonCloudWatch`); a name that is not known stands for itself.
pub(crate) fn service_of(name: &str) -> &str {
    let short = name.strip_suffix(".amazonaws.com").unwrap_or(name);
    ALIASES.get(short).copied().unwrap_or(short)
}

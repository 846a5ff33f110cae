//! The list of metrics that have a place, shared by all runs with the same ledger.

use crate::deliver::ledger::{LedgerError, ObjectVersion, SendLedger};
use trailtab_core::activity::usage::UsageTally;
use trailtab_core::activity::usage::kept::MetricLimit;
use trailtab_core::activity::usage::metrics::{MetricSets, MinuteDatum};

/// The metrics that are kept, with the version of the stored list.
#[derive(Debug)]
pub struct KeptMetrics {
    kept: MetricLimit,
    version: Option<ObjectVersion>,
    /// Whether the list is as it was loaded or stored. A store that failed or was cut off leaves it false.
    is_stored: bool,
    top: usize,
    /// Why the stored list was replaced by an empty one.
    pub trouble: Option<String>,
}

/// Maximum attempts to store the list while other runs change it.
const MAX_STORE_ATTEMPTS: usize = 8;

impl KeptMetrics {
    /// Creates an empty list. `top` is the maximum number of metrics in each set.
    pub fn new(top: usize) -> KeptMetrics {
        KeptMetrics {
            kept: MetricLimit::new(top),
            version: None,
            is_stored: false,
            top,
            trouble: None,
        }
    }

    /// Converts counts to data. All runs that share a ledger keep the same metrics.
    ///
    /// # Errors
    ///
    /// Fails if the list cannot be read or written.
    pub async fn data(
        &mut self,
        usage: &UsageTally,
        sets: &MetricSets,
        remembered: Option<(&SendLedger, &str)>,
    ) -> Result<Vec<MinuteDatum>, LedgerError> {
        let Some((ledger, key)) = remembered else {
            self.is_stored = false;
            return Ok(self.kept.data(usage, sets));
        };
        for _ in 0..MAX_STORE_ATTEMPTS {
            if !self.is_stored {
                self.load(ledger, key).await?;
            }
            // The list is changed in place, since a copy of a long one would take much memory.
            let before = self.kept.places_taken();
            let data = self.kept.data(usage, sets);
            if self.kept.places_taken() == before {
                return Ok(data);
            }
            self.is_stored = false;
            let json = self.kept.to_json();
            let stored = ledger.store(key, &json, self.version.as_ref()).await?;
            if stored.is_some() {
                (self.version, self.is_stored) = (stored, true);
                return Ok(data);
            }
        }
        Err(ledger.contended(key))
    }

    /// Loads the stored list.
    ///
    /// # Errors
    ///
    /// Fails if the list cannot be read.
    pub async fn load(&mut self, ledger: &SendLedger, key: &str) -> Result<(), LedgerError> {
        let found = ledger.load(key).await?;
        (self.kept, self.version) = match found {
            Some((json, version)) => {
                let kept = MetricLimit::read(&json, self.top).unwrap_or_else(|error| {
                    self.trouble = Some(format!(
                        "the list of kept metrics {key} was invalid and is replaced, so further metrics may be made: {error}"
                    ));
                    MetricLimit::new(self.top)
                });
                (kept, Some(version))
            }
            None => (MetricLimit::new(self.top), None),
        };
        self.is_stored = true;
        Ok(())
    }
}

//! The quota of LookupEvents: a bucket of tokens for each account and region.

/// The rate at which requests are granted, and another client that shares it.
#[derive(Debug, Clone)]
pub(crate) struct Quota {
    pub(crate) rate: f64,
    pub(crate) burst: f64,
    pub(crate) others: Vec<Other>,
}

impl Default for Quota {
    fn default() -> Quota {
        Quota {
            rate: 2.0,
            burst: 2.0,
            others: Vec::new(),
        }
    }
}

/// Another caller in the account and region, such as the console: one request every `1 / rate`
/// seconds from one time until before another, on the server's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Other {
    pub(crate) rate: f64,
    pub(crate) from: f64,
    pub(crate) until: f64,
}

/// What is left of a quota. Times are handed in, so that it can be tested without waiting.
#[derive(Debug)]
pub(crate) struct Bucket {
    quota: Quota,
    tokens: f64,
    at: f64,
}

impl Bucket {
    pub(crate) fn new(quota: &Quota) -> Bucket {
        Bucket {
            quota: quota.clone(),
            tokens: quota.burst,
            at: 0.0,
        }
    }

    /// Takes a token if there is one; otherwise the bucket is unchanged.
    pub(crate) fn take(&mut self, now: f64) -> bool {
        while let Some(other) = self.quota.others.iter_mut().min_by(by_time)
            && other.from <= now
        {
            let time = other.from;
            other.from += 1.0 / other.rate;
            self.quota.others.retain(|other| other.from < other.until);
            self.take_at(time);
        }
        self.take_at(now)
    }

    /// Returns the token of a request that was refused after all.
    pub(crate) fn give_back(&mut self) {
        self.tokens = (self.tokens + 1.0).min(self.quota.burst);
    }

    fn take_at(&mut self, now: f64) -> bool {
        // Threads may come here in another order than their requests did.
        let passed = (now - self.at).max(0.0);
        self.at = self.at.max(now);
        self.tokens = (self.tokens + passed * self.quota.rate).min(self.quota.burst);
        // Half a second at two tokens a second is a whole token, despite rounding.
        let granted = self.tokens > 1.0 - 1e-9;
        if granted {
            self.tokens -= 1.0;
        }
        granted
    }
}

fn by_time(one: &&mut Other, other: &&mut Other) -> std::cmp::Ordering {
    one.from.total_cmp(&other.from)
}

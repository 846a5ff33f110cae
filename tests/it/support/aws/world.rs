//! What exists: accounts with their regions and events, roles, trails, an organisation.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use serde_json::Value;

use super::bill::Bill;
use super::events::Event;
use super::quota::{Other, Quota};

/// Event history forgets what is older.
pub(crate) const KEPT_SECONDS: i64 = 90 * 86_400;

/// Whether an account uses a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OptIn {
    ByDefault,
    Enabled,
    Disabled,
}

/// A region of an account.
#[derive(Debug, Clone)]
pub(crate) struct Region {
    /// Newest first.
    pub(crate) events: Vec<Event>,
    pub(crate) quota: Quota,
    /// How many milliseconds an answer takes.
    pub(crate) latency: RangeInclusive<u64>,
    pub(crate) opt_in: OptIn,
}

impl Region {
    /// A region without events, with the quota that AWS documents, which answers at once.
    pub(crate) fn new() -> Region {
        Region {
            events: Vec::new(),
            quota: Quota::default(),
            latency: 0..=0,
            opt_in: OptIn::ByDefault,
        }
    }

    /// Adds events, in whichever order they come.
    pub(crate) fn events(mut self, events: Vec<Event>) -> Region {
        self.events.extend(events);
        self.events.sort_by_key(|event| -event.time);
        self
    }

    pub(crate) fn quota(mut self, rate: f64, burst: f64) -> Region {
        self.quota.rate = rate;
        self.quota.burst = burst;
        self
    }

    /// Lets another caller take from the quota: see [`Other`].
    pub(crate) fn other(mut self, rate: f64, from: f64, until: f64) -> Region {
        self.quota.others.push(Other { rate, from, until });
        self
    }

    pub(crate) fn latency(mut self, milliseconds: RangeInclusive<u64>) -> Region {
        self.latency = milliseconds;
        self
    }

    pub(crate) fn opt_in(mut self, opt_in: OptIn) -> Region {
        self.opt_in = opt_in;
        self
    }
}

#[derive(Debug, Default)]
pub(crate) struct Account {
    pub(crate) regions: BTreeMap<String, Region>,
    /// The names of the roles that every caller may assume.
    pub(crate) roles: BTreeSet<String>,
    /// Trails as DescribeTrails lists them.
    pub(crate) trails: Vec<Value>,
    /// Actions that are denied in the account, such as `ec2:DescribeRegions`.
    pub(crate) denied: BTreeSet<String>,
}

/// An account as its organisation knows it.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) id: String,
    pub(crate) name: String,
    /// `ACTIVE`, `SUSPENDED`, `PENDING_CLOSURE`, `CLOSED` or `PENDING_ACTIVATION`.
    pub(crate) state: &'static str,
}

#[derive(Debug)]
pub(crate) struct Organization {
    /// The account that may list the others.
    pub(crate) management: String,
    pub(crate) members: Vec<Member>,
}

/// How long issued credentials last, in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lifetime {
    /// What their expiration says.
    pub(crate) said: f64,
    /// When the server stops accepting them.
    pub(crate) real: f64,
}

/// When tokens for a next page end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TokenLife {
    pub(crate) uses: usize,
    pub(crate) seconds: f64,
}

#[derive(Debug)]
pub(crate) struct World {
    /// The end of the 90 days, in seconds since 1970.
    pub(crate) now: i64,
    pub(crate) accounts: BTreeMap<String, Account>,
    pub(crate) organization: Option<Organization>,
    /// By the account that pays.
    pub(crate) bills: BTreeMap<String, Bill>,
    /// Keys as ListPublicKeys lists them, with their region.
    pub(crate) public_keys: Vec<(String, Value)>,
    pub(crate) lifetime: Lifetime,
    pub(crate) token_life: TokenLife,
    /// How many milliseconds a new connection takes until it can be used.
    pub(crate) handshake: u64,
}

impl World {
    pub(crate) fn new(now: i64) -> World {
        World {
            now,
            accounts: BTreeMap::new(),
            organization: None,
            bills: BTreeMap::new(),
            public_keys: Vec::new(),
            lifetime: Lifetime {
                said: 3600.0,
                real: 3600.0,
            },
            token_life: TokenLife {
                uses: usize::MAX,
                seconds: f64::INFINITY,
            },
            handshake: 0,
        }
    }

    /// Adds an account; it has us-east-1 at least.
    pub(crate) fn account(self, account: &str) -> World {
        self.change(account, |account| {
            let regions = account.regions.entry("us-east-1".to_owned());
            regions.or_insert_with(Region::new);
        })
    }

    pub(crate) fn region(self, account: &str, name: &str, region: Region) -> World {
        self.change(account, |account| {
            account.regions.insert(name.to_owned(), region);
        })
    }

    /// Adds a role that may be assumed.
    pub(crate) fn role(self, account: &str, name: &str) -> World {
        self.change(account, |account| {
            account.roles.insert(name.to_owned());
        })
    }

    /// Adds a trail, with the members that DescribeTrails gives it.
    pub(crate) fn trail(self, account: &str, trail: Value) -> World {
        self.change(account, |account| account.trails.push(trail))
    }

    /// Denies an action, such as `ec2:DescribeRegions`, to all callers of an account.
    pub(crate) fn deny(self, account: &str, action: &str) -> World {
        self.change(account, |account| {
            account.denied.insert(action.to_owned());
        })
    }

    /// Makes accounts an organisation. The management account must be listed as a member, too.
    pub(crate) fn organization(mut self, management: &str, members: Vec<Member>) -> World {
        self.organization = Some(Organization {
            management: management.to_owned(),
            members,
        });
        self
    }

    /// Lets an account pay for itself and others: Cost Explorer tells it of all of them.
    pub(crate) fn bill(mut self, payer: &str, bill: Bill) -> World {
        self.bills.insert(payer.to_owned(), bill);
        self.account(payer)
    }

    /// Adds a key that signs digests, with the members that ListPublicKeys gives it.
    pub(crate) fn public_key(mut self, region: &str, key: Value) -> World {
        self.public_keys.push((region.to_owned(), key));
        self
    }

    /// Lets credentials that are issued end, possibly sooner than they say.
    pub(crate) fn lifetime(mut self, said: f64, real: f64) -> World {
        self.lifetime = Lifetime { said, real };
        self
    }

    /// Lets tokens for a next page end after some uses or seconds.
    pub(crate) fn token_life(mut self, uses: usize, seconds: f64) -> World {
        self.token_life = TokenLife { uses, seconds };
        self
    }

    /// Lets a new connection take its time, as TLS over some distance does.
    pub(crate) fn handshake(mut self, milliseconds: u64) -> World {
        self.handshake = milliseconds;
        self
    }

    fn change(mut self, account: &str, change: impl FnOnce(&mut Account)) -> World {
        change(self.accounts.entry(account.to_owned()).or_default());
        self
    }

    /// The region, if the account has it enabled.
    pub(crate) fn enabled(&self, account: &str, region: &str) -> Option<&Region> {
        let region = self.accounts.get(account)?.regions.get(region)?;
        (region.opt_in != OptIn::Disabled).then_some(region)
    }

    /// The events between two times, both included, as Event history keeps them: newest first.
    pub(crate) fn truth(&self, account: &str, region: &str, since: i64, until: i64) -> &[Event] {
        let Some(region) = self.enabled(account, region) else {
            return &[];
        };
        let since = since.max(self.now - KEPT_SECONDS);
        let first = region.events.partition_point(|event| event.time > until);
        let end = region.events.partition_point(|event| event.time >= since);
        &region.events[first.min(end)..end]
    }
}

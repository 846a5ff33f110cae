//! The fields of events that a run needs, for engines that aggregate before we count.
//!
//! An engine such as Amazon Athena returns one row per group of equal events. The counters and filters of the run
//! decide which fields the group key has.

/// The time resolution of a group of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum CallGrain {
    /// Events of the same hour (UTC) may be one row.
    #[default]
    Hour,
    /// Events of the same minute may be one row.
    Minute,
    /// Each event is a row of its own, with all members of its record.
    Event,
}

/// The fields of an event that a run needs besides its API, account, Region, time and outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecordNeeds {
    /// The time resolution of a group of events.
    pub grain: CallGrain,
    /// Who made the call: the members of `userIdentity` that identify the caller.
    pub caller: bool,
    /// The access key id of the caller.
    pub access_key: bool,
    /// `sourceIPAddress`.
    pub address: bool,
    /// `userAgent`.
    pub user_agent: bool,
    /// `additionalEventData.service`, which distinguishes services that share an eventSource.
    pub shared_service: bool,
    /// The only calls that are kept of those that the filters admit; None for all.
    pub kept: Option<FirstCalls>,
}

/// The first calls in an order: by time and then by eventID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstCalls {
    /// How many of them.
    pub count: u64,
    /// Whether the order is that of the newest first.
    pub newest_first: bool,
}

impl RecordNeeds {
    /// Each event with its whole record.
    pub const WHOLE_RECORDS: RecordNeeds = RecordNeeds {
        grain: CallGrain::Event,
        caller: true,
        access_key: true,
        address: true,
        user_agent: true,
        shared_service: true,
        kept: None,
    };

    /// What either of them needs.
    #[must_use]
    pub fn and(self, other: RecordNeeds) -> RecordNeeds {
        let both = RecordNeeds {
            grain: self.grain.max(other.grain),
            caller: self.caller || other.caller,
            access_key: self.access_key || other.access_key,
            address: self.address || other.address,
            user_agent: self.user_agent || other.user_agent,
            shared_service: self.shared_service || other.shared_service,
            // The other one may need all calls.
            kept: None,
        };
        match both.grain {
            CallGrain::Event => RecordNeeds::WHOLE_RECORDS,
            CallGrain::Hour | CallGrain::Minute => both,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_needs_are_met() {
        let caller = RecordNeeds {
            caller: true,
            ..RecordNeeds::default()
        };
        let by_minute = RecordNeeds {
            grain: CallGrain::Minute,
            address: true,
            ..RecordNeeds::default()
        };
        let both = caller.and(by_minute);
        assert!(both.caller && both.address && !both.user_agent);
        assert_eq!(both.grain, CallGrain::Minute);
        assert_eq!(by_minute.and(caller), both);
        let events = RecordNeeds {
            grain: CallGrain::Event,
            ..RecordNeeds::default()
        };
        assert_eq!(caller.and(events), RecordNeeds::WHOLE_RECORDS);
    }
}

//! What a filter compares, and which filters refuse an event.

/// What a filter compares; each is an option of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Criterion {
    /// The outcome of the call, `--activity-type`.
    ActivityType,
    /// Calls that AWS refused, `--denied`.
    Denied,
    /// The principal, `--principal`.
    Principal,
    /// The person behind the principal, `--person`.
    Person,
    /// The name of the role session, `--session`.
    Session,
    /// The access key in `userIdentity`, `--access-key-id`.
    AccessKey,
    /// The service, `--event-source`.
    EventSource,
    /// The API, `--event-name`.
    EventName,
    /// A resource that the call names, `--resource`.
    Resource,
    /// A value of the request, `--request`.
    Request,
    /// The error code of a failed call, `--error-code`.
    ErrorCode,
    /// The address in `sourceIPAddress`, `--ip`.
    Ip,
    /// The `userAgent`, `--user-agent`.
    UserAgent,
    /// The region, `--region`.
    Region,
    /// The account that recorded the event, `--account`.
    Account,
    /// Calls whose record says `readOnly: true`, `--read-only`.
    ReadOnly,
    /// Calls whose record says `readOnly: false`, `--write-only`.
    WriteOnly,
    /// Calls that AWS services made, also with the identity of another, left out by
    /// `--exclude-aws-services`.
    ExcludeAwsServices,
    /// Calls of this program, left out by `--exclude-self`.
    ExcludeSelf,
}

impl Criterion {
    /// All criteria, in the order of their declaration.
    pub const ALL: [Criterion; 19] = [
        Criterion::ActivityType,
        Criterion::Denied,
        Criterion::Principal,
        Criterion::Person,
        Criterion::Session,
        Criterion::AccessKey,
        Criterion::EventSource,
        Criterion::EventName,
        Criterion::Resource,
        Criterion::Request,
        Criterion::ErrorCode,
        Criterion::Ip,
        Criterion::UserAgent,
        Criterion::Region,
        Criterion::Account,
        Criterion::ReadOnly,
        Criterion::WriteOnly,
        Criterion::ExcludeAwsServices,
        Criterion::ExcludeSelf,
    ];

    /// The option that sets the filter.
    pub fn option(self) -> &'static str {
        match self {
            Criterion::ActivityType => "--activity-type",
            Criterion::Denied => "--denied",
            Criterion::Principal => "--principal",
            Criterion::Person => "--person",
            Criterion::Session => "--session",
            Criterion::AccessKey => "--access-key-id",
            Criterion::EventSource => "--event-source",
            Criterion::EventName => "--event-name",
            Criterion::Resource => "--resource",
            Criterion::Request => "--request",
            Criterion::ErrorCode => "--error-code",
            Criterion::Ip => "--ip",
            Criterion::UserAgent => "--user-agent",
            Criterion::Region => "--region",
            Criterion::Account => "--account",
            Criterion::ReadOnly => "--read-only",
            Criterion::WriteOnly => "--write-only",
            Criterion::ExcludeAwsServices => "--exclude-aws-services",
            Criterion::ExcludeSelf => "--exclude-self",
        }
    }

    fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// The filters that refuse an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Refusals(u32);

impl Refusals {
    /// Returns whether no filter refuses the event.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The refusals of both.
    pub fn and(self, other: Refusals) -> Refusals {
        Refusals(self.0 | other.0)
    }

    /// Returns whether the filter of this criterion refuses the event.
    pub fn has(self, criterion: Criterion) -> bool {
        self.0 & criterion.bit() != 0
    }

    /// Returns whether exactly one filter refuses the event.
    pub fn is_one(self) -> bool {
        self.0.is_power_of_two()
    }

    pub(super) fn add(&mut self, criterion: Criterion, refuses: bool) {
        if refuses {
            self.0 |= criterion.bit();
        }
    }
}

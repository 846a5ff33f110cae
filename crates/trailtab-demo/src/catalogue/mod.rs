//! The APIs of the synthetic organisation: what a call asks, answers and how it fails.
//!
//! The tables hold JSON with holes (see `template`). A read answers `null`, as CloudTrail records it.

mod compute;
mod data;
mod governance;

/// One service as CloudTrail names it.
pub(super) struct ServiceSpec {
    /// The event source without `.amazonaws.com`; the tables of habits use it too.
    pub(super) name: &'static str,
    /// The prefix of IAM actions, where it differs from the name.
    pub(super) action: &'static str,
    /// Error code of a call that a policy does not allow.
    pub(super) denied: &'static str,
    /// Whether all calls are recorded in us-east-1.
    pub(super) global: bool,
    pub(super) apis: &'static [ApiSpec],
}

/// One API.
#[derive(Clone, Copy)]
pub(super) struct ApiSpec {
    pub(super) name: &'static str,
    pub(super) read: bool,
    pub(super) request: &'static str,
    pub(super) response: &'static str,
    /// The error this API gives now and then: code and message.
    pub(super) failure: Option<(&'static str, &'static str)>,
    /// Type and ARN of the resource, where CloudTrail writes `resources`.
    pub(super) resource: Option<(&'static str, &'static str)>,
    pub(super) additional: &'static str,
    pub(super) kind: EventKind,
}

/// The combination of `eventType` and `eventCategory`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum EventKind {
    Call,
    Data,
    ServiceEvent,
    ConsoleAction,
    SignIn,
}

/// All services.
pub(super) fn services() -> impl Iterator<Item = &'static ServiceSpec> {
    compute::SERVICES
        .iter()
        .chain(data::SERVICES)
        .chain(governance::SERVICES)
}

const fn service(
    name: &'static str,
    denied: &'static str,
    apis: &'static [ApiSpec],
) -> ServiceSpec {
    ServiceSpec {
        name,
        action: name,
        denied,
        global: false,
        apis,
    }
}

impl ServiceSpec {
    const fn acting_as(mut self, action: &'static str) -> ServiceSpec {
        self.action = action;
        self
    }

    const fn global(mut self) -> ServiceSpec {
        self.global = true;
        self
    }
}

/// A call that reads.
pub(super) const fn r(name: &'static str, request: &'static str) -> ApiSpec {
    ApiSpec {
        name,
        read: true,
        request,
        response: "null",
        failure: None,
        resource: None,
        additional: "",
        kind: EventKind::Call,
    }
}

/// A call that changes something.
pub(super) const fn w(
    name: &'static str,
    request: &'static str,
    response: &'static str,
) -> ApiSpec {
    ApiSpec {
        read: false,
        response,
        ..r(name, request)
    }
}

impl ApiSpec {
    const fn fails(mut self, code: &'static str, message: &'static str) -> ApiSpec {
        self.failure = Some((code, message));
        self
    }

    const fn on(mut self, kind: &'static str, arn: &'static str) -> ApiSpec {
        self.resource = Some((kind, arn));
        self
    }

    const fn with(mut self, additional: &'static str) -> ApiSpec {
        self.additional = additional;
        self
    }

    const fn answers(mut self, response: &'static str) -> ApiSpec {
        self.response = response;
        self
    }

    const fn of(mut self, kind: EventKind) -> ApiSpec {
        self.kind = kind;
        self
    }
}

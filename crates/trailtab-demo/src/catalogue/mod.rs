//! The APIs that the organisation calls: request, response and error of each.
//!
//! The tables hold templates (see `template`). The response of a read is `null`, as CloudTrail records it.

mod compute;
mod data;
mod governance;

/// A service.
pub(super) struct ServiceSpec {
    /// The event source without `.amazonaws.com`, as in the tables of habits.
    pub(super) name: &'static str,
    /// The prefix of its IAM actions.
    pub(super) action: &'static str,
    /// Error code of a call denied by a policy.
    pub(super) denied: &'static str,
    /// Whether all its calls are recorded in us-east-1.
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
    /// A typical error of this API: code and message.
    pub(super) failure: Option<(&'static str, &'static str)>,
    /// Type and ARN in `resources`, if CloudTrail writes it.
    pub(super) resource: Option<(&'static str, &'static str)>,
    pub(super) additional: &'static str,
    pub(super) kind: EventKind,
}

/// Determines `eventType`, `eventCategory` and `managementEvent`.
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

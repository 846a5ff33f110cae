//! Faults, injected by rules of a test.

use std::sync::Mutex;
use std::time::Duration;

use super::wire::{Error, Request};

#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// An error of the service. A throttle does not use the quota.
    Error(Error),
    /// The connection is closed before the response.
    Drop,
    /// The connection ends in the middle of the body.
    Cut,
    /// The answer comes late.
    Delay(Duration),
    /// The answer is no JSON.
    Garbage,
    /// A page of events, amounts or accounts is empty, and says that there is another.
    EmptyPage,
    /// A page of events or amounts says that the next one is itself.
    SameToken,
}

impl Fault {
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Fault {
        Fault::Error(Error::new(status, code, message))
    }

    pub(crate) fn throttling() -> Fault {
        Fault::Error(Error::throttling())
    }

    /// The error of a region that a service control policy denies.
    pub(crate) fn forbidden_by_policy() -> Fault {
        Fault::error(
            400,
            "AccessDeniedException",
            "User: arn:aws:iam::111122223333:user/trailtab is not authorized to perform: \
             cloudtrail:LookupEvents with an explicit deny in a service control policy",
        )
    }

    pub(crate) fn not_opted_in() -> Fault {
        let message = "The AWS Access Key Id needs a subscription for the service";
        Fault::error(403, "OptInRequired", message)
    }

    /// The name in the log of requests.
    pub(crate) fn name(&self) -> String {
        match self {
            Fault::Error(error) => error.code.clone(),
            other => format!("{other:?}"),
        }
    }
}

struct Rule {
    when: Box<dyn Fn(&Request) -> bool + Send>,
    left: usize,
    fault: Fault,
}

#[derive(Default)]
pub(crate) struct Faults {
    rules: Mutex<Vec<Rule>>,
}

impl Faults {
    pub(crate) fn add(
        &self,
        times: usize,
        fault: Fault,
        when: impl Fn(&Request) -> bool + Send + 'static,
    ) {
        self.rules.lock().unwrap().push(Rule {
            when: Box::new(when),
            left: times,
            fault,
        });
    }

    /// Returns the fault for a request, if any, and counts it.
    pub(crate) fn find(&self, request: &Request) -> Option<Fault> {
        let mut rules = self.rules.lock().unwrap();
        let rule = rules
            .iter_mut()
            .find(|rule| rule.left > 0 && (rule.when)(request))?;
        rule.left -= 1;
        Some(rule.fault.clone())
    }
}

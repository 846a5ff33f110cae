//! LookupEvents: pages of events, and the tokens that lead from one to the next.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::State;
use super::events::Random;
use super::fault::Fault;
use super::wire::{Error, Request};
use super::world::TokenLife;

const MOST: i64 = 50;

const KEYS: [&str; 8] = [
    "EventId",
    "EventName",
    "ReadOnly",
    "Username",
    "ResourceType",
    "ResourceName",
    "EventSource",
    "AccessKeyId",
];

/// The issued tokens.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    tokens: Mutex<BTreeMap<String, Token>>,
}

#[derive(Debug)]
struct Token {
    /// The parameters of its request; the request for the next page must have the same.
    parameters: Value,
    /// Where in the window's events the next page begins.
    place: usize,
    uses: usize,
    ends: f64,
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    Unknown,
    Changed,
    Ended,
}

impl Lost {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Lost::Unknown => "a token that nobody issued",
            Lost::Changed => "a token with other parameters than the first page's",
            Lost::Ended => "a token that has ended",
        }
    }
}

impl Tokens {
    pub(crate) fn issue(
        &self,
        parameters: Value,
        place: usize,
        now: f64,
        life: TokenLife,
    ) -> String {
        let mut tokens = self.tokens.lock().unwrap();
        let mut random = Random(tokens.len() as u64);
        let name = format!("{:016x}/{:016x}+==", random.next(), random.next());
        let token = Token {
            parameters,
            place,
            uses: life.uses,
            ends: now + life.seconds,
        };
        tokens.insert(name.clone(), token);
        name
    }

    /// Finds the place that a token stands for; the error says what is wrong with the request.
    pub(crate) fn redeem(&self, name: &str, parameters: &Value, now: f64) -> Result<usize, Lost> {
        let mut tokens = self.tokens.lock().unwrap();
        let token = tokens.get_mut(name).ok_or(Lost::Unknown)?;
        if token.parameters != *parameters {
            return Err(Lost::Changed);
        }
        if token.uses == 0 || token.ends <= now {
            return Err(Lost::Ended);
        }
        token.uses -= 1;
        Ok(token.place)
    }
}

/// Answers with a page.
pub(crate) fn events(
    state: &State,
    request: &Request,
    now: f64,
    fault: Option<&Fault>,
) -> Result<String, Error> {
    let most = request.parameters["MaxResults"].as_i64().unwrap_or(MOST);
    if !(1..=MOST).contains(&most) {
        return Err(invalid("MaxResults", "A maximum of 1 to 50 is allowed."));
    }
    let kept = match request.text("EventCategory") {
        None => true,
        // There are no Insights events.
        Some("insight") => false,
        Some(_) => return Err(invalid("EventCategory", "The category is not valid.")),
    };
    let attribute = attribute(state, request)?;
    let (since, until) = window(state, request)?;
    let parameters = json!([request.account, request.region, without_token(request)]);
    let token = request.text("NextToken");
    let place = match token {
        None => 0,
        Some(name) => {
            if most != MOST {
                state
                    .books
                    .violation(request, "pages of less than 50 events");
            }
            let place = state.tokens.redeem(name, &parameters, now);
            place.map_err(|lost| {
                state.books.violation(request, lost.words());
                invalid("NextToken", "The token is not valid.")
            })?
        }
    };
    let world = &state.world;
    let events = world.truth(&request.account, &request.region, since, until);
    let mut matching = events.iter().enumerate().skip(place).filter(|(_, event)| {
        let (key, value) = attribute.unwrap_or_default();
        kept && (key.is_empty() || event.has(key, value))
    });
    let most = match fault {
        Some(Fault::EmptyPage) => 0,
        _ => most as usize,
    };
    let page = matching.by_ref().take(most);
    let mut answer = json!({ "Events": page.map(|(_, event)| event.entry()).collect::<Vec<_>>() });
    let next = match fault {
        Some(Fault::EmptyPage) => Some(place),
        _ => matching.next().map(|(place, _)| place),
    };
    if let (Some(Fault::SameToken), Some(token)) = (fault, token) {
        answer["NextToken"] = token.into();
    } else if let Some(next) = next {
        let token = state.tokens.issue(parameters, next, now, world.token_life);
        answer["NextToken"] = token.into();
    }
    Ok(answer.to_string())
}

fn invalid(what: &str, message: &str) -> Error {
    Error::new(400, &format!("Invalid{what}Exception"), message)
}

/// The one lookup attribute, by its key and value.
fn attribute<'r>(state: &State, request: &'r Request) -> Result<Option<(&'r str, &'r str)>, Error> {
    let attributes = request.parameters["LookupAttributes"].as_array();
    let attributes = attributes.map(Vec::as_slice).unwrap_or_default();
    if attributes.len() > 1 {
        // The service silently uses only the first, which no client intends.
        state.books.violation(request, "more than one attribute");
    }
    let Some(attribute) = attributes.first() else {
        return Ok(None);
    };
    let text = |name: &str| attribute[name].as_str().unwrap_or_default();
    let (key, value) = (text("AttributeKey"), text("AttributeValue"));
    if !KEYS.contains(&key) || value.is_empty() {
        return Err(invalid("LookupAttributes", "The attribute is not valid."));
    }
    Ok(Some((key, value)))
}

/// The first and the last second that are asked for.
fn window(state: &State, request: &Request) -> Result<(i64, i64), Error> {
    let time = |name: &str| {
        let seconds = request.parameters[name].as_f64()?;
        Some(seconds.floor() as i64)
    };
    let since = time("StartTime").unwrap_or(i64::MIN);
    let until = time("EndTime").unwrap_or(state.world.now);
    if since > until {
        return Err(invalid(
            "TimeRange",
            "The start time must be before the end time.",
        ));
    }
    Ok((since, until))
}

fn without_token(request: &Request) -> Value {
    let mut parameters = request.parameters.clone();
    if let Some(members) = parameters.as_object_mut() {
        members.remove("NextToken");
    }
    parameters
}

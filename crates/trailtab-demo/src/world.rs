//! The tables, made ready: who can do what, in which account and region, and how often.

use super::calendar::{HOURS, Rhythm};
use super::catalogue::{self, EventKind};
use super::identity;
use super::organisation::{
    ACCOUNTS, GLOBAL_REGION, Given, MACHINES, PEOPLE, Places, REGIONS, Tool, Who,
};
use super::record::{Call, Refusals};
use super::rng;
use super::template::Template;

/// Everything that does not depend on the plan.
pub(super) struct World {
    pub(super) calls: Vec<Call>,
    pub(super) actors: Vec<Actor>,
    /// One cell for each account and region, in that order.
    pub(super) cells: Vec<Cell>,
    pub(super) refusals: Refusals,
}

/// A principal in one account, ready to act.
pub(super) struct Actor {
    pub(super) identity: Template,
    pub(super) arn: Template,
    pub(super) tools: Vec<(Tool, Template)>,
    pub(super) from: Vec<&'static str>,
    /// Stands for the principal in the numbers of its sessions.
    pub(super) number: u64,
    /// Seconds a session lasts, and how many run at once.
    pub(super) sessions: (u32, u32),
    pub(super) partner: &'static str,
    /// Stands for the role this principal assumes.
    pub(super) partner_number: u64,
    pub(super) fails: u32,
}

/// What happens in one account and region.
pub(super) struct Cell {
    pub(super) account: usize,
    pub(super) region: usize,
    pub(super) streams: Vec<Stream>,
}

/// What one principal does in one cell.
pub(super) struct Stream {
    pub(super) actor: usize,
    rhythm: Rhythm,
    /// The weight of this stream, per unit of its rhythm.
    unit: u64,
    /// Calls with their cumulative weights.
    pub(super) calls: Vec<(u32, usize)>,
}

impl Stream {
    pub(super) fn weight(&self, hour: usize) -> u64 {
        self.unit * u64::from(self.rhythm.weight(hour))
    }
}

/// One line of the tables of people and machines, on the way to actors and streams.
struct Entry<'a> {
    account: usize,
    who: Who,
    rhythm: Rhythm,
    weight: u64,
    places: Places,
    from: &'static [&'static str],
    tools: &'static [Tool],
    habits: &'a [(u32, usize)],
    fails: u32,
    partner: &'static str,
}

impl World {
    pub(super) fn new() -> World {
        let calls: Vec<Call> = catalogue::services()
            .flat_map(|service| service.apis.iter().map(move |api| Call::new(service, api)))
            .collect();
        let cells = (0..ACCOUNTS.len())
            .flat_map(|account| {
                (0..REGIONS.len()).map(move |region| Cell {
                    account,
                    region,
                    streams: Vec::new(),
                })
            })
            .collect();
        let mut world = World {
            calls,
            actors: Vec::new(),
            cells,
            refusals: Refusals::new(),
        };
        for person in PEOPLE {
            let habits = habits(person.habits, &world.calls);
            for &(account, set, share) in person.sets {
                world.add(&Entry {
                    account,
                    who: Who::Person {
                        mail: person.mail,
                        set,
                    },
                    rhythm: person.rhythm,
                    weight: u64::from(person.weight * share) / 100,
                    places: person.places,
                    from: person.from,
                    tools: person.tools,
                    habits: &habits,
                    fails: if set == "ReadOnlyAccess" { 70 } else { 26 },
                    partner: "",
                });
            }
        }
        for machine in MACHINES {
            let habits = habits(machine.habits, &world.calls);
            for &account in machine.accounts {
                world.add(&Entry {
                    account,
                    who: machine.who,
                    rhythm: machine.rhythm,
                    weight: u64::from(machine.weight),
                    places: machine.places,
                    from: machine.from,
                    tools: machine.tools,
                    habits: &habits,
                    fails: machine.fails,
                    partner: machine.partner,
                });
            }
        }
        world
    }

    /// The call of a name such as `iam:CreateUser`.
    pub(super) fn call(&self, name: &str) -> Option<&Call> {
        find(name, &self.calls).map(|index| &self.calls[index])
    }

    fn add(&mut self, entry: &Entry) {
        let actor = self.actors.len();
        let global = share(entry.habits, |call| self.calls[call].global);
        let regional = share(entry.habits, |call| !self.calls[call].global);
        // A principal with global calls is seen in us-east-1, wherever else it works.
        let mut places = vec![(GLOBAL_REGION, last(&global), global)];
        let sum: u32 = entry.places.iter().map(|(_, weight)| weight).sum();
        for &(region, weight) in entry.places {
            let weight = last(&regional) * u64::from(weight) / u64::from(sum.max(1));
            places.push((region, weight, regional.clone()));
        }
        let all: u64 = entry
            .habits
            .iter()
            .map(|(weight, _)| u64::from(*weight))
            .sum();
        let hours: u64 = (0..HOURS)
            .map(|hour| u64::from(entry.rhythm.weight(hour)))
            .sum();
        for (region, weight, calls) in places {
            let unit = entry.weight * 1_000_000 * weight / all.max(1) / hours.max(1);
            if unit > 0 {
                let stream = Stream {
                    actor,
                    rhythm: entry.rhythm,
                    unit,
                    calls,
                };
                self.cells[entry.account * REGIONS.len() + region]
                    .streams
                    .push(stream);
            }
        }
        self.actors.push(Actor::new(entry));
    }
}

impl Actor {
    fn new(entry: &Entry) -> Actor {
        let account = ACCOUNTS[entry.account].number;
        let arn = identity::arn(entry.who, account);
        // The session of a partner must be found from its name and account alone.
        let number = match entry.who {
            Who::Role { name, .. } => rng::hash(name),
            _ => rng::hash(&arn),
        };
        Actor {
            identity: Template::new(&identity::identity(entry.who, account)),
            arn: Template::new(&arn),
            tools: entry
                .tools
                .iter()
                .map(|tool| {
                    (
                        *tool,
                        Template::new(service(entry.who).unwrap_or(tool.agent)),
                    )
                })
                .collect(),
            from: match service(entry.who) {
                Some(name) => vec![name],
                None => entry.from.to_vec(),
            },
            number: rng::combine(&[number, rng::hash(account)]),
            sessions: identity::sessions(entry.who),
            partner: entry.partner,
            partner_number: rng::combine(&[rng::hash(entry.partner), rng::hash(account)]),
            fails: entry.fails,
        }
    }
}

/// The service that acts by itself, and so is its own address and user agent.
fn service(who: Who) -> Option<&'static str> {
    match who {
        Who::Service(name) | Who::Untyped(name) => Some(name),
        Who::Role {
            given: Given::ServiceLinked(name),
            ..
        } => Some(name),
        _ => None,
    }
}

fn find(name: &str, calls: &[Call]) -> Option<usize> {
    let (service, api) = name.split_once(':')?;
    calls
        .iter()
        .position(|call| call.service == service && call.api.name == api)
}

/// Turns words such as `ec2:RunInstances=3` into calls with weights; a later word adds to an earlier one.
pub(super) fn habits(words: &str, calls: &[Call]) -> Vec<(u32, usize)> {
    let mut habits = Vec::new();
    for word in words.split_whitespace() {
        let (name, weight) = word.split_once('=').unwrap_or((word, "1"));
        let weight = weight.parse().unwrap_or(1);
        let (service, api) = name.split_once(':').unwrap_or((name, "*"));
        for (index, call) in calls.iter().enumerate() {
            let ours = match service {
                "*" => call.api.kind == EventKind::Call && call.service != "sts",
                _ => call.service == service,
            };
            let wanted = match api {
                "*" => call.api.kind != EventKind::ServiceEvent,
                "read" => call.api.read && call.api.kind == EventKind::Call,
                _ => call.api.name == api,
            };
            if ours && wanted {
                habits.push((weight, index));
            }
        }
    }
    habits
}

/// The part of the habits that passes the filter, with cumulative weights.
fn share(habits: &[(u32, usize)], passes: impl Fn(usize) -> bool) -> Vec<(u32, usize)> {
    let mut sum = 0;
    let part = habits.iter().filter(|(_, call)| passes(*call));
    part.map(|&(weight, call)| {
        sum += weight;
        (sum, call)
    })
    .collect()
}

/// The sum of cumulative weights.
fn last(cumulative: &[(u32, usize)]) -> u64 {
    cumulative.last().map_or(0, |(sum, _)| u64::from(*sum))
}

//! Compiles the data tables: which principal calls which APIs, in which account and region, and how often.

use super::calendar::{HOURS, Rhythm};
use super::catalogue::{self, EventKind};
use super::identity;
use super::organisation::{
    ACCOUNTS, ClientTool, GLOBAL_REGION, Given, MACHINES, MachineKind, PEOPLE, REGIONS,
    RegionWeights,
};
use super::record::{CompiledCall, RefusalMessages};
use super::rng;
use super::template::JsonTemplate;

/// The compiled tables; they do not depend on the plan.
pub(super) struct DemoWorld {
    pub(super) calls: Vec<CompiledCall>,
    pub(super) actors: Vec<DemoActor>,
    /// One cell per account and region, in that order.
    pub(super) cells: Vec<RegionActivity>,
    pub(super) refusals: RefusalMessages,
}

/// A principal in one account.
pub(super) struct DemoActor {
    pub(super) identity: JsonTemplate,
    pub(super) arn: JsonTemplate,
    pub(super) tools: Vec<(ClientTool, JsonTemplate)>,
    pub(super) from: Vec<&'static str>,
    /// Seeds the numbers of the principal's sessions.
    pub(super) number: u64,
    /// Duration of a session in seconds, and number of parallel sessions.
    pub(super) sessions: (u32, u32),
    pub(super) partner: &'static str,
    /// `number` of the role that this principal assumes.
    pub(super) partner_number: u64,
    pub(super) fails: u32,
}

/// The activity in one account and region.
pub(super) struct RegionActivity {
    pub(super) account: usize,
    pub(super) region: usize,
    pub(super) streams: Vec<CallStream>,
}

/// The calls of one principal in one cell.
pub(super) struct CallStream {
    pub(super) actor: usize,
    rhythm: Rhythm,
    /// Weight per unit of the rhythm.
    unit: u64,
    /// Calls with their cumulative weights.
    pub(super) calls: Vec<(u32, usize)>,
}

impl CallStream {
    pub(super) fn weight(&self, hour: usize) -> u64 {
        self.unit * u64::from(self.rhythm.weight(hour))
    }
}

/// A row of the tables of people and machines, in one account.
struct PrincipalEntry<'a> {
    account: usize,
    who: MachineKind,
    rhythm: Rhythm,
    weight: u64,
    places: RegionWeights,
    from: &'static [&'static str],
    tools: &'static [ClientTool],
    habits: &'a [(u32, usize)],
    fails: u32,
    partner: &'static str,
}

impl DemoWorld {
    pub(super) fn new() -> DemoWorld {
        let calls: Vec<CompiledCall> = catalogue::services()
            .flat_map(|service| {
                service
                    .apis
                    .iter()
                    .map(move |api| CompiledCall::new(service, api))
            })
            .collect();
        let cells = (0..ACCOUNTS.len())
            .flat_map(|account| {
                (0..REGIONS.len()).map(move |region| RegionActivity {
                    account,
                    region,
                    streams: Vec::new(),
                })
            })
            .collect();
        let mut world = DemoWorld {
            calls,
            actors: Vec::new(),
            cells,
            refusals: RefusalMessages::new(),
        };
        for person in PEOPLE {
            let habits = habits(person.habits, &world.calls);
            for &(account, set, share) in person.sets {
                world.add(&PrincipalEntry {
                    account,
                    who: MachineKind::Person {
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
                world.add(&PrincipalEntry {
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

    /// Finds a call by a name such as `iam:CreateUser`.
    pub(super) fn call(&self, name: &str) -> Option<&CompiledCall> {
        find(name, &self.calls).map(|index| &self.calls[index])
    }

    fn add(&mut self, entry: &PrincipalEntry) {
        let actor = self.actors.len();
        let global = share(entry.habits, |call| self.calls[call].global);
        let regional = share(entry.habits, |call| !self.calls[call].global);
        // Global calls are recorded in us-east-1, in addition to the principal's own regions.
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
                let stream = CallStream {
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
        self.actors.push(DemoActor::new(entry));
    }
}

impl DemoActor {
    fn new(entry: &PrincipalEntry) -> DemoActor {
        let account = ACCOUNTS[entry.account].number;
        let arn = identity::arn(entry.who, account);
        // `partner_number` is computed from the role's name and account alone, and must match.
        let number = match entry.who {
            MachineKind::Role { name, .. } => rng::hash(name),
            _ => rng::hash(&arn),
        };
        DemoActor {
            identity: JsonTemplate::new(&identity::identity(entry.who, account)),
            arn: JsonTemplate::new(&arn),
            tools: entry
                .tools
                .iter()
                .map(|tool| {
                    (
                        *tool,
                        JsonTemplate::new(service(entry.who).unwrap_or(tool.agent)),
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

/// The service that makes the calls itself; its name is then the source address and user agent.
fn service(who: MachineKind) -> Option<&'static str> {
    match who {
        MachineKind::Service(name) | MachineKind::Untyped(name) => Some(name),
        MachineKind::Role {
            given: Given::ServiceLinked(name),
            ..
        } => Some(name),
        _ => None,
    }
}

fn find(name: &str, calls: &[CompiledCall]) -> Option<usize> {
    let (service, api) = name.split_once(':')?;
    calls
        .iter()
        .position(|call| call.service == service && call.api.name == api)
}

/// Parses words such as `ec2:RunInstances=3` into calls with weights. Words for the same call add up.
pub(super) fn habits(words: &str, calls: &[CompiledCall]) -> Vec<(u32, usize)> {
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

/// The habits that pass the filter, with cumulative weights.
fn share(habits: &[(u32, usize)], passes: impl Fn(usize) -> bool) -> Vec<(u32, usize)> {
    let mut sum = 0;
    let part = habits.iter().filter(|(_, call)| passes(*call));
    part.map(|&(weight, call)| {
        sum += weight;
        (sum, call)
    })
    .collect()
}

/// The total of cumulative weights.
fn last(cumulative: &[(u32, usize)]) -> u64 {
    cumulative.last().map_or(0, |(sum, _)| u64::from(*sum))
}

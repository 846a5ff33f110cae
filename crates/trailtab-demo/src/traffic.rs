//! Renders ordinary traffic in bursts, record by record.

use super::calendar::{HOUR, START};
use super::identity;
use super::organisation::{
    ACCOUNTS, Given, MachineKind, PRODUCTION, REGIONS, SECURITY, STAGING, Via,
};
use super::record::{CallFailure, CompiledCall, RecordDetails};
use super::rng::{self, Rng};
use super::template::{JsonTemplate, Scene, wide};
use super::world::{CallStream, DemoActor, DemoWorld, RegionActivity};

/// The records of one account and region within a few minutes. Record `i` of a burst always renders to the same bytes,
/// so a repeat in another file is an exact duplicate.
#[derive(Clone, Copy)]
pub(super) struct Burst {
    pub(super) cell: usize,
    pub(super) start: u32,
    pub(super) seconds: u32,
    pub(super) count: u32,
    pub(super) seed: u64,
}

/// Consecutive records with the same caller.
const RECORDS_PER_CALLER: u32 = 3;
/// One record in this many is delivered hours late.
const LATE_RECORD_INTERVAL: u32 = 700;
/// Versions of the record format in use, weighted by repetition.
const VERSIONS: [&str; 8] = [
    "1.11", "1.09", "1.11", "1.10", "1.11", "1.08", "1.11", "1.09",
];

/// A burst ready to render, with the weights of its streams.
pub(super) struct Stage<'a> {
    world: &'a DemoWorld,
    cell: &'a RegionActivity,
    burst: Burst,
    /// Cumulative weights of the streams in the burst's hour, shifted to fit 32 bits.
    weights: Vec<u32>,
}

impl<'a> Stage<'a> {
    pub(super) fn new(world: &'a DemoWorld, burst: Burst) -> Stage<'a> {
        let cell = &world.cells[burst.cell];
        let hour = ((burst.start + burst.seconds - 1 - START) / HOUR) as usize;
        let mut sum = 0;
        let sums: Vec<u64> = cell
            .streams
            .iter()
            .map(|stream| {
                sum += stream.weight(hour);
                sum
            })
            .collect();
        let shift = (64 - sum.leading_zeros()).saturating_sub(31);
        let weights = sums.into_iter().map(|sum| (sum >> shift) as u32).collect();
        Stage {
            world,
            cell,
            burst,
            weights,
        }
    }

    /// Writes record `index` of the burst.
    pub(super) fn write(&self, index: u32, out: &mut Vec<u8>) {
        let run = rng::combine(&[self.burst.seed, u64::from(index / RECORDS_PER_CALLER)]);
        let mut rng = Rng::new(rng::mix(
            run ^ u64::from(index).wrapping_mul(0x9e37_79b9_7f4a_7c15),
        ));
        let event_id = wide(&mut rng);
        let Some(stream) = self.stream(run) else {
            return;
        };
        let actor = &self.world.actors[stream.actor];
        let call = &self.world.calls[pick(&stream.calls, rng.next())];
        let (tool, agent) = &actor.tools[rng::scale(run << 11, actor.tools.len() as u32) as usize];
        let time = self.burst.start + rng.below(self.burst.seconds);
        let late = rng.below(LATE_RECORD_INTERVAL) == 0 && time > START + 24 * HOUR;
        let time = if late {
            time - HOUR - rng.below(22 * HOUR)
        } else {
            time
        };
        let (address, via) = match tool.via {
            Via::Forward(service) => (service, tool.via),
            via => (
                actor.from[rng::scale(run << 17, actor.from.len() as u32) as usize],
                via,
            ),
        };
        let record = RecordDetails {
            version: VERSIONS[version(call)],
            identity: &actor.identity,
            call,
            address,
            agent,
            via,
            failure: failure(actor.fails, &mut rng),
            shared: None,
            late,
        };
        let salt = rng.next();
        let mut scene = scene(self.cell, actor, time, salt, rng);
        record.write(&self.world.refusals, event_id, &mut scene, out);
    }

    /// The stream that a random number selects; absent only in a cell without streams.
    fn stream(&self, random: u64) -> Option<&'a CallStream> {
        let total = *self.weights.last()?;
        let at = rng::scale(random, total);
        self.cell
            .streams
            .get(self.weights.partition_point(|sum| *sum <= at))
    }
}

/// The index of the record version that a service writes.
fn version(call: &CompiledCall) -> usize {
    (rng::hash(call.service) % VERSIONS.len() as u64) as usize
}

fn pick(calls: &[(u32, usize)], random: u64) -> usize {
    let total = calls.last().map_or(0, |(sum, _)| *sum);
    let at = rng::scale(random, total);
    let place = calls.partition_point(|(sum, _)| *sum <= at);
    calls.get(place).map_or(0, |(_, call)| *call)
}

fn failure(per_mille: u32, rng: &mut Rng) -> Option<CallFailure<'static>> {
    if rng.below(1000) >= per_mille {
        return None;
    }
    Some(match rng.below(100) {
        0..62 => CallFailure::OfApi,
        62..86 => CallFailure::Denied,
        _ => CallFailure::Throttled,
    })
}

fn scene<'a>(
    cell: &RegionActivity,
    actor: &'a DemoActor,
    time: u32,
    salt: u64,
    rng: Rng,
) -> Scene<'a> {
    let (length, many) = actor.sessions;
    let phase = (actor.number % u64::from(length)) as u32;
    let session = rng::combine(&[
        actor.number,
        u64::from((time + phase) / length),
        u64::from(rng::scale(salt, many)),
    ]);
    Scene {
        account: cell.account,
        region: REGIONS[cell.region],
        time,
        created: time - (time + phase) % length,
        session,
        partner_session: partner_session(actor, time, salt),
        partner: actor.partner,
        arn: Some(&actor.arn),
        action: ("", ""),
        request: u128::from(salt) << 64 | u128::from(rng::mix(salt)),
        salt,
        rng,
    }
}

/// The session that the assumed role gets, so that the access key in the response is the one that the role then uses.
/// For roles with parallel sessions, one of them.
fn partner_session(actor: &DemoActor, time: u32, salt: u64) -> u64 {
    let (length, many) = match actor.partner {
        "ci-deploy" => (HOUR, 1),
        "shop-web" => (6 * HOUR, 6),
        "shop-worker" => (6 * HOUR, 40),
        _ => (12 * HOUR, 1),
    };
    let phase = (actor.partner_number % u64::from(length)) as u32;
    let many = u64::from(rng::scale(salt, many));
    rng::combine(&[
        actor.partner_number,
        u64::from((time + phase) / length),
        many,
    ])
}

/// Cross-account calls, which CloudTrail records in both accounts with the same `sharedEventID`.
#[derive(Clone, Copy)]
pub(super) struct Exchange {
    pub(super) kind: usize,
    /// Whether the records are those of the account that owns the resource.
    pub(super) owner: bool,
    pub(super) start: u32,
    pub(super) count: u32,
    pub(super) seed: u64,
}

/// Caller's account, role and session; the resource owner's account; the API.
struct Relation(usize, &'static str, &'static str, usize, &'static str);

const RELATIONS: [Relation; 3] = [
    Relation(
        SECURITY,
        "security-scanner",
        "scan-2026",
        PRODUCTION,
        "sts:AssumeRole",
    ),
    Relation(
        STAGING,
        "ci-deploy",
        "GitHubActions",
        PRODUCTION,
        "ecr:BatchGetImage",
    ),
    Relation(
        STAGING,
        "data-pipeline",
        "GlueJobRunnerSession",
        PRODUCTION,
        "kms:Decrypt",
    ),
];
pub(super) const EXCHANGES: usize = RELATIONS.len();
const EXCHANGE_AGENT: &str = "Boto3/1.40.18 md/Botocore#1.40.18 ua/2.1 os/linux#6.1.147 md/arch#x86_64 lang/python#3.12.11 md/pyimpl#CPython cfg/retry-mode#standard";

impl Exchange {
    pub(super) fn account(&self) -> usize {
        let relation = &RELATIONS[self.kind % EXCHANGES];
        if self.owner { relation.3 } else { relation.0 }
    }

    /// Writes record `index`, as this account records it.
    pub(super) fn write(&self, world: &DemoWorld, index: u32, out: &mut Vec<u8>) {
        let Relation(caller, role, session, _, api) = RELATIONS[self.kind % EXCHANGES];
        let Some(call) = world.call(api) else { return };
        let number = ACCOUNTS[caller].number;
        let own = MachineKind::Role {
            name: role,
            session,
            given: Given::Plain,
        };
        let identity = match self.owner {
            true => JsonTemplate::new(&format!(
                r#"{{"type":"AWSAccount","principalId":"{}:{session}","accountId":"{number}""#,
                identity::principal_id("AROA", role, number)
            )),
            false => JsonTemplate::new(&identity::identity(own, number)),
        };
        let seed = rng::combine(&[self.seed, u64::from(index)]);
        let mut rng = Rng::new(seed);
        let shared = wide(&mut rng);
        let event_id = wide(&mut Rng::new(rng::combine(&[seed, u64::from(self.owner)])));
        let time = self.start + rng.below(HOUR / 6);
        let salt = rng.next();
        let agent = JsonTemplate::new(EXCHANGE_AGENT);
        let record = RecordDetails {
            version: "1.11",
            identity: &identity,
            call,
            address: "192.0.2.90",
            agent: &agent,
            via: Via::Sdk,
            failure: None,
            shared: Some(shared),
            late: false,
        };
        let mut scene = Scene {
            account: self.account(),
            region: REGIONS[0],
            time,
            created: time - time % HOUR,
            session: rng::hash(role),
            partner_session: rng::hash("organisation-audit"),
            partner: "organisation-audit",
            arn: None,
            action: ("", ""),
            request: u128::from(salt) << 64 | u128::from(rng::mix(salt)),
            salt,
            rng,
        };
        record.write(&world.refusals, event_id, &mut scene, out);
    }
}

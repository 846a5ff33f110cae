//! Lists and writes the records that every plan contains: the incident and the oddities.

use super::catalogue;
use super::incident;
use super::oddities;
use super::organisation::{PRODUCTION, Via};
use super::record::{CallFailure, CompiledCall, RecordDetails};
use super::rng::{self, Rng};
use super::template::{JsonTemplate, Scene, wide};
use super::world::DemoWorld;

/// The organisation ID, part of the S3 keys of its trail.
pub(super) const ORGANISATION: &str = "o-exampleorg1";

/// A record that is the same in every plan except for its identifiers.
pub(super) struct Fixed {
    pub(super) account: usize,
    pub(super) region: &'static str,
    pub(super) time: u32,
    /// Unique number of this record, for seeding.
    number: u64,
    shape: Shape,
}

enum Shape {
    /// A record of the incident, composed like ordinary ones.
    Step(Box<Step>),
    /// A record written out in full, to control its shape.
    Whole {
        text: JsonTemplate,
        imported: bool,
        event_id: bool,
    },
}

struct Step {
    identity: JsonTemplate,
    arn: JsonTemplate,
    call: CompiledCall,
    address: &'static str,
    agent: JsonTemplate,
    via: Via,
    failure: Option<(&'static str, JsonTemplate)>,
    refused: bool,
    created: u32,
    session: u64,
}

/// All fixed records, the incident first.
pub(super) fn all() -> Vec<Fixed> {
    let mut all = Vec::new();
    for (number, step) in incident::steps().enumerate() {
        let Some(service) = catalogue::services().find(|service| service.name == step.service)
        else {
            continue;
        };
        let failure = step
            .failure
            .map(|(code, message)| (code, JsonTemplate::new(message)));
        let player = step.player.describe();
        all.push(Fixed {
            account: PRODUCTION,
            region: step.region,
            time: step.time,
            number: number as u64,
            shape: Shape::Step(Box::new(Step {
                identity: JsonTemplate::new(&player.identity),
                arn: JsonTemplate::new(&player.arn),
                call: CompiledCall::new(service, step.api),
                address: player.address,
                agent: JsonTemplate::new(player.agent),
                via: player.via,
                refused: step.refused,
                failure,
                created: player.created,
                session: rng::hash(&player.arn),
            })),
        });
    }
    for (number, oddity) in oddities::ALL.iter().enumerate() {
        let text = oddities::text(oddity);
        all.push(Fixed {
            account: oddity.account,
            region: oddity.region,
            time: oddity.time,
            number: 10_000 + number as u64,
            shape: Shape::Whole {
                text: JsonTemplate::new(&text),
                imported: oddity.imported,
                event_id: text.contains(r#""eventID""#),
            },
        });
    }
    all
}

impl Fixed {
    pub(super) fn of_incident(&self) -> bool {
        matches!(self.shape, Shape::Step(_))
    }

    pub(super) fn imported(&self) -> bool {
        matches!(self.shape, Shape::Whole { imported: true, .. })
    }

    pub(super) fn has_event_id(&self) -> bool {
        !matches!(
            self.shape,
            Shape::Whole {
                event_id: false,
                ..
            }
        )
    }

    pub(super) fn write(&self, world: &DemoWorld, seed: u64, out: &mut Vec<u8>) {
        let seed = rng::combine(&[seed, 0xf1c5, self.number]);
        let mut rng = Rng::new(seed);
        let event_id = wide(&mut rng);
        let salt = rng.next();
        let mut scene = Scene {
            account: self.account,
            region: self.region,
            time: self.time,
            created: self.time - 600,
            session: seed,
            partner_session: salt,
            partner: "",
            arn: None,
            action: ("", ""),
            request: u128::from(salt) << 64 | u128::from(rng::mix(salt)),
            salt,
            rng,
        };
        match &self.shape {
            Shape::Whole { text, .. } => text.write(&mut scene, out),
            Shape::Step(step) => {
                scene.created = step.created;
                scene.session = step.session;
                scene.arn = Some(&step.arn);
                let custom = step
                    .failure
                    .as_ref()
                    .map(|(code, message)| CallFailure::Custom(code, message));
                let record = RecordDetails {
                    version: "1.11",
                    identity: &step.identity,
                    call: &step.call,
                    address: step.address,
                    agent: &step.agent,
                    via: step.via,
                    failure: if step.refused {
                        Some(CallFailure::Denied)
                    } else {
                        custom
                    },
                    shared: None,
                    late: false,
                };
                record.write(&world.refusals, event_id, &mut scene, out);
            }
        }
    }
}

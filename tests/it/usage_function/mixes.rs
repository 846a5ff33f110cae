//! For all mixtures of messages: received = published + skipped + unreadable + refused + unconfirmed + unsent, and each
//! count equals that of a slower rule.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::lab::{Counts, Lab, assert_counts, count};
use crate::support::aws::{Random, rfc3339};
use crate::support::calls::{Calls, ago, counted, payload_of, with};
use crate::support::cloudwatch::Fault;
use crate::support::metrics::Datum;

/// Some messages, and their expected outcomes.
struct Mix {
    messages: Vec<String>,
    good: Vec<Value>,
    refused: u64,
    skipped: BTreeMap<&'static str, u64>,
    unreadable: BTreeMap<&'static str, u64>,
}

impl Mix {
    fn new(seed: u64) -> Mix {
        let mut random = Random(seed);
        let calls = Calls {
            apis: 1 + random.below(600) as usize,
            minutes: 1 + random.below(4),
            seed: seed + 1000,
            ..Calls::new(random.below(1100) as usize)
        };
        let mut mix = Mix {
            messages: Vec::new(),
            good: Vec::new(),
            refused: 0,
            skipped: BTreeMap::new(),
            unreadable: BTreeMap::new(),
        };
        let oddities = random.below(8);
        for record in calls.records() {
            let odd = random.below(20) < oddities;
            let kind = if odd { random.below(6) } else { u64::MAX };
            mix.add(record, kind, &mut random);
        }
        mix
    }

    fn add(&mut self, record: Value, kind: u64, random: &mut Random) {
        let text = record.to_string();
        let add = |counts: &mut BTreeMap<&'static str, u64>, kind| {
            *counts.entry(kind).or_default() += 1;
        };
        match kind {
            0 => {
                let far = [ago(16 * 86_400), ago(-4 * 3600)][random.below(2) as usize];
                let late = with(record, &json!({ "eventTime": rfc3339(far) }));
                self.messages.push(late.to_string());
                self.refused += 1;
            }
            1 => {
                let fields = ["eventTime", "awsRegion", "eventSource"];
                let field = fields[random.below(3) as usize];
                let mut record = record;
                record.as_object_mut().unwrap().remove(field);
                self.messages.push(record.to_string());
                add(&mut self.unreadable, "incomplete");
            }
            2 => {
                let end = text.len() / 3 + random.below(text.len() as u64 / 2) as usize;
                self.messages.push(text[..end].to_owned());
                add(&mut self.unreadable, "truncated");
            }
            3 => {
                self.messages
                    .push(json!({ "message": "of another program" }).to_string());
                add(&mut self.skipped, "foreign");
            }
            4 => {
                self.messages.extend([text.clone(), text]);
                self.good.push(record);
                add(&mut self.skipped, "duplicate");
            }
            _ => {
                self.messages.push(text);
                self.good.push(record);
            }
        }
    }
}

fn add(total: &mut Counts, counts: Counts) {
    for (key, count) in counts {
        *total.entry(key).or_default() += count;
    }
}

#[test]
fn every_mix_reconciles() {
    let mut lab = Lab::new(&[("TRAILTAB_USAGE_TOP", "100000")]);
    let mut expected = Counts::new();
    for seed in 0..10 {
        let mix = Mix::new(seed);
        let mut random = Random(seed ^ 0xfa);
        for _ in 0..random.below(3) {
            let faults = [Fault::THROTTLED, Fault::BROKEN, Fault::BUSY];
            let fault = faults[random.below(3) as usize];
            lab.cloudwatch.fail(1, fault, |_| true);
        }
        let response = lab.deliver_raw(&payload_of(&mix.messages));
        lab.cloudwatch.heal();
        let others: u64 = mix.skipped.values().chain(mix.unreadable.values()).sum();
        let received = mix.good.len() as u64 + mix.refused + others;
        assert_eq!(count(&response, "received"), received, "{seed}: {response}");
        assert_eq!(
            count(&response, "published"),
            mix.good.len() as u64,
            "{seed}: {response}"
        );
        assert_eq!(
            count(&response, "refused"),
            mix.refused,
            "{seed}: {response}"
        );
        assert_eq!(response["skipped"], json!(mix.skipped), "{seed}");
        assert_eq!(response["unreadable"], json!(mix.unreadable), "{seed}");
        add(&mut expected, counted(&mix.good));
        assert_counts(&lab.sums(), &expected);
    }
}

#[test]
fn every_mix_reconciles_where_requests_get_no_answer() {
    let mut lab = Lab::new(&[("TRAILTAB_USAGE_TOP", "100000")]);
    for seed in 0..12 {
        let mix = Mix::new(seed + 500);
        let before = lab.requests().len();
        let fault = [Fault::Close, Fault::KeepAndClose][seed as usize % 2];
        lab.cloudwatch.fail(1, fault, |_| true);
        let response = lab.deliver_raw(&payload_of(&mix.messages));
        lab.cloudwatch.heal();
        let requests = &lab.requests()[before..];
        let without_answer: u64 = requests
            .iter()
            .take(1)
            .flat_map(|entry| &entry.request.data)
            .map(Datum::sum)
            .sum();
        assert_eq!(
            count(&response, "unconfirmed"),
            without_answer,
            "{seed}: {response}"
        );
        let published = mix.good.len() as u64 - without_answer;
        assert_eq!(
            count(&response, "published"),
            published,
            "{seed}: {response}"
        );
        assert_eq!(response["skipped"], json!(mix.skipped), "{seed}");
        assert_eq!(response["unreadable"], json!(mix.unreadable), "{seed}");
        assert_eq!(count(&response, "unsent"), 0);
    }
}

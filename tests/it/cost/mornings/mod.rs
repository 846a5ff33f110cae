//! Forty mornings of mails about bills that load as Cost Explorer's do: every statement of every mail is held against
//! the final bill, and the mails are counted.

mod faults;
mod judge;
mod mail;
mod sentences;
mod sheet;
mod tables;
mod truth;
mod worlds;

use std::collections::BTreeSet;
use std::process::Command;

use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{ASK, PAYER, members};
use crate::support::aws::{Server, World};
use crate::support::moto;
use crate::support::smtp::{MailServer, Mode};
use crate::support::{Finished, Sandbox};
use judge::{Verdict, judge};
use mail::ReadMail;
use truth::Truth;
use worlds::{EXECUTIVE, MANAGER, OWNER, Organization, day};

const REGION: &str = "eu-west-1";

/// Two ends of months, days 1 to 10, and the 15th are among the forty mornings from this one on.
const FIRST: &str = "2026-10-25";
const MORNINGS: i64 = 40;

/// Most mails to a daily recipient on the first ten days of a month.
const MAX_MAILS_OF_TEN_DAYS: usize = 12;

/// An organisation, its mail server, and the program with what it keeps.
struct Mornings {
    organization: Organization,
    post: MailServer,
    sandbox: Sandbox,
    settings: Value,
}

impl Mornings {
    /// With a secret of this name.
    fn new(organization: Organization, secret: &str) -> Mornings {
        let post = MailServer::start(Mode::Starttls, None);
        let server = post.secret(&json!({})).to_string();
        let settings = json!({
            "managers": { MANAGER: ["Production", "Sandbox"] },
            "users": [OWNER],
            "executives": [EXECUTIVE],
            "secret_name": moto::keep_secret(REGION, secret, &server),
        });
        Mornings {
            organization,
            post,
            sandbox: Sandbox::new(),
            settings,
        }
    }

    /// Cost Explorer on a morning.
    fn server(&self, today: Date) -> Server {
        let now = today.at(6, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap();
        let bill = self.organization.bill.on(today);
        let mut members = members(&bill);
        for member in &mut members {
            member.name = worlds::name(&member.id).to_owned();
        }
        let world = World::new(now.timestamp().as_second());
        Server::start(world.bill(PAYER, bill).organization(PAYER, members))
    }

    /// The program some minutes after six.
    fn command(&self, server: &Server, today: Date, minutes: i64) -> Command {
        self.sandbox.write("config.json", self.settings.to_string());
        let now = today.at(6, 0, 0, 0).saturating_add(minutes.minutes());
        let mut command = self.sandbox.trailtab();
        command
            .envs(server.environment(PAYER))
            .args(["cost", "--config", "config.json", "--send"])
            .args(["--format", "json", "--cache", "cache", "--ledger", "ledger"])
            .env("TRAILTAB_NOW", format!("{now}Z"))
            .env("AWS_ENDPOINT_URL_SECRETS_MANAGER", moto::endpoint())
            .env("SSL_CERT_FILE", self.post.authority());
        command
    }

    fn run(&self, server: &Server, today: Date, minutes: i64) -> Finished {
        let command = self.command(server, today, minutes);
        self.sandbox.finish(command, b"")
    }

    fn judge(&self, mail: &ReadMail, today: Date) -> Verdict {
        let bill = self.organization.bill.at_last(today);
        judge(mail, &Truth::new(&bill.charges, &mail.to), today)
    }

    /// Runs forty mornings, and some of them twice; returns all mails with their days.
    fn all(&self) -> Vec<(Date, ReadMail)> {
        let mut mails = Vec::new();
        for number in 0..MORNINGS {
            let today = day(FIRST).saturating_add(number.days());
            let server = self.server(today);
            // Of an owner whom nobody has seen nothing is known. Before a day of the month is settled nothing is due.
            let is_unknown = today < self.organization.owners_from && today.day() > 3;
            let code = if is_unknown { 3 } else { 0 };
            self.run(&server, today, 0).expect(code);
            let taken = self.post.mails_after(mails.len());
            mails.extend(taken.iter().map(|mail| (today, ReadMail::of(mail))));
            if today.day() <= 10 {
                let requests = server.granted(ASK).len();
                self.run(&server, today, 20).expect(code);
                assert_eq!(
                    self.post.mails_after(mails.len()).len(),
                    0,
                    "twice on {today}"
                );
                assert_eq!(server.granted(ASK).len(), requests, "paid twice on {today}");
            }
        }
        mails
    }
}

/// Runs an organisation's mornings, and asserts what is true of all organisations; returns all mails.
#[track_caller]
fn mornings(organization: Organization) -> Vec<(Date, ReadMail)> {
    let (name, surprise) = (organization.name, organization.surprise);
    let lab = Mornings::new(organization, &format!("mornings-{name}"));
    let mails = lab.all();
    let mut faults = Vec::new();
    let mut statements = 0;
    let mut ranges = Vec::new();
    for (today, mail) in &mails {
        let verdict = lab.judge(mail, *today);
        statements += verdict.statements;
        // Nobody can expect what only a later day shows.
        let is_foreseeable = surprise.is_none_or(|surprise| {
            *today > surprise.saturating_add(3.days()) || today.month() != surprise.month()
        });
        ranges.extend(verdict.ranges.into_iter().filter(|_| is_foreseeable));
        let about = format!("{today}, {}, {}", mail.to, mail.subject);
        faults.extend(
            verdict
                .faults
                .iter()
                .map(|fault| format!("{about}: {fault}")),
        );
        assert_eq!(
            verdict.restated.is_empty(),
            !mail.text.contains("you were told"),
            "{about}"
        );
    }
    assert!(
        faults.is_empty(),
        "{} false statements: {faults:#?}",
        faults.len()
    );
    assert!(statements > 20_000, "only {statements} statements");
    let held = ranges.iter().filter(|is_held| **is_held).count();
    assert!(
        held * 10 >= ranges.len() * 8 && ranges.len() > 250,
        "{held} of {} ranges hold the final amount",
        ranges.len()
    );
    let november =
        |mail: &&(Date, ReadMail)| (day("2026-11-01")..=day("2026-11-10")).contains(&mail.0);
    for recipient in [EXECUTIVE, MANAGER, OWNER] {
        let of_ten_days = mails.iter().filter(november);
        let count = of_ten_days.filter(|(_, mail)| mail.to == recipient).count();
        assert!(count <= MAX_MAILS_OF_TEN_DAYS, "{count} to {recipient}");
    }
    mails
}

/// The days of the mails to a recipient that are about the whole of October and begin with this.
fn closing(mails: &[(Date, ReadMail)], recipient: &str, occasion: &str) -> Vec<i8> {
    let is_meant = |mail: &ReadMail| {
        let (before, subject) = mail.subject.split_once("AWS ").unwrap();
        let before = before.trim_end_matches("Your ").trim();
        mail.to == recipient && before == occasion && subject.contains("1–31 October 2026")
    };
    let meant = mails.iter().filter(|(_, mail)| is_meant(mail));
    meant.map(|(today, _)| today.day()).collect()
}

/// The days on which a recipient is told that an amount has changed.
fn restated(mails: &[(Date, ReadMail)], recipient: &str) -> Vec<i8> {
    let is_meant = |mail: &ReadMail| mail.to == recipient && mail.text.contains("you were told");
    let meant = mails.iter().filter(|(_, mail)| is_meant(mail));
    meant.map(|(today, _)| today.day()).collect()
}

#[test]
fn where_usage_is_the_same_no_mail_says_less_or_more() {
    let mails = mornings(worlds::constant());
    for (today, mail) in &mails {
        let said = mail.text.split("\n-- \n").next().unwrap();
        let is_closing = mail.subject.contains("1–31 October 2026");
        for word in [" less ", " more ", "▲", "▼"] {
            // Figures of months that differ in length do differ.
            let may_be = is_closing && word == "▲";
            // Nothing had an owner before the tag was activated.
            let may_be = may_be || mail.to == OWNER && *today > day("2026-11-15");
            assert!(may_be || !said.contains(word), "{today}: {word}: {said}");
        }
    }
    assert!(
        !mails
            .iter()
            .any(|(_, mail)| mail.text.contains("Unusual on"))
    );
    for recipient in [EXECUTIVE, MANAGER] {
        assert_eq!(closing(&mails, recipient, ""), [5]);
        assert_eq!(closing(&mails, recipient, "Correction:"), [7]);
        assert_eq!(closing(&mails, recipient, "Final:"), [9]);
        assert_eq!(restated(&mails, recipient), [7]);
    }
    assert_eq!(restated(&mails, OWNER), [0; 0]);
}

#[test]
fn a_refund_is_told_although_the_month_was_final() {
    let mails = mornings(worlds::weekly());
    for recipient in [EXECUTIVE, MANAGER] {
        assert_eq!(closing(&mails, recipient, ""), [5]);
        assert_eq!(closing(&mails, recipient, "Correction:"), [7, 10]);
        assert_eq!(closing(&mails, recipient, "Final:"), [9]);
        assert_eq!(restated(&mails, recipient), [7, 10]);
    }
    // A refund and support have no owner.
    assert_eq!(closing(&mails, OWNER, ""), [5]);
    assert_eq!(closing(&mails, OWNER, "Correction:"), [0; 0]);
    assert_eq!(closing(&mails, OWNER, "Final:"), [9]);
    assert_eq!(restated(&mails, OWNER), [0; 0]);
}

#[test]
fn growth_and_a_spike_are_told_as_they_were() {
    let mails = mornings(worlds::growing());
    for recipient in [EXECUTIVE, MANAGER, OWNER] {
        let with_word = |word: &str| {
            let mails = mails.iter().filter(|(_, mail)| mail.to == recipient);
            let mails = mails.filter(|(_, mail)| mail.text.replace('\n', " ").contains(word));
            mails.map(|(today, _)| *today).collect::<BTreeSet<Date>>()
        };
        assert_eq!(with_word(" less than "), BTreeSet::new());
        // All mornings but those on which no day of the month is settled.
        assert!(with_word(" more than ").len() >= 34, "{recipient}");
        // The spike is told as soon as its day is settled, for a week.
        let unusual: Vec<Date> = with_word("Unusual on ").into_iter().collect();
        let week = day("2026-11-21").series(1.day()).take(7);
        assert_eq!(unusual, week.collect::<Vec<Date>>(), "{recipient}");
    }
}

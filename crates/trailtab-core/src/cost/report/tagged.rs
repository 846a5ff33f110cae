//! How much usage has an owner, and who can say whose the rest is.
use rust_decimal::Decimal;

use super::build::ReportBuilder;
use super::cuts::CurrencyLines;
use super::sums::{DayFrame, DaySeries};
use super::unread::UsagePart;
use super::{AccountName, AudienceKind, TaggedUsage, UntaggedAccount, words};
use crate::cost::money;
use crate::cost::owner::CostOwner;

/// Most accounts that are named.
const MAX_ACCOUNTS: usize = 3;

/// Most managers that are named for an account.
const MAX_CONTACTS: usize = 2;

impl ReportBuilder<'_, '_> {
    /// The usage of settled days with an owner and without; absent for individuals, without usage, and where nothing
    /// has an owner, which a note says.
    pub(super) fn tagged(
        &self,
        frame: &DayFrame,
        currency: &str,
        ledger: &CurrencyLines<'_>,
    ) -> Option<TaggedUsage> {
        if self.audience.kind == AudienceKind::Individual {
            return None;
        }
        let settled = |series: &DaySeries| frame.figure(series).settled;
        let (mut owned, mut untagged) = (Decimal::ZERO, Decimal::ZERO);
        let mut accounts = Vec::new();
        for (id, cuts) in &ledger.accounts {
            let mut here = Decimal::ZERO;
            for (owner, series) in &cuts.owners {
                let sum = match owner {
                    UsagePart::Named(CostOwner::Untagged) => &mut here,
                    UsagePart::Named(_) => &mut owned,
                    UsagePart::Changed | UsagePart::Unread => continue,
                };
                *sum = sum.saturating_add(settled(series));
            }
            untagged = untagged.saturating_add(here);
            if let Some(id) = id.filter(|_| here > Decimal::ZERO) {
                accounts.push(UntaggedAccount {
                    account: self.account(id),
                    amount: here,
                    contacts: self.contacts.get(id).cloned().unwrap_or_default(),
                });
            }
        }
        if owned <= Decimal::ZERO || untagged <= Decimal::ZERO {
            return None;
        }
        accounts.sort_by(|one, other| {
            let amounts = other.amount.cmp(&one.amount);
            amounts.then_with(|| one.account.cmp(&other.account))
        });
        accounts.truncate(MAX_ACCOUNTS);
        let sentence = self.tagged_sentence(owned, untagged, &accounts, currency);
        Some(TaggedUsage {
            owned,
            untagged,
            accounts,
            sentence,
        })
    }

    fn tagged_sentence(
        &self,
        owned: Decimal,
        untagged: Decimal,
        accounts: &[UntaggedAccount],
        currency: &str,
    ) -> String {
        let amount = |amount| money::words(amount, currency);
        let share = words::percent(owned, owned.saturating_add(untagged)).unwrap_or_default();
        let place = |it: &UntaggedAccount| {
            // A manager is the contact.
            let contacts = match self.audience.kind {
                AudienceKind::Executive => it.contacts.iter().take(MAX_CONTACTS),
                AudienceKind::Manager | AudienceKind::Individual => it.contacts.iter().take(0),
            };
            let contacts: Vec<&str> = contacts.map(String::as_str).collect();
            let ask = match contacts.is_empty() {
                true => String::new(),
                false => format!(" (ask {})", contacts.join(" or ")),
            };
            let AccountName { name, .. } = &it.account;
            format!("{} in {}{ask}", amount(it.amount), words::short(name))
        };
        let places: Vec<String> = accounts.iter().map(place).collect();
        format!(
            "{share} of usage has an owner; {} has none: {}.",
            amount(untagged),
            places.join(", ")
        )
    }
}

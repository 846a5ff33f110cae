//! What was not read, so that nothing that is missing is taken for a change or for zero.

use super::{LabelKind, RowLabel};
use crate::cost::table::LineCut;

/// The label of usage whose owners or services were not read.
const UNREAD_USAGE: &str = "(not read)";

/// A cut that was not read, in one account or in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadCut {
    /// The cut.
    pub cut: LineCut,
    /// The account; absent for all.
    pub account: Option<String>,
}

impl UnreadCut {
    fn is_of(&self, cut: LineCut, account: Option<&str>) -> bool {
        let is_here = |unread: &String| account == Some(unread.as_str());
        self.cut == cut && self.account.as_ref().is_none_or(is_here)
    }
}

/// A part of the usage of an account in one cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum UsagePart<K> {
    /// What has this owner or service.
    Named(K),
    /// The difference between two answers of Cost Explorer.
    Changed,
    /// What was not read.
    Unread,
}

impl<K> UsagePart<K> {
    /// What a cut of an account lacks of the total.
    pub(super) fn rest(unread: &[UnreadCut], cut: LineCut, account: Option<&str>) -> UsagePart<K> {
        match unread.iter().any(|unread| unread.is_of(cut, account)) {
            true => UsagePart::Unread,
            false => UsagePart::Changed,
        }
    }
}

/// The label of usage that was not read.
pub(super) fn unread_usage() -> RowLabel {
    RowLabel {
        kind: LabelKind::Unread,
        name: UNREAD_USAGE.to_owned(),
    }
}

/// The label of all accounts together, where answers do not have amounts by account.
pub fn unread_accounts_label() -> RowLabel {
    RowLabel {
        kind: LabelKind::Unread,
        name: "(all accounts)".to_owned(),
    }
}

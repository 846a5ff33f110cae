//! Where amounts of money come from: Cost Explorer, or answers that were saved. What either gives is
//! [`crate::core::cost::answer::Answer`].
pub(crate) mod accounts;
pub(crate) mod cost_explorer;
pub(crate) mod saved;

//! Where amounts of money come from: Cost Explorer, or answers that were saved. What either gives is
//! [`trailtab_core::cost::answer::CostAnswer`].
pub mod accounts;
pub mod cost_explorer;
pub mod saved;

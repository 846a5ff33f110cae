//! Sources of cost data: Cost Explorer or saved answers. Both yield
//! [`trailtab_cost_explorer::answer::CostAnswer`].

pub mod accounts;
pub mod cost_explorer;
pub mod saved;

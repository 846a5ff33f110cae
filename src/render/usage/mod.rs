//! Usage in all its forms: pages for people, tables for programs, metrics for Prometheus, dashboards
//! and alarms for CloudWatch.

mod causes;
mod csv;
pub(crate) mod dashboard;
pub(crate) mod openmetrics;
mod page;
mod plan;
mod price;

pub(crate) use self::causes::causes;
pub(crate) use self::csv::{causes as causes_csv, price as price_csv, report as report_csv};
pub(crate) use self::page::{no_match, report};
pub(crate) use self::plan::{account, plan};
pub(crate) use self::price::price;

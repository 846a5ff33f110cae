//! Renders usage: terminal pages, CSV, OpenMetrics for Prometheus, dashboards and alarms for CloudWatch.

pub mod alarm;
mod causes;
mod csv;
pub mod dashboard;
mod health;
pub mod openmetrics;
mod page;
mod plan;
mod price;

pub use self::causes::causes;
pub use self::csv::{causes as causes_csv, price as price_csv, report as report_csv};
pub use self::health::{health, health_csv};
pub use self::page::{no_match, report};
pub use self::plan::{account, plan};
pub use self::price::price;

//! The end of each help text: examples, and where the documentation is.
//!
//! Tests parse every line that begins with `trailtab`, and run those on the demo's data.

pub(crate) const MAIN: &str = "\
Examples:
  trailtab demo
  trailtab activity --since 7d
  trailtab cost --last-month

Documentation: trailtab man, trailtab VERB --help, and README.md and docs/ of the source code";

pub(crate) const DEMO: &str = "\
Examples:
  trailtab demo
  trailtab demo --events 1000000 --output big

Documentation: README.md of the source code";

pub(crate) const ACTIVITY: &str = "\
Examples:
  trailtab activity --since 7d
  trailtab activity demo/AWSLogs --since 2026-09-17 --activity-type FAILED
  trailtab activity s3://BUCKET/AWSLogs --since yesterday --region 'eu-*'

Documentation: docs/summary.md (results), docs/event-history.md (reading without SOURCE)";

pub(crate) const EVENTS: &str = "\
Examples:
  trailtab events --since 24h --mutating
  trailtab events demo/AWSLogs --since 2026-09-17 --ip 203.0.113.0/24
  trailtab events demo/AWSLogs --resource legacy-backup --format csv

Documentation: docs/events.md";

pub(crate) const USAGE: &str = "\
Examples:
  trailtab usage --since 24h
  trailtab usage demo/AWSLogs --by principal,api --per day
  trailtab usage demo/AWSLogs --throttled --by session

Documentation: docs/usage.md, docs/metrics.md";

pub(crate) const USAGE_PRICE: &str = "\
Examples:
  trailtab usage price demo/AWSLogs
  trailtab usage price s3://BUCKET/AWSLogs --since 7d --top 100

Documentation: docs/metrics.md";

pub(crate) const USAGE_HEALTH: &str = "\
Examples:
  trailtab usage health trailtab
  trailtab usage health trailtab --since 7d --format json

Documentation: docs/usage.md";

pub(crate) const COST: &str = "\
Examples:
  trailtab cost --last-month
  trailtab cost --since 7d --account Sandbox --format csv
  trailtab cost --offline demo/bill --owner maya.chen@example.com

Documentation: docs/cost.md";

pub(crate) const COST_CHECK: &str = "\
Examples:
  trailtab cost check --config trailtab.toml
  trailtab cost check --config s3://BUCKET/config.json --format json

Documentation: docs/cost.md";

pub(crate) const PLOT: &str = "\
Examples:
  trailtab plot results/account_activity_111122223333_20260917080000.json
  trailtab plot old/summary.json --plot-format svg --output charts

Documentation: docs/summary.md";

pub(crate) const ARCHIVE: &str = "\
Examples:
  trailtab activity --archive kept --since 24h
  trailtab archive status kept
  trailtab archive verify kept

Documentation: docs/archive.md";

pub(crate) const ARCHIVE_STATUS: &str = "\
Examples:
  trailtab archive status kept --no-output
  trailtab archive status kept --format csv

Documentation: docs/archive.md";

pub(crate) const ARCHIVE_VERIFY: &str = "\
Examples:
  trailtab archive verify kept
  trailtab archive verify /backup/trailtab

Documentation: docs/archive.md";

pub(crate) const ATHENA: &str = "\
Examples:
  trailtab athena setup s3://BUCKET
  trailtab athena setup s3://BUCKET --yes
  trailtab activity athena://trailtab/cloudtrail_logs --since 7d

Documentation: docs/athena.md";

pub(crate) const ATHENA_SETUP: &str = "\
Examples:
  trailtab athena setup s3://BUCKET > setup.sql
  trailtab athena setup s3://BUCKET --yes --athena-results s3://RESULTS/athena/
  trailtab athena setup s3://BUCKET/AWSLogs --table audit@security/trail

Documentation: docs/athena.md";

pub(crate) const COMPLETIONS: &str = "\
Examples:
  trailtab completions bash > /etc/bash_completion.d/trailtab
  trailtab completions zsh > ~/.zfunc/_trailtab

Documentation: README.md of the source code";

pub(crate) const MAN: &str = "\
Examples:
  trailtab man | man -l -
  trailtab man > trailtab.1

Documentation: README.md of the source code";

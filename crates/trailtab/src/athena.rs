//! `trailtab athena`: tables of Athena over logs.

use clap::Subcommand;
use clap::builder::{OsStringValueParser, TypedValueParser as _};

use crate::reading::{CredentialArgs, results_folder};
use crate::ui::Ui;
use crate::{RunEnd, UsageError, signals};
use anyhow::anyhow;
use trailtab_app::clock;
use trailtab_app::job::athena::setup::{
    self, LogTablePlan, SetupEnd, SetupError, SetupPlan, SetupRequest,
};
use trailtab_app::source::Source;
use trailtab_app::source::progress::ReadProgress;
use trailtab_athena::address::{AthenaAddress, InvalidAthenaAddress};
use trailtab_athena::sql::SqlText;
use trailtab_core::scope::{AccountId, Region};
use trailtab_core::time::TimeArgument;
use trailtab_render::escape;

/// The table without `--table`.
const DEFAULT_TABLE: &str = "trailtab/cloudtrail_logs";

/// Remark on the first signal while tables are made.
const STOPS_MAKING: &str = "stopping: what is made stays; a second signal ends the program at once";

/// Most accounts that are listed.
const MAX_ACCOUNTS_SHOWN: usize = 8;

/// Make tables of Athena, which count logs where they lie
#[derive(Debug, clap::Args)]
#[command(after_help = crate::examples::ATHENA)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: AthenaVerb,
}

#[derive(Debug, Subcommand)]
enum AthenaVerb {
    Setup(SetupArgs),
}

/// Make a table over the log files of a trail, or show the statements that make it
///
/// Lists folders of the bucket to find accounts, Regions and the first day, in the layout of a single account, an
/// organization or Control Tower. Prints the statements on standard output. With --yes it runs them in Athena, in the
/// region of the credentials; they scan nothing. A table that exists and is the same is left as it is. If folders of
/// accounts lie in several places, each place gets a table. No object in the bucket is changed.
#[derive(Debug, clap::Args)]
#[command(after_help = crate::examples::ATHENA_SETUP)]
struct SetupArgs {
    /// Bucket of the trail, s3://BUCKET[/PREFIX]
    #[arg(value_name = "BUCKET")]
    #[arg(value_parser = OsStringValueParser::new().try_map(Source::try_from))]
    bucket: Source,
    // No doc comment: brackets would be a link.
    #[arg(help = "Table to make, [WORKGROUP@]DATABASE/TABLE")]
    #[arg(long, value_name = "TABLE", default_value = DEFAULT_TABLE, value_parser = table)]
    table: AthenaAddress,
    /// First day of the table, in the forms of trailtab activity --since (default: the first day with log files)
    #[arg(long, value_name = "DAY")]
    since: Option<TimeArgument>,
    /// Folder for what statements print, s3://BUCKET/PREFIX/ (default: the workgroup's)
    #[arg(long, value_name = "FOLDER", value_parser = results_folder)]
    athena_results: Option<String>,
    /// Run the statements
    #[arg(long)]
    yes: bool,
    /// Remove a table of the name that differs, and make it again; its log files stay
    #[arg(long)]
    replace: bool,
    /// Pay for the listing, where the bucket's owner does not
    #[arg(long)]
    requester_pays: bool,
    #[command(flatten)]
    credentials: CredentialArgs,
}

/// Reads the name of a table, with or without `athena://`.
fn table(text: &str) -> Result<AthenaAddress, InvalidAthenaAddress> {
    match text.starts_with("athena://") {
        true => text.parse(),
        false => format!("athena://{text}").parse(),
    }
}

pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<RunEnd> {
    match &args.verb {
        AthenaVerb::Setup(args) => set_up(args, ui),
    }
}

fn set_up(args: &SetupArgs, ui: Ui) -> anyhow::Result<RunEnd> {
    let Source::S3 { bucket, prefix } = args.bucket.clone() else {
        let error =
            "a table is made over the bucket of a trail: write s3://BUCKET or s3://BUCKET/PREFIX";
        return Err(UsageError(error.to_owned()).into());
    };
    let now = clock::now();
    let making = signals::interruptible(STOPS_MAKING);
    let request = SetupRequest {
        bucket,
        prefix,
        address: args.table.clone(),
        first_day: args.since.map(|since| since.first_day(now)),
        results: args.athena_results.clone(),
        requester_pays: args.requester_pays,
        access: args.credentials.access(),
        now,
        interrupt: making.interrupt.clone(),
    };
    let plan = setup::plan(&request).map_err(as_usage)?;
    tell_found(&plan, ui);
    let ends = match args.yes {
        true => make(args, &request, &plan, ui)?,
        false => {
            show(args, &plan, ui)?;
            ui.remark("nothing was made: run these statements in Athena, or repeat the command with --yes");
            Vec::new()
        }
    };
    let is_refused = tell_ends(&plan, &ends, ui);
    if !is_refused {
        for table in &plan.tables {
            let address = escape::shell_word(&table.address.to_string());
            ui.remark(&format!(
                "then count it with: trailtab activity {address} --since 7d"
            ));
        }
    }
    for problem in &plan.coverage.problems {
        ui.error(&anyhow!(
            "incomplete: {} {}",
            problem.document,
            problem.reason
        ));
    }
    match (is_refused, plan.coverage.is_complete()) {
        (true, _) => Err(anyhow!(
            "not all tables could be made as they should be: make them under another name with --table, or again with --replace, \
             which removes a table from the catalog and deletes no log file"
        )),
        (false, true) => Ok(RunEnd::Done),
        (false, false) => Ok(RunEnd::Partial),
    }
}

/// Faults that the arguments have.
fn as_usage(error: SetupError) -> anyhow::Error {
    match error {
        SetupError::Catalog { .. } => UsageError(error.to_string()).into(),
        error => error.into(),
    }
}

/// Says what the listing found.
fn tell_found(plan: &SetupPlan, ui: Ui) {
    if let [_, _, ..] = plan.tables.as_slice() {
        ui.remark(&format!(
            "folders of accounts lie in {} places of the bucket, so there is a table for each",
            plan.tables.len()
        ));
    }
    for table in &plan.tables {
        ui.remark(&escape::terminal(&found(table)));
    }
    if let Some((bucket, athena)) = &plan.region_pair {
        ui.remark(&format!(
            "the bucket is in {bucket}, and Athena of {athena} would read it: AWS bills the transfer. Set AWS_REGION={bucket}"
        ));
    }
}

/// What was found of a trail, in a line.
fn found(table: &LogTablePlan) -> String {
    let LogTablePlan {
        address,
        setup,
        accounts,
        regions,
        is_wider,
    } = table;
    let names: Vec<&str> = accounts.iter().map(AccountId::as_str).collect();
    let more = match names.len().saturating_sub(MAX_ACCOUNTS_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let shown = names[..names.len().min(MAX_ACCOUNTS_SHOWN)].join(", ");
    let regions: Vec<&str> = regions.iter().map(Region::as_str).collect();
    let wider = match is_wider {
        true => {
            "; the table has all accounts and Regions there, not only the folder that was named"
        }
        false => "",
    };
    format!(
        "{address} is over {}: accounts {shown}{more}; Regions with log files {}, and the table has {} for those that follow; first day {}{wider}",
        setup.root,
        regions.join(", "),
        setup.regions.len(),
        setup.first_day,
    )
}

/// Prints the statements.
fn show(args: &SetupArgs, plan: &SetupPlan, ui: Ui) -> anyhow::Result<()> {
    for (number, table) in plan.tables.iter().enumerate() {
        if number == 0 {
            print(&table.setup.database_statement(), ui)?;
        }
        if args.replace {
            print(&table.setup.removal_statement(), ui)?;
        }
        print(&table.setup.table_statement(), ui)?;
    }
    Ok(())
}

fn print(statement: &SqlText, ui: Ui) -> std::io::Result<()> {
    ui.data(format!("{statement};\n").as_bytes())
}

/// Makes the tables, and prints the statements that are run.
fn make(
    args: &SetupArgs,
    request: &SetupRequest,
    plan: &SetupPlan,
    ui: Ui,
) -> anyhow::Result<Vec<SetupEnd>> {
    let progress = ReadProgress::default();
    let mut printed = Ok(());
    let mut told = |statement: &SqlText| {
        if printed.is_ok() {
            printed = print(statement, ui);
        }
    };
    let made = ui.watch(&progress, || {
        setup::make(request, plan, args.replace, &progress, &mut told)
    });
    let ends = made?;
    printed?;
    Ok(ends)
}

/// Says what became of tables that exist; returns whether one of them differs.
fn tell_ends(plan: &SetupPlan, ends: &[SetupEnd], ui: Ui) -> bool {
    let mut is_refused = false;
    for (table, end) in plan.tables.iter().zip(ends) {
        let address = &table.address;
        match end {
            // Said when it was made.
            SetupEnd::Made | SetupEnd::Replaced => {}
            SetupEnd::Existed => ui.remark(&format!("{address} exists already, and is the same")),
            SetupEnd::Foreign => {
                is_refused = true;
                ui.error(&anyhow!(
                    "{address} exists and is not a table over log files of CloudTrail, so it is not replaced"
                ));
            }
            SetupEnd::Differs(differences) => {
                is_refused = true;
                for difference in differences {
                    ui.error(&anyhow!("{address} exists and differs: {difference}"));
                }
            }
        }
    }
    is_refused
}

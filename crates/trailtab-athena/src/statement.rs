//! The statement that counts a table's events for a run.

mod selected;
mod times;

use trailtab_core::event::filter::EventFilter;
use trailtab_core::event::needs::{CallGrain, FirstCalls, RecordNeeds};
use trailtab_core::time::TimeWindow;

use self::selected::{grouped, whole};
use self::times::EventTimes;
use crate::filter;
use crate::members::{self, CellKind};
use crate::partition::{self, PartitionError, PartitionRole, ScanScope};
use crate::sql::SqlText;
use crate::table::LogTable;

/// The version of the rules by which a statement counts. Counts that are kept carry it: change it when the same events
/// would give other rows.
pub const RULES_VERSION: u32 = 1;

/// The longest statement that Athena takes, in bytes ("Service Quotas" in the Athena User Guide).
pub const MAX_STATEMENT_BYTES: usize = 262_144;

/// What a run asks of a table.
#[derive(Debug, Clone, Copy)]
pub struct TableQuestion<'q> {
    /// What is to be known of each event.
    pub needs: RecordNeeds,
    /// The time window.
    pub window: TimeWindow,
    /// The filters.
    pub filter: &'q EventFilter,
    /// Whether network activity is counted as well.
    pub network_activity: bool,
    /// The partitions.
    pub scope: &'q ScanScope,
    /// Whether rows are grouped by their day of delivery, so that they can be kept for other windows. Then events
    /// outside the window are returned like all others. The table must have such days: see [`LogTable::has_days`].
    pub by_day: bool,
}

/// A statement, and what the columns of its result mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The text: one SELECT.
    pub sql: SqlText,
    /// The columns of the result, in order.
    pub columns: Vec<ResultColumn>,
}

/// What a column of a result means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResultColumn {
    /// What the row stands for: a name of [`RowClass`].
    Class,
    /// The day of delivery, as the partition key writes it.
    Day,
    /// The hour or minute of the calls; they are not apart by more.
    Period,
    /// A member of their records.
    Member(ResultMember),
    /// The number of events.
    Calls,
    /// The time of the first of them.
    First,
    /// The time of the last of them.
    Last,
}

impl ResultColumn {
    /// The name of the column in results.
    pub fn name(&self) -> String {
        match self {
            ResultColumn::Class => "trailtab_class".to_owned(),
            ResultColumn::Day => "trailtab_day".to_owned(),
            ResultColumn::Period => "trailtab_hour".to_owned(),
            ResultColumn::Member(member) => members::column_name(&member.path),
            ResultColumn::Calls => "trailtab_calls".to_owned(),
            ResultColumn::First => "trailtab_first".to_owned(),
            ResultColumn::Last => "trailtab_last".to_owned(),
        }
    }
}

impl Statement {
    /// The statement that writes the rows as lines of JSON into an empty folder of S3, `s3://BUCKET/PREFIX/`, by many
    /// writers at once. The result of a SELECT is written by one.
    pub fn unload(&self, folder: &str) -> SqlText {
        SqlText::of(
            "UNLOAD (\n?\n) TO ? WITH (format = 'JSON', compression = 'GZIP')",
            &[&self.sql, &SqlText::text(folder)],
        )
    }
}

/// A member of records in a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultMember {
    /// The names on the way to it.
    pub(crate) path: Vec<String>,
    pub(crate) kind: CellKind,
}

/// What a row of a result stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowClass {
    /// Calls that the filters may admit.
    Calls,
    /// Events that the filters refuse.
    Refused,
    /// Events outside the window.
    Outside,
    /// Further events with an eventID.
    Duplicate,
    /// Records without a time.
    Undated,
    /// Network activity that is not asked for.
    Network,
    /// Calls that are not among the first that are asked for.
    Later,
}

impl RowClass {
    /// All classes.
    pub const ALL: [RowClass; 7] = [
        RowClass::Calls,
        RowClass::Refused,
        RowClass::Outside,
        RowClass::Duplicate,
        RowClass::Undated,
        RowClass::Network,
        RowClass::Later,
    ];

    /// The name in results.
    pub fn name(self) -> &'static str {
        match self {
            RowClass::Calls => "calls",
            RowClass::Refused => "refused",
            RowClass::Outside => "outside",
            RowClass::Duplicate => "duplicate",
            RowClass::Undated => "undated",
            RowClass::Network => "network",
            RowClass::Later => "later",
        }
    }
}

/// Why there is no statement for a question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// The partitions to scan cannot be determined.
    #[error(transparent)]
    Partition(#[from] PartitionError),
    /// The statement is longer than Athena takes.
    #[error(
        "the statement has {bytes} bytes, and Athena takes {MAX_STATEMENT_BYTES}: ask about fewer accounts, days or values"
    )]
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
}

/// Makes the statement for a question.
///
/// # Errors
///
/// If the partitions to scan cannot be determined, or the statement is too long.
pub fn statement(
    table: &LogTable,
    question: &TableQuestion<'_>,
) -> Result<Statement, StatementError> {
    let selected = match question.needs.grain {
        CallGrain::Event => whole(table),
        CallGrain::Hour | CallGrain::Minute => grouped(table, question.needs),
    };
    let times = EventTimes::of(&table.time, question);
    let day = day_column(table, question);
    let mut inner = vec![
        SqlText::of(
            "? AS \"trailtab_place\"",
            &[&place(table, question, &times)],
        ),
        SqlText::of("? AS \"trailtab_time\"", &[&times.value]),
        SqlText::of("? AS \"trailtab_period\"", &[&times.period]),
    ];
    inner.extend(
        day.iter()
            .map(|day| SqlText::of("? AS \"trailtab_day\"", &[day])),
    );
    inner.extend(identities(table));
    if question.needs.kept.is_some() {
        let ordered = SqlText::of("coalesce(?, false)", &[&times.is_ordered]);
        inner.push(SqlText::of("? AS \"trailtab_ordered\"", &[&ordered]));
    }
    let condition = filter::condition(question.filter, table);
    inner.push(SqlText::of(
        "? AS \"trailtab_wanted\"",
        &[&condition.unwrap_or_else(|| SqlText::fixed("true"))],
    ));
    let members = selected.iter();
    inner.extend(members.map(|one| SqlText::of("? AS ?", &[&one.sql, &one.alias])));
    let partitions = partitions(table, question.scope)?;
    let records = SqlText::of(
        "SELECT\n      ?\n    FROM ?\n    WHERE ?",
        &[
            &SqlText::join(&inner, ",\n      "),
            &table.name(),
            &partitions,
        ],
    );
    let class = SqlText::fixed(
        "CASE\n      WHEN \"trailtab_place\" <> 'inside' THEN \"trailtab_place\"\n      WHEN \"trailtab_id\" IS NOT NULL AND \"trailtab_copy\" > 1 THEN 'duplicate'\n      WHEN \"trailtab_wanted\" = false THEN 'refused'\n      ELSE 'calls'\n    END",
    );
    let of_calls = |name: &SqlText| {
        SqlText::of(
            "CASE WHEN ? = 'calls' THEN ? END",
            &[&SqlText::name("trailtab_class"), name],
        )
    };
    let mut outer = vec![SqlText::fixed("\"trailtab_class\"")];
    if day.is_some() {
        outer.push(SqlText::fixed("\"trailtab_day\""));
    }
    outer.push(SqlText::of(
        "? AS \"trailtab_hour\"",
        &[&of_calls(&SqlText::name("trailtab_period"))],
    ));
    for one in &selected {
        outer.push(SqlText::of("? AS ?", &[&of_calls(&one.alias), &one.alias]));
    }
    let keys = i64::try_from(outer.len()).unwrap_or(i64::MAX);
    outer.push(SqlText::fixed("count(*) AS \"trailtab_calls\""));
    outer.push(SqlText::fixed(
        "min(\"trailtab_time\") AS \"trailtab_first\"",
    ));
    outer.push(SqlText::fixed(
        "max(\"trailtab_time\") AS \"trailtab_last\"",
    ));
    let keys: Vec<SqlText> = (1..=keys).map(SqlText::number).collect();
    let kept = question.needs.kept;
    let kept = kept.filter(|_| filter::is_exact(question.filter, table));
    let name = SqlText::name(if kept.is_some() {
        "trailtab_kind"
    } else {
        "trailtab_class"
    });
    let classed = SqlText::of(
        "SELECT *, ? AS ?\n  FROM (\n    SELECT *, row_number() OVER (PARTITION BY \"trailtab_place\", \"trailtab_id\" ORDER BY \"trailtab_update\" DESC) AS \"trailtab_copy\"\n    FROM (\n    ?\n    )\n  )",
        &[&class, &name, &records],
    );
    let classed = match kept {
        Some(kept) => first_only(&classed, kept),
        None => classed,
    };
    let sql = SqlText::of(
        "SELECT\n  ?\nFROM (\n  ?\n)\nGROUP BY ?",
        &[
            &SqlText::join(&outer, ",\n  "),
            &classed,
            &SqlText::join(&keys, ", "),
        ],
    );
    let bytes = sql.as_str().len();
    if bytes > MAX_STATEMENT_BYTES {
        return Err(StatementError::TooLong { bytes });
    }
    let mut columns = vec![ResultColumn::Class];
    columns.extend(day.map(|_| ResultColumn::Day));
    columns.push(ResultColumn::Period);
    let members = selected.into_iter();
    columns.extend(members.map(|one| ResultColumn::Member(one.member)));
    columns.extend([ResultColumn::Calls, ResultColumn::First, ResultColumn::Last]);
    Ok(Statement { sql, columns })
}

/// Gives calls that are not among the first ones a class of their own. Calls whose time is written in another way than
/// CloudTrail's cannot be ordered by its text: all of them are kept.
fn first_only(classed: &SqlText, kept: FirstCalls) -> SqlText {
    let order = SqlText::fixed(match kept.newest_first {
        true => "\"trailtab_time\" DESC, \"trailtab_id\" DESC",
        false => "\"trailtab_time\", \"trailtab_id\"",
    });
    let count = SqlText::number(i64::try_from(kept.count).unwrap_or(i64::MAX));
    SqlText::of(
        "SELECT *, CASE WHEN \"trailtab_kind\" = 'calls' AND \"trailtab_ordered\" AND \"trailtab_rank\" > ? THEN 'later' ELSE \"trailtab_kind\" END AS \"trailtab_class\"\n  FROM (\n  SELECT *, row_number() OVER (PARTITION BY \"trailtab_kind\", \"trailtab_ordered\" ORDER BY ?) AS \"trailtab_rank\"\n  FROM (\n  ?\n  )\n  )",
        &[&count, &order, classed],
    )
}

/// The column with the day of delivery, if rows are grouped by it.
fn day_column(table: &LogTable, question: &TableQuestion<'_>) -> Option<SqlText> {
    let key = table.day_key().filter(|_| question.by_day)?;
    Some(SqlText::of(
        "CAST(? AS varchar)",
        &[&SqlText::name(&key.name)],
    ))
}

/// The condition that the filters become in a statement; absent if they leave nothing out.
pub fn filter_condition(table: &LogTable, filter: &EventFilter) -> Option<SqlText> {
    filter::condition(filter, table)
}

/// The conditions on the partition keys.
fn partitions(table: &LogTable, scope: &ScanScope) -> Result<SqlText, PartitionError> {
    let by_month = partition::by_month(&table.partitions, scope);
    let mut conditions = Vec::new();
    for key in &table.partitions {
        if key.role == PartitionRole::Year && by_month.is_some() {
            continue;
        }
        conditions.extend(key.condition(scope)?);
    }
    conditions.extend(by_month);
    // Without brackets around all of them, as people write conditions on partitions.
    Ok(match conditions.is_empty() {
        true => SqlText::fixed("true"),
        false => SqlText::join(&conditions, "\n      AND "),
    })
}

/// Where an event belongs before it is deduplicated.
fn place(table: &LogTable, question: &TableQuestion<'_>, times: &EventTimes) -> SqlText {
    let mut network = Vec::new();
    if !question.network_activity {
        for (name, template) in [
            ("eventCategory", "? = 'NetworkActivity'"),
            ("eventType", "? IN ('AwsVpceEvent', 'AwsVpceEvents')"),
        ] {
            if let Some(member) = table.member(&[name]) {
                let condition = SqlText::of(template, &[&member.sql]);
                network.push(SqlText::of("coalesce(?, false)", &[&condition]));
            }
        }
    }
    // Events without a time are inside where there is no window. Rows that are kept serve every window: their reader
    // tells.
    let is_undated = match question.by_day || question.window == TimeWindow::default() {
        true => SqlText::fixed("false"),
        false => times.is_absent.clone(),
    };
    SqlText::of(
        "CASE WHEN ? THEN 'network' WHEN ? THEN 'undated' WHEN ? THEN 'outside' ELSE 'inside' END",
        &[&SqlText::any(&network), &is_undated, &times.is_outside],
    )
}

/// The eventID by which copies are known, and whether the event updates another one. An event with information that was
/// missing from an earlier one takes its place ("addendum" in the CloudTrail User Guide).
fn identities(table: &LogTable) -> [SqlText; 2] {
    let none = || SqlText::fixed("CAST(NULL AS varchar)");
    let own = table
        .member(&["eventID"])
        .map(|member| SqlText::of("nullif(?, '')", &[&member.sql]));
    let own = own.unwrap_or_else(none);
    let part = |name| {
        if let Some(member) = table.member(&["addendum", name]) {
            return Some(member.sql.clone());
        }
        let whole = table.member(&["addendum"])?;
        let path = SqlText::text(&format!("$.{name}"));
        Some(SqlText::of(
            "json_extract_scalar(?, ?)",
            &[&whole.sql, &path],
        ))
    };
    let original = match (part("reason"), part("originalEventID")) {
        (Some(reason), Some(original)) => SqlText::of(
            "CASE WHEN ? = 'UPDATED_DATA' THEN nullif(?, '') END",
            &[&reason, &original],
        ),
        _ => none(),
    };
    [
        SqlText::of("coalesce(?, ?) AS \"trailtab_id\"", &[&original, &own]),
        SqlText::of(
            "CASE WHEN ? <> ? THEN 1 ELSE 0 END AS \"trailtab_update\"",
            &[&original, &own],
        ),
    ]
}

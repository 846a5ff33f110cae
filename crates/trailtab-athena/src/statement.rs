//! The statement that counts a table's events for a run.

use trailtab_core::activity::usage::THROTTLING_MESSAGE_PARTS;
use trailtab_core::event::filter::EventFilter;
use trailtab_core::event::needs::{CallGrain, RecordNeeds};
use trailtab_core::event::outcome::REFUSING_MESSAGE_PARTS;
use trailtab_core::time::{self, Seconds, TimeWindow};

use crate::filter;
use crate::members::{self, CellKind, TableMember};
use crate::partition::{self, PartitionError, PartitionRole, ScanScope};
use crate::sql::SqlText;
use crate::table::{EventTimeColumn, LogTable};

/// The version of the rules by which a statement counts. Counts that are kept carry it: change it when the same events would
/// give other rows.
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
    /// Whether rows are told apart by their day of delivery, so that they can be kept for other windows. Then events
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
}

impl RowClass {
    /// All classes.
    pub const ALL: [RowClass; 6] = [
        RowClass::Calls,
        RowClass::Refused,
        RowClass::Outside,
        RowClass::Duplicate,
        RowClass::Undated,
        RowClass::Network,
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
        }
    }
}

/// Why there is no statement for a question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// The partitions cannot be told.
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

/// A member that a statement returns.
struct Selected {
    member: ResultMember,
    alias: SqlText,
    sql: SqlText,
}

/// Makes the statement for a question.
///
/// # Errors
///
/// If the partitions cannot be told, or the statement is too long.
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
    let sql = SqlText::of(
        "SELECT\n  ?\nFROM (\n  SELECT *, ? AS \"trailtab_class\"\n  FROM (\n    SELECT *, row_number() OVER (PARTITION BY \"trailtab_place\", \"trailtab_id\" ORDER BY \"trailtab_update\" DESC) AS \"trailtab_copy\"\n    FROM (\n    ?\n    )\n  )\n)\nGROUP BY ?",
        &[
            &SqlText::join(&outer, ",\n  "),
            &class,
            &records,
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

/// The column with the day of delivery, if rows are told apart by it.
fn day_column(table: &LogTable, question: &TableQuestion<'_>) -> Option<SqlText> {
    let key = table.day_key().filter(|_| question.by_day)?;
    Some(SqlText::of(
        "CAST(? AS varchar)",
        &[&SqlText::name(&key.name)],
    ))
}

/// The condition that the filters become in a statement; None if they become none.
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

/// The expressions for the time of an event.
struct EventTimes {
    /// What is returned of the first and last event.
    value: SqlText,
    /// The hour or the minute; the whole time if it is not written as CloudTrail writes times, or for single events.
    period: SqlText,
    /// Whether there is no time.
    is_absent: SqlText,
    /// Whether the time is known to be outside the window.
    is_outside: SqlText,
}

impl EventTimes {
    fn of(column: &EventTimeColumn, question: &TableQuestion<'_>) -> EventTimes {
        match column {
            EventTimeColumn::Text(column) => EventTimes::of_text(column, question),
            EventTimeColumn::Milliseconds(column) => EventTimes::of_number(column, question),
        }
    }

    fn of_text(column: &SqlText, question: &TableQuestion<'_>) -> EventTimes {
        let regular = SqlText::of(
            "regexp_like(?, '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$')",
            &[column],
        );
        let cut = |template| SqlText::of(template, &[&regular, column, column]);
        let period = match question.needs.grain {
            CallGrain::Hour => cut("CASE WHEN ? THEN substr(?, 1, 13) ELSE ? END"),
            CallGrain::Minute => cut("CASE WHEN ? THEN substr(?, 1, 16) ELSE ? END"),
            CallGrain::Event => column.clone(),
        };
        let outside = outside(column, question, |time| SqlText::text(&time::iso(time)));
        EventTimes {
            value: column.clone(),
            period: match (question.by_day, outside.as_slice()) {
                (true, [_, ..]) => parted(&period, &outside),
                _ => period,
            },
            is_absent: SqlText::of("coalesce(?, '') = ''", &[column]),
            // The reader places times that are written in another way.
            is_outside: match question.by_day {
                true => SqlText::fixed("false"),
                false => SqlText::of("(? AND ?)", &[&regular, &SqlText::any(&outside)]),
            },
        }
    }

    fn of_number(column: &SqlText, question: &TableQuestion<'_>) -> EventTimes {
        let cut = |template| SqlText::of(template, &[column, column]);
        let period = match question.needs.grain {
            CallGrain::Hour => cut("? - ? % 3600000"),
            CallGrain::Minute => cut("? - ? % 60000"),
            CallGrain::Event => column.clone(),
        };
        let number = |time: Seconds| SqlText::number(time.saturating_mul(1000));
        let outside = outside(column, question, number);
        EventTimes {
            value: column.clone(),
            period: match (question.by_day, outside.as_slice()) {
                (true, [_, ..]) => parted(&SqlText::of("CAST(? AS varchar)", &[&period]), &outside),
                _ => period,
            },
            is_absent: SqlText::of("? IS NULL", &[column]),
            is_outside: match question.by_day {
                true => SqlText::fixed("false"),
                false => SqlText::any(&outside),
            },
        }
    }
}

/// The conditions that place a time before or after the window.
fn outside(
    column: &SqlText,
    question: &TableQuestion<'_>,
    write: impl Fn(Seconds) -> SqlText,
) -> Vec<SqlText> {
    let since = question.window.since.map(|time| ("? < ?", time));
    let until = question.window.until.map(|time| ("? >= ?", time));
    let bounds = since.into_iter().chain(until);
    bounds
        .map(|(template, time)| SqlText::of(template, &[column, &write(time)]))
        .collect()
}

/// Tells the calls of a period that are inside the window from those outside.
fn parted(period: &SqlText, outside: &[SqlText]) -> SqlText {
    SqlText::of(
        "concat(?, CASE WHEN ? THEN ' outside' ELSE '' END)",
        &[period, &SqlText::any(outside)],
    )
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
    SqlText::of(
        "CASE WHEN ? THEN 'network' WHEN ? THEN 'undated' WHEN ? THEN 'outside' ELSE 'inside' END",
        &[&SqlText::any(&network), &times.is_absent, &times.is_outside],
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

/// All members that the table has.
fn whole(table: &LogTable) -> Vec<Selected> {
    table.members.iter().map(Selected::of).collect()
}

impl Selected {
    fn of(member: &TableMember) -> Selected {
        Selected {
            member: ResultMember {
                path: member.path.clone(),
                kind: member.kind,
            },
            alias: member.alias(),
            sql: member.sql.clone(),
        }
    }

    /// The member, in those events only that meet a condition.
    fn when(member: &TableMember, condition: &SqlText) -> Selected {
        Selected {
            sql: SqlText::of("CASE WHEN ? THEN ? END", &[condition, &member.sql]),
            ..Selected::of(member)
        }
    }
}

/// The members of `userIdentity` that tell who acted. `accessKeyId` is apart.
const CALLER: [&[&str]; 12] = [
    &["userIdentity"],
    &["userIdentity", "type"],
    &["userIdentity", "principalId"],
    &["userIdentity", "arn"],
    &["userIdentity", "accountId"],
    &["userIdentity", "userName"],
    &["userIdentity", "invokedBy"],
    &["userIdentity", "sessionContext", "sessionIssuer", "type"],
    &["userIdentity", "sessionContext", "sessionIssuer", "arn"],
    &[
        "userIdentity",
        "sessionContext",
        "sessionIssuer",
        "userName",
    ],
    &["userIdentity", "onBehalfOf", "userId"],
    &["userIdentity", "onBehalfOf", "identityStoreArn"],
];

const CALLER_IN_SESSION: [&[&str]; 3] = [
    &["userIdentity", "sessionContext", "sourceIdentity"],
    &["userIdentity", "sessionContext", "signInSessionArn"],
    &["userIdentity", "sessionContext", "assumedRoot"],
];

/// The members of every event that counters and filters read.
const ALWAYS: [&[&str]; 9] = [
    &["awsRegion"],
    &["errorCode"],
    &["eventCategory"],
    &["eventName"],
    &["eventSource"],
    &["eventType"],
    &["eventVersion"],
    &["readOnly"],
    &["recipientAccountId"],
];

/// The members that a run needs, those that tell calls apart without need left out or cut to what is read of them.
fn grouped(table: &LogTable, needs: RecordNeeds) -> Vec<Selected> {
    let is_one =
        |member: &TableMember, paths: &[&[&str]]| paths.iter().any(|path| member.path == *path);
    let conditions = Conditions { table };
    let mut selected = Vec::new();
    for member in &table.members {
        let path: Vec<&str> = member.path.iter().map(String::as_str).collect();
        let one = match path.as_slice() {
            ["responseElements"] => {
                Some(Selected::when(member, &conditions.may_state(&member.sql)))
            }
            ["serviceEventDetails"] => {
                Some(Selected::when(member, &conditions.may_state(&member.sql)))
            }
            ["errorMessage"] => Some(Selected {
                sql: cut_message(&member.sql),
                ..Selected::of(member)
            }),
            ["additionalEventData"] => conditions
                .additional(needs)
                .map(|condition| Selected::when(member, &condition)),
            ["userIdentity", "accessKeyId"] if needs.access_key => Some(Selected::of(member)),
            // A service that acts for a user has a long-term key, `AKIA`.
            ["userIdentity", "accessKeyId"] if needs.caller => Some(Selected {
                sql: match table.member(&["userIdentity", "invokedBy"]) {
                    Some(invoked) => SqlText::of(
                        "CASE WHEN coalesce(?, '') <> '' THEN substr(?, 1, 4) END",
                        &[&invoked.sql, &member.sql],
                    ),
                    None => continue,
                },
                ..Selected::of(member)
            }),
            ["userAgent"] if needs.user_agent => Some(Selected::of(member)),
            ["sourceIPAddress"] if needs.address => Some(Selected::of(member)),
            // Calls through the AWS MCP Server are known by it.
            ["userAgent" | "sourceIPAddress"] if needs.caller => Some(Selected {
                sql: SqlText::of(
                    "CASE WHEN ? LIKE 'aws-mcp.%' THEN 'aws-mcp.' END",
                    &[&member.sql],
                ),
                ..Selected::of(member)
            }),
            _ if is_one(member, &ALWAYS) => Some(Selected::of(member)),
            _ if needs.caller
                && (is_one(member, &CALLER) || is_one(member, &CALLER_IN_SESSION)) =>
            {
                Some(Selected::of(member))
            }
            _ => None,
        };
        selected.extend(one);
    }
    selected
}

/// Of a message, the words by which refused and throttled calls are known; and that there is one.
fn cut_message(message: &SqlText) -> SqlText {
    let lower = SqlText::of("lower(?)", &[message]);
    let refusing = REFUSING_MESSAGE_PARTS.iter().map(|part| (&lower, part));
    let throttling = THROTTLING_MESSAGE_PARTS.iter().map(|part| (message, part));
    let parts = refusing.chain(throttling).map(|(text, part)| {
        let part = SqlText::text(part);
        SqlText::of(
            "CASE WHEN strpos(?, ?) > 0 THEN concat(' ', ?) ELSE '' END",
            &[text, &part, &part],
        )
    });
    let parts: Vec<SqlText> = parts.collect();
    SqlText::of(
        "CASE WHEN ? <> '' THEN concat('message', ?) END",
        &[message, &SqlText::join(&parts, ", ")],
    )
}

/// Conditions under which a member is read at all.
struct Conditions<'t> {
    table: &'t LogTable,
}

impl Conditions<'_> {
    fn text(&self, name: &str) -> SqlText {
        match self.table.member(&[name]) {
            Some(member) => SqlText::of("coalesce(?, '')", &[&member.sql]),
            None => SqlText::fixed("''"),
        }
    }

    /// An object is read for the result of a call if it may hold an error or state a result: see
    /// `EventRecord::outcome`.
    fn may_state(&self, json: &SqlText) -> SqlText {
        let any = [
            SqlText::of("strpos(?, '\"error') > 0", &[json]),
            SqlText::of("strpos(?, '\\u') > 0", &[json]),
            SqlText::all(&[
                SqlText::any(&[
                    SqlText::of("? <> 'AwsApiCall'", &[&self.text("eventType")]),
                    SqlText::of("? = ''", &[&self.text("eventSource")]),
                    SqlText::of("? LIKE 'signin.%'", &[&self.text("eventSource")]),
                    SqlText::of("? <> ''", &[&self.text("errorCode")]),
                ]),
                SqlText::of(
                    "regexp_like(lower(?), 'fail|abort|expire|succe|complete')",
                    &[json],
                ),
            ]),
        ];
        SqlText::any(&any)
    }

    /// `additionalEventData` names who signs in, and the service of calls to Auto Scaling.
    fn additional(&self, needs: RecordNeeds) -> Option<SqlText> {
        let source = self.text("eventSource");
        let mut any = Vec::new();
        if needs.caller {
            any.push(SqlText::of(
                "(? LIKE 'signin.%' OR ? LIKE 'sso%' OR ? LIKE 'identitystore%')",
                &[&source, &source, &source],
            ));
        }
        if needs.shared_service {
            any.push(SqlText::of("? = 'autoscaling.amazonaws.com'", &[&source]));
        }
        (!any.is_empty()).then(|| SqlText::any(&any))
    }
}

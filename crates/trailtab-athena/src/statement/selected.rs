//! The members of records that a statement returns.

use trailtab_core::activity::usage::THROTTLING_MESSAGE_PARTS;
use trailtab_core::event::needs::RecordNeeds;
use trailtab_core::event::outcome::REFUSING_MESSAGE_PARTS;

use super::ResultMember;
use crate::members::TableMember;
use crate::sql::SqlText;
use crate::table::LogTable;

/// A member that a statement returns.
pub(super) struct Selected {
    pub(super) member: ResultMember,
    pub(super) alias: SqlText,
    pub(super) sql: SqlText,
}

/// All members that the table has.
pub(super) fn whole(table: &LogTable) -> Vec<Selected> {
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

/// The members of `userIdentity` that identify the caller. `accessKeyId` is apart.
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

/// The members that a run needs, without those that would split groups needlessly, and cut to what is read of them.
pub(super) fn grouped(table: &LogTable, needs: RecordNeeds) -> Vec<Selected> {
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

    /// `additionalEventData` names the user who signs in, and the service of calls to Auto Scaling.
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

//! Messages for any other receiver: the report's own JSON, with a name and a text. docs/cost.md describes it.

use serde::Serialize;

use trailtab_core::cost::report::CostReport;

/// Grows when a member changes its meaning or goes away.
const MESSAGE_VERSION: u32 = 1;

/// A report.
#[derive(Debug, Serialize)]
pub(super) struct WebhookMessage<'m> {
    message_version: u32,
    #[serde(rename = "type")]
    kind: &'static str,
    channel: &'m str,
    is_correction: bool,
    title: &'m str,
    text: String,
    report: &'m CostReport,
}

impl<'m> WebhookMessage<'m> {
    pub(super) fn of(
        report: &'m CostReport,
        channel: &'m str,
        title: &'m str,
        is_correction: bool,
    ) -> WebhookMessage<'m> {
        WebhookMessage {
            message_version: MESSAGE_VERSION,
            kind: "cost_report",
            channel,
            is_correction,
            title,
            text: report.sentences().join("\n"),
            report,
        }
    }
}

/// A test.
#[derive(Debug, Serialize)]
pub(super) struct WebhookTest<'m> {
    message_version: u32,
    #[serde(rename = "type")]
    kind: &'static str,
    channel: &'m str,
    title: &'m str,
    text: &'m str,
}

impl<'m> WebhookTest<'m> {
    pub(super) fn of(channel: &'m str, title: &'m str, text: &'m str) -> WebhookTest<'m> {
        WebhookTest {
            message_version: MESSAGE_VERSION,
            kind: "test",
            channel,
            title,
            text,
        }
    }
}

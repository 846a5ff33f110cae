//! The contents of documents, as a reader reports them: records, content of other kinds, faults.

use crate::event::record::EventRecord;

/// Receives the records of a document.
pub trait RecordSink {
    /// Receives API calls, service events and sign-ins, in batches.
    fn events(&mut self, records: &[EventRecord<'_>]);
    /// Receives the kind of content that is not an event.
    fn other(&mut self, kind: ContentKind);
    /// Receives a record that could not be read.
    fn unreadable(&mut self, fault: RecordFault);
    /// Receives the place, such as `hits[].data`, of something that looks like a record in an
    /// unknown form.
    fn unknown_form(&mut self, place: &str) {
        let _ = place;
        self.unreadable(RecordFault::Broken);
    }
    /// Receives what is missing in a record that was read from a row of a table.
    fn gap(&mut self, gap: RowGap) {
        let _ = gap;
    }
    /// Receives the form that the next record was converted from.
    fn converted(&mut self, form: RecordForm) {
        let _ = form;
    }
    /// Number of events so far that a time window cannot place, because they have no valid time.
    fn undated(&self) -> u64 {
        0
    }
}

impl<S: RecordSink + ?Sized> RecordSink for &mut S {
    fn events(&mut self, records: &[EventRecord<'_>]) {
        (**self).events(records);
    }

    fn other(&mut self, kind: ContentKind) {
        (**self).other(kind);
    }

    fn unreadable(&mut self, fault: RecordFault) {
        (**self).unreadable(fault);
    }

    fn unknown_form(&mut self, place: &str) {
        (**self).unknown_form(place);
    }

    fn gap(&mut self, gap: RowGap) {
        (**self).gap(gap);
    }

    fn converted(&mut self, form: RecordForm) {
        (**self).converted(form);
    }

    fn undated(&self) -> u64 {
        (**self).undated()
    }
}

/// What a row of a table lacks although its call is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowGap {
    /// No column says who acted.
    Identity,
    /// The time is in a form that cannot be read.
    Time,
}

/// A form that keeps the facts of a record under names of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordForm {
    /// The Open Cybersecurity Schema Framework, as of Security Lake.
    Ocsf,
}

impl RecordForm {
    /// The name in the JSON output.
    pub fn name(self) -> &'static str {
        match self {
            RecordForm::Ocsf => "ocsf",
        }
    }
}

/// What is wrong with a record that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordFault {
    /// It ends in the middle, as messages do that exceed the size limit of CloudWatch Logs.
    Truncated,
    /// Its identity stands there and cannot be read.
    Identity,
    /// It is a compressed payload, which is damaged or too large. The records before the damage were passed on; what
    /// they say was not checked by the checksum at its end.
    Payload,
    /// Any other error.
    Broken,
}

/// The kind of a document or element that is not an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContentKind {
    /// A digest file, from `CloudTrail-Digest/`.
    Digest,
    /// An Insights event, from `CloudTrail-Insight/`.
    Insight,
    /// Events that CloudTrail aggregated, from `CloudTrail-Aggregated/`.
    Aggregated,
    /// Calls through VPC endpoints, from `CloudTrail-NetworkActivity/`.
    NetworkActivity,
    /// The control message that CloudWatch Logs sends to a new subscription.
    ControlMessage,
    /// An S3, SNS or SQS notification about a log file.
    Notification,
    /// A result of this program or of aws-summarize-account-activity.
    Summary,
    /// Anything else: another kind of event or file.
    Foreign,
}

impl ContentKind {
    /// Returns whether the content is unrelated to CloudTrail.
    pub fn is_foreign(self) -> bool {
        self == ContentKind::Foreign
    }

    /// The name in the JSON output.
    pub fn name(self) -> &'static str {
        match self {
            ContentKind::Digest => "digest",
            ContentKind::Insight => "insight",
            ContentKind::Aggregated => "aggregated",
            ContentKind::NetworkActivity => "network_activity",
            ContentKind::ControlMessage => "control_message",
            ContentKind::Notification => "notification",
            ContentKind::Summary => "summary",
            ContentKind::Foreign => "foreign",
        }
    }
}

/// Where a document became unreadable. The content before was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentDamage {
    /// The byte at this offset of the (inflated) document is not valid.
    Broken(u64),
    /// The document ends inside a value.
    CutOff(u64),
    /// The record at this offset exceeds the size limit.
    TooLarge(u64),
}

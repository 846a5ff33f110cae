//! Feeds arbitrary bytes to the reader of envelopes and records, whole and in pieces, and compares the result with
//! serde_json's. Also feeds them to the parsers of CSV, digests, file names, S3 keys, time arguments, paths and keys of
//! resources, and, as one record, to what reads calls and resources of it. None of them may panic.

#![no_main]
#![allow(clippy::disallowed_methods, reason = "code of the macro")]
use libfuzzer_sys::fuzz_target;

use trailtab_core::calls::{CallColumn, CallDetail};
use trailtab_core::event::csv;
use trailtab_core::event::filter::RecordPath;
use trailtab_core::event::oracle::{self, Told};
use trailtab_core::event::record::EventRecord;
use trailtab_core::event::resource::{MAX_RESOURCES_PER_RECORD, ResourceContext, ResourceKey};
use trailtab_core::integrity::digest::{DigestFile, LogFileName};
use trailtab_core::scope::Scope;
use trailtab_core::time::TimeArgument;

fuzz_target!(|document: &[u8]| {
    oracle::check(document);
    if let Some(form) = csv::form_of(document) {
        let _ = csv::read(form, document, &mut Told::default());
    }
    if let Ok(digest) = DigestFile::parse(document) {
        let _ = digest.string_to_sign(&[0; 32]);
    }
    if let Ok(name) = str::from_utf8(document) {
        if let Some(name) = LogFileName::of(name) {
            let _ = (name.delivered(), name.trail(), name.is_backfill());
        }
        let _ = Scope::of_log_file(name);
        let _ = name.parse::<TimeArgument>();
        let _ = name.parse::<RecordPath>();
        if let Some(key) = ResourceKey::of_text(name, &ResourceContext::default()) {
            assert_eq!(key.as_str().parse(), Ok(key.clone()));
        }
    }
    if let Some(record) = EventRecord::of(document) {
        let call = CallDetail::of(&record);
        assert!(call.resources.len() <= MAX_RESOURCES_PER_RECORD);
        for column in CallColumn::defaults() {
            let _ = column.text(&call, &record);
        }
    }
});

//! Feeds any bytes to the reader of envelopes and records, in one piece and in several, and compares
//! the result with serde_json's.

#![no_main]
use libfuzzer_sys::fuzz_target;

use trailtab_core::coverage::scope_of;
use trailtab_core::event::csv;
use trailtab_core::event::oracle::{self, Told};
use trailtab_core::integrity::digest::{DigestFile, LogFileName, is_at};
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
        let _ = is_at(name, "bucket", name);
        let _ = scope_of(name);
        let _ = name.parse::<TimeArgument>();
    }
});

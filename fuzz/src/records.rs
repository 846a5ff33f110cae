//! Feeds any bytes to the reader of envelopes and records, in one piece and in several, and holds
//! it to serde_json. The pure part of the program is compiled from its source: it needs no other.

#![no_main]
#![allow(dead_code, reason = "the program uses the rest")]

#[path = "../../src/core/mod.rs"]
mod core;

use libfuzzer_sys::fuzz_target;

use crate::core::coverage::scope_of;
use crate::core::csv;
use crate::core::digest::{Digest, Name, is_at};
use crate::core::oracle::{self, Told};

fuzz_target!(|document: &[u8]| {
    oracle::check(document);
    if csv::is_csv(document) {
        let _ = csv::read(document, &mut Told::default());
    }
    if let Ok(digest) = Digest::parse(document) {
        let _ = digest.string_to_sign(&[0; 32]);
    }
    if let Ok(name) = str::from_utf8(document) {
        if let Some(name) = Name::of(name) {
            let _ = (name.delivered(), name.trail(), name.is_backfill());
        }
        let _ = is_at(name, "bucket", name);
        let _ = scope_of(name);
        let _ = crate::core::window::Window::between(Some(name), None);
    }
});

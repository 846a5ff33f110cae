//! Rust's usual way to count CloudTrail records: typed structs with borrowed text, by serde_json or sonic-rs.
//!
//! `typed serde_json|sonic-rs DIR` inflates every `.gz` file as `inflate.rs` does, builds the five tables of
//! `rivals.py` in one thread, without deduplication, and prints what `rivals.py` prints. `compare.py` builds and
//! runs it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use foldhash::fast::FixedState;
use libdeflater::Decompressor;
use serde::Deserialize;

type Text<'a> = Option<Cow<'a, str>>;
type Table = HashMap<(u32, u32), u64, FixedState>;

#[derive(Deserialize)]
struct LogFile<'a> {
    #[serde(borrow, default, rename = "Records")]
    records: Vec<Record<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    #[serde(borrow)]
    event_source: Text<'a>,
    #[serde(borrow)]
    event_name: Text<'a>,
    #[serde(borrow)]
    aws_region: Text<'a>,
    #[serde(borrow, rename = "sourceIPAddress")]
    source_ip_address: Text<'a>,
    #[serde(borrow)]
    user_agent: Text<'a>,
    #[serde(borrow)]
    error_code: Text<'a>,
    #[serde(borrow)]
    user_identity: Option<Identity<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'a> {
    #[serde(borrow)]
    arn: Text<'a>,
    #[serde(borrow)]
    invoked_by: Text<'a>,
    #[serde(borrow)]
    account_id: Text<'a>,
    #[serde(borrow)]
    session_context: Option<SessionContext<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SessionContext<'a> {
    #[serde(borrow)]
    session_issuer: Option<SessionIssuer<'a>>,
}

#[derive(Deserialize)]
struct SessionIssuer<'a> {
    #[serde(borrow)]
    arn: Text<'a>,
}

/// Distinct strings by number.
#[derive(Default)]
struct Strings(HashMap<String, u32, foldhash::fast::RandomState>);

impl Strings {
    fn number(&mut self, text: &str) -> u32 {
        match self.0.get(text) {
            Some(&number) => number,
            None => {
                let number = self.0.len() as u32;
                self.0.insert(text.to_owned(), number);
                number
            }
        }
    }
}

#[derive(Default)]
struct Counts {
    records: u64,
    strings: Strings,
    tables: [Table; 5],
}

impl Counts {
    fn add(&mut self, record: &Record<'_>) {
        self.records += 1;
        let identity = record.user_identity.as_ref();
        let issuer = identity
            .and_then(|identity| identity.session_context.as_ref()?.session_issuer.as_ref()?.arn.as_deref());
        let principal = [
            issuer,
            identity.and_then(|identity| identity.arn.as_deref()),
            identity.and_then(|identity| identity.invoked_by.as_deref()),
            identity.and_then(|identity| identity.account_id.as_deref()),
        ];
        let principal = principal.into_iter().flatten().find(|name| !name.is_empty());
        let mut number = |text: Option<&str>| self.strings.number(text.unwrap_or_default());
        let principal = number(principal);
        let (source, name) = (number(record.event_source.as_deref()), number(record.event_name.as_deref()));
        let pairs = [
            (principal, source << 16 | name),
            (number(record.aws_region.as_deref()), source << 16 | name),
            (principal, number(record.source_ip_address.as_deref())),
            (principal, number(record.user_agent.as_deref())),
        ];
        for (table, pair) in self.tables.iter_mut().zip(pairs) {
            *table.entry(pair).or_default() += 1;
        }
        if let Some(code) = record.error_code.as_deref().filter(|code| !code.is_empty()) {
            let pair = (principal, self.strings.number(code));
            *self.tables[4].entry(pair).or_default() += 1;
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(library), Some(dir)) = (args.next(), args.next()) else {
        return Err("typed serde_json|sonic-rs DIR".into());
    };
    let mut files = Vec::new();
    find(Path::new(&dir), &mut files)?;
    let (mut inflater, mut body, mut counts) = (Decompressor::new(), Vec::new(), Counts::default());
    for path in &files {
        let packed = fs::read(path)?;
        let size = u32::from_le_bytes(*packed.last_chunk().ok_or("no gzip")?) as usize;
        body.resize(body.len().max(size), 0);
        let len = inflater.gzip_decompress(&packed, &mut body)?;
        let file: LogFile<'_> = match &*library {
            "serde_json" => serde_json::from_slice(&body[..len])?,
            _ => sonic_rs::from_slice(&body[..len])?,
        };
        for record in &file.records {
            counts.add(record);
        }
    }
    let names = ["principal_api", "region_api", "principal_ip", "principal_agent", "principal_error"];
    let tables = names.iter().zip(&counts.tables);
    let tables = tables.map(|(name, table)| format!("\"{name}\": [{}, {}]", table.len(), table.values().sum::<u64>()));
    let tables = tables.collect::<Vec<_>>().join(", ");
    println!("{{\"records\": {}, \"tables\": {{{tables}}}}}", counts.records);
    Ok(())
}

fn find(dir: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "gz") {
            files.push(path);
        }
    }
    Ok(())
}

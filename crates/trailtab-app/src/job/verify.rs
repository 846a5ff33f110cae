//! Verifies log files against their digests once all are read: loads the public keys, then judges.

use std::collections::BTreeMap;

use tokio::task::JoinSet;

use super::read::{ReadError, ReadRequest, start_runtime};
use crate::aws;
use crate::source::public_keys::PublicKeys;
use crate::source::{Source, interrupt, s3};
use trailtab_core::coverage::{ReadProblem, RunCoverage, Severity};
use trailtab_core::event::filter::ScopeMatcher;
use trailtab_core::integrity::digest::LogFileName;
use trailtab_core::integrity::{self, DigestEvidence, ReadPrefix, VerifyScope};
use trailtab_core::time::Seconds;

/// Options of log file verification.
#[derive(Debug)]
pub struct VerifyOptions {
    /// The trusted keys. If not set, they are requested from CloudTrail.
    pub keys: Option<PublicKeys>,
    /// The current time.
    pub now: Seconds,
}

/// Verifies the log files read. Adds a problem to the coverage for what is wrong or cannot be
/// verified.
///
/// # Errors
///
/// Fails if keys must be requested and the network runtime cannot be started.
pub(super) fn run(
    verify: &VerifyOptions,
    request: &ReadRequest<'_>,
    evidence: &DigestEvidence,
    coverage: &mut RunCoverage,
) -> Result<(), ReadError> {
    let keys = match &verify.keys {
        Some(keys) => keys.clone(),
        None if evidence.digests.is_empty() => PublicKeys::default(),
        None => {
            let asked = ask(evidence, verify.now, &request.access, coverage);
            let runtime = start_runtime()?;
            let keys = runtime.block_on(request.interrupt.or(asked));
            drop(runtime);
            match keys {
                Some(keys) => keys,
                None => {
                    let problem = interrupt::problem("public keys", Severity::Failed);
                    coverage.problem(problem);
                    return Ok(());
                }
            }
        }
    };
    let prefixes: Vec<ReadPrefix> = request
        .sources
        .iter()
        .filter_map(|source| match source {
            Source::S3 { bucket, prefix } => Some(s3::read_prefix(bucket, prefix)),
            Source::Path(_) | Source::Stdin | Source::Athena(_) => None,
        })
        .collect();
    let scopes = ScopeMatcher::new(&request.rules.filter);
    let scope = VerifyScope {
        window: request.rules.window,
        scopes: &scopes,
        prefixes: &prefixes,
        now: verify.now,
    };
    let check = |digest: &_, text: &_, signature: &_| keys.check(digest, text, signature);
    coverage.integrity = Some(integrity::judge(evidence, &check, scope, coverage));
    Ok(())
}

/// Requests the keys of every region that has digests.
async fn ask(
    evidence: &DigestEvidence,
    now: Seconds,
    access: &aws::CredentialOptions,
    coverage: &mut RunCoverage,
) -> PublicKeys {
    let mut times: BTreeMap<&str, (Seconds, Seconds)> = BTreeMap::new();
    for found in &evidence.digests {
        let Ok(digest) = &found.digest else { continue };
        // The region becomes part of a host name.
        let is_region = |name: &LogFileName<'_>| {
            let mut bytes = name.region.bytes();
            name.region.len() <= 32 && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        if let Some(name) = LogFileName::of(&digest.object).filter(is_region) {
            let times = times
                .entry(name.region)
                .or_insert((digest.start, digest.end));
            // A backfill digest is signed when it is made, long after its hours. A copy has lost when.
            let signed = match name.is_backfill() {
                true => found.metadata.generated.unwrap_or(now),
                false => digest.end,
            };
            let latest = digest.end.max(signed);
            *times = (times.0.min(digest.start), times.1.max(latest));
        }
    }
    let mut keys = PublicKeys::default();
    let config = match aws::config(access).await {
        Ok(config) => config,
        Err(error) => {
            let reason = format!("cannot be listed: {error}");
            let severity = Severity::Failed;
            coverage.problem(ReadProblem::of_document("public keys", severity, reason));
            return keys;
        }
    };
    // In parallel: without credentials, each region takes a while to fail.
    let mut asked = JoinSet::new();
    for (region, times) in times {
        let (config, region) = (config.clone(), region.to_owned());
        asked.spawn(async move { (PublicKeys::list(&config, &region, times).await, region) });
    }
    for (listed, region) in asked.join_all().await {
        match listed {
            Ok(listed) => keys.merge(listed),
            Err(reason) => {
                let document = format!("public keys of {region}");
                let reason = format!(
                    "cannot be listed: {reason} (the credentials need cloudtrail:ListPublicKeys; \
                     or give --public-keys)"
                );
                let severity = Severity::Failed;
                coverage.problem(ReadProblem::of_document(document, severity, reason));
            }
        }
    }
    keys
}

//! Verifying log files by their digests, after all of them are read: keys, then judgement.

use std::collections::BTreeMap;

use tokio::task::JoinSet;

use super::read::{ReadError, ReadRequest, start_runtime};
use crate::aws;
use crate::clock;
use crate::source::public_keys::PublicKeys;
use crate::source::{Source, interrupt, s3};
use trailtab_core::coverage::{ReadProblem, RunCoverage, Severity};
use trailtab_core::integrity::digest::LogFileName;
use trailtab_core::integrity::{self, DigestEvidence, ReadPrefix, VerifyScope};
use trailtab_core::time::Seconds;

/// How log files are to be verified.
#[derive(Debug)]
pub struct VerifyOptions {
    /// The keys to trust; CloudTrail is asked where there are none.
    pub keys: Option<PublicKeys>,
}

/// Judges what was read. What is wrong, or cannot be verified, is a problem in the coverage.
///
/// # Errors
///
/// If keys are to be asked for and there is no runtime to do so.
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
            let asked = ask(evidence, &request.access, coverage);
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
            Source::Path(_) | Source::Stdin => None,
        })
        .collect();
    let scope = VerifyScope {
        window: request.rules.window,
        filter: &request.rules.filter,
        prefixes: &prefixes,
        now: clock::now(),
    };
    let check = |digest: &_, text: &_, signature: &_| keys.check(digest, text, signature);
    coverage.integrity = Some(integrity::judge(evidence, &check, scope, coverage));
    Ok(())
}

/// Asks CloudTrail for the keys of each region that has digests.
async fn ask(
    evidence: &DigestEvidence,
    access: &aws::CredentialOptions,
    coverage: &mut RunCoverage,
) -> PublicKeys {
    let mut times: BTreeMap<&str, (Seconds, Seconds)> = BTreeMap::new();
    for found in &evidence.digests {
        let Ok(digest) = &found.digest else { continue };
        // The name becomes part of a host's.
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
                true => found.metadata.generated.unwrap_or_else(clock::now),
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
            coverage.problem(ReadProblem {
                document: "public keys".to_owned(),
                severity: Severity::Failed,
                reason: format!("cannot be listed: {error}"),
            });
            return keys;
        }
    };
    // Where there are no credentials, each region takes its time to find out.
    let mut asked = JoinSet::new();
    for (region, times) in times {
        let (config, region) = (config.clone(), region.to_owned());
        asked.spawn(async move { (PublicKeys::list(&config, &region, times).await, region) });
    }
    for (listed, region) in asked.join_all().await {
        match listed {
            Ok(listed) => keys.merge(listed),
            Err(reason) => coverage.problem(ReadProblem {
                document: format!("public keys of {region}"),
                severity: Severity::Failed,
                reason: format!(
                    "cannot be listed: {reason} (the credentials need cloudtrail:ListPublicKeys; \
                     or give --public-keys)"
                ),
            }),
        }
    }
    keys
}

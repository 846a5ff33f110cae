//! `--verify-digests` and `--public-keys`.

use std::path::PathBuf;

use anyhow::Context as _;

use super::UsageError;
use trailtab_app::clock;
use trailtab_app::job::verify::VerifyOptions;
use trailtab_app::source::Source;
use trailtab_app::source::public_keys::PublicKeys;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Integrity")]
pub(crate) struct DigestArgs {
    /// Verify log files by the digests that CloudTrail delivered beside them
    #[arg(long)]
    verify_digests: bool,
    /// Public keys, as `aws cloudtrail list-public-keys` prints them (default: ask CloudTrail; can be
    /// repeated)
    #[arg(long, value_name = "FILE", requires = "verify_digests")]
    public_keys: Vec<PathBuf>,
}

impl DigestArgs {
    /// The options of the verification, with `--verify-digests`.
    ///
    /// # Errors
    ///
    /// If a source can have no digests, or a file holds no public keys.
    pub(super) fn verify(&self, sources: &[Source]) -> anyhow::Result<Option<VerifyOptions>> {
        if !self.verify_digests {
            return Ok(None);
        }
        if sources.is_empty() {
            let reason =
                "--verify-digests: the event history has no digests; name a trail's bucket";
            return Err(UsageError(reason.to_owned()).into());
        }
        if sources
            .iter()
            .any(|source| matches!(source, Source::Athena(_)))
        {
            let error = "digests are of log files, and Athena does not show them: name the bucket, s3://BUCKET/PREFIX";
            return Err(UsageError(error.to_owned()).into());
        }
        if sources.contains(&Source::Stdin) {
            let reason = "--verify-digests: standard input has no digests beside it";
            return Err(UsageError(reason.to_owned()).into());
        }
        let mut keys = (!self.public_keys.is_empty()).then(PublicKeys::default);
        for path in &self.public_keys {
            let read = PublicKeys::read(path)
                .with_context(|| format!("cannot read public keys from {}", path.display()))?;
            keys.get_or_insert_default().merge(read);
        }
        Ok(Some(VerifyOptions {
            keys,
            now: clock::now(),
        }))
    }
}

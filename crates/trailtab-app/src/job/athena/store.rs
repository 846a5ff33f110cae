//! Small objects beside the results of queries: notes of queries that run, and counts that are kept.

use aws_lc_rs::digest::{SHA256, digest};
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;

use crate::aws;
use serde::{Deserialize, Serialize};
use trailtab_core::digits;

/// The folder below the location of results.
const FOLDER: &str = "trailtab";

/// The largest object that is read, in bytes.
pub(super) const MAX_OBJECT_BYTES: usize = 64 << 20;

/// The note about a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct QueryNote {
    /// The id of the query.
    pub(super) id: String,
    /// The folder that its rows are written to; absent if they are the result of a SELECT.
    pub(super) folder: Option<String>,
    /// The size of the rows as stored, once a run has read them all.
    #[serde(default)]
    pub(super) read_bytes: Option<u64>,
}

/// The name of the note about a statement, in a workgroup and over known objects.
pub(super) fn note_name(statement: &str, place: &str) -> String {
    format!("queries/{}.json", hash(&format!("{place}\n{statement}")))
}

/// The objects of this program at a location of results.
#[derive(Debug, Clone)]
pub(super) struct ResultStore {
    client: Client,
    bucket: String,
    /// With a slash at its end, unless it is empty.
    prefix: String,
}

/// Hexadecimal digits of the SHA-256 of some text.
pub(super) fn hash(text: &str) -> String {
    digits::hex(digest(&SHA256, text.as_bytes()).as_ref())
}

impl ResultStore {
    /// The store at a location, `s3://BUCKET/PREFIX/`.
    pub(super) fn new(config: &aws::SdkConfig, location: &str) -> ResultStore {
        let address = location.strip_prefix("s3://").unwrap_or(location);
        let (bucket, prefix) = address.split_once('/').unwrap_or((address, ""));
        ResultStore {
            client: aws::s3(config, bucket, None),
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        }
    }

    /// Reads an object; absent if it does not exist or cannot be read: then it is made again.
    pub(super) async fn get(&self, name: &str) -> Option<Vec<u8>> {
        let request = self.client.get_object().bucket(&self.bucket);
        let mut object = request.key(self.key(name)).send().await.ok()?;
        let size = usize::try_from(object.content_length()?).ok()?;
        if size > MAX_OBJECT_BYTES {
            return None;
        }
        let mut bytes = Vec::with_capacity(size);
        while let Some(piece) = object.body.next().await {
            bytes.extend_from_slice(&piece.ok()?);
            if bytes.len() > size {
                return None;
            }
        }
        (bytes.len() == size).then_some(bytes)
    }

    /// Writes an object.
    ///
    /// # Errors
    ///
    /// Returns the address and the reason.
    pub(super) async fn put(&self, name: &str, bytes: Vec<u8>) -> Result<(), String> {
        let key = self.key(name);
        let request = self.client.put_object().bucket(&self.bucket).key(&key);
        let sent = request.body(ByteStream::from(bytes)).send().await;
        sent.map(drop).map_err(|error| {
            let reason = aws::AwsFailure::of(&error).explanation;
            format!("s3://{}/{key}: {reason}", self.bucket)
        })
    }

    fn key(&self, name: &str) -> String {
        format!("{}{FOLDER}/{name}", self.prefix)
    }

    /// The address of a folder of this program.
    pub(super) fn address(&self, name: &str) -> String {
        format!("s3://{}/{}", self.bucket, self.key(name))
    }

    /// Reads the note of the query that an earlier run started for a statement over the same objects.
    pub(super) async fn read_note(&self, name: &str) -> Option<QueryNote> {
        serde_json::from_slice(&self.get(name).await?).ok()
    }

    /// Notes the query that was started. Without the note a run that is killed starts a query of its own next time.
    pub(super) async fn write_note(&self, name: &str, note: &QueryNote) {
        // Strings can always be written as JSON.
        let bytes = serde_json::to_vec(note).unwrap_or_default();
        let _ = self.put(name, bytes).await;
    }
}

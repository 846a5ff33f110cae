//! Downloads log files: whole, or in ranges that are parsed while the next ones arrive.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::object::{
    BODY_ATTEMPTS, FoundObject, ObjectFetcher, RANGE_BYTES, RangedObject, broke_off,
    of_another_size,
};
use super::{LogObject, MAX_BUFFERED_KIB, S3Store};
use crate::aws::ObjectRequest;
use crate::source::document::{Document, DocumentBody};
use trailtab_core::coverage::{ReadProblem, ReadScope, Severity};
use trailtab_core::integrity::DigestMetadata;
use trailtab_core::time;

/// Objects above this size are parsed while they are downloaded, in ranges of [`RANGE_BYTES`].
const LARGE_OBJECT_BYTES: u64 = 32 << 20;

/// The number of requests that an object of so many bytes takes.
pub(super) fn requests_of(bytes: u64) -> u64 {
    match bytes > LARGE_OBJECT_BYTES {
        true => bytes.div_ceil(RANGE_BYTES),
        false => 1,
    }
}

impl S3Store {
    /// Downloads an object and sends it on, or adds a problem to the coverage.
    pub(super) async fn download(
        self: Arc<Self>,
        object: LogObject,
        documents: &mpsc::Sender<Document>,
    ) {
        if object.size > LARGE_OBJECT_BYTES {
            return self.send_in_ranges(object, documents).await;
        }
        let kib = u32::try_from(object.size / 1024 + 1)
            .unwrap_or(u32::MAX)
            .min(MAX_BUFFERED_KIB);
        let Ok(permit) = self.memory.clone().acquire_many_owned(kib).await else {
            return;
        };
        let name = format!("s3://{}/{}", self.bucket, object.key);
        match self.fetcher.body(&object.key).await {
            Ok((bytes, metadata)) => {
                let given = bytes.len() as u64;
                if given != object.size {
                    let severity = match given {
                        0 => Severity::Failed,
                        _ => Severity::Partial,
                    };
                    let reason = of_another_size(given, object.size);
                    self.coverage.lock().await.problem(ReadProblem {
                        scope: object.scope.clone().map(ReadScope::Region),
                        ..ReadProblem::of_document(name.clone(), severity, reason)
                    });
                }
                let document = Document {
                    size: bytes.len() as u64,
                    named: object.named,
                    scope: object.scope,
                    body: DocumentBody::Memory {
                        name,
                        bytes,
                        metadata,
                        _held: Box::new(permit),
                    },
                };
                // The receiver is dropped only at the end of the run.
                drop(documents.send(document).await);
            }
            Err(reason) => {
                let scope = object.scope.map(ReadScope::Region);
                let problem = ReadProblem {
                    scope,
                    ..ReadProblem::of_document(name, Severity::Failed, reason)
                };
                self.coverage.lock().await.problem(problem);
            }
        }
    }

    /// Sends a large object as a stream; the parsing thread downloads it range by range.
    async fn send_in_ranges(
        self: Arc<Self>,
        object: LogObject,
        documents: &mpsc::Sender<Document>,
    ) {
        let document = Document {
            size: object.size,
            named: object.named,
            scope: object.scope.clone(),
            body: DocumentBody::Stream {
                name: format!("s3://{}/{}", self.bucket, object.key),
                bytes: Box::new(RangedObject::new(
                    self.fetcher.clone(),
                    FoundObject {
                        key: object.key,
                        size: object.size,
                        etag: None,
                    },
                    self.interrupt.clone(),
                )),
            },
        };
        // The receiver is dropped only at the end of the run.
        drop(documents.send(document).await);
    }
}

impl ObjectFetcher {
    /// Downloads an object, with the metadata of a digest if it is one.
    async fn body(&self, key: &str) -> Result<(Vec<u8>, DigestMetadata), String> {
        let request = ObjectRequest {
            key,
            ..ObjectRequest::default()
        };
        let mut attempt = 1;
        loop {
            let response = self.get(request).await?;
            let value = |name| response.metadata.get(name);
            let generated = value("backfill-generation-timestamp");
            let metadata = DigestMetadata {
                signature: value("signature").cloned(),
                generated: generated.and_then(|text| time::parse(text.as_bytes())),
            };
            match response.body.collect().await {
                Ok(bytes) => return Ok((bytes, metadata)),
                Err(error) if attempt == BODY_ATTEMPTS => return Err(broke_off(attempt, &error)),
                Err(_) => attempt += 1,
            }
        }
    }
}

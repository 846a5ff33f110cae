//! Downloads log files: whole, or in ranges that are parsed while the next ones arrive.

use std::error::Error;
use std::io;
use std::sync::Arc;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_sdk_s3::primitives::{AggregatedBytes, ByteStream};
use tokio::sync::mpsc;

use super::{LogObject, MAX_BUFFERED_KIB, S3Store};
use crate::aws::{AwsFailure, with_causes};
use crate::source::document::{Document, DocumentBody};
use crate::source::interrupt;
use trailtab_core::coverage::{ReadProblem, ReadScope, Severity};
use trailtab_core::integrity::DigestMetadata;
use trailtab_core::time;

/// Objects above this size are parsed while they are downloaded, in ranges of [`RANGE_BYTES`].
const LARGE_OBJECT_BYTES: u64 = 32 << 20;

const RANGE_BYTES: u64 = 8 << 20;

/// Maximum number of downloads of a body that breaks off. The SDK retries failed requests only, not
/// bodies.
const BODY_ATTEMPTS: u32 = 4;

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
        match self.body(&object.key).await {
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
                bytes: Box::new(RangedObject {
                    store: self,
                    runtime: tokio::runtime::Handle::current(),
                    object,
                    offset: 0,
                    piece: io::Cursor::default(),
                    whole: None,
                }),
            },
        };
        // The receiver is dropped only at the end of the run.
        drop(documents.send(document).await);
    }

    /// Downloads an object, and what its metadata tells if it is a digest.
    async fn body(&self, key: &str) -> Result<(Vec<u8>, DigestMetadata), String> {
        let mut attempt = 1;
        loop {
            let response = self.get(key, None).await?;
            let names = response.metadata.as_ref();
            let value = |name| names.and_then(|names| names.get(name));
            let generated = value("backfill-generation-timestamp");
            let metadata = DigestMetadata {
                signature: value("signature").cloned(),
                generated: generated.and_then(|text| time::parse(text.as_bytes())),
            };
            match response.body.collect().await {
                Ok(body) => return Ok((bytes_of(body), metadata)),
                Err(error) if attempt == BODY_ATTEMPTS => return Err(broke_off(attempt, &error)),
                Err(_) => attempt += 1,
            }
        }
    }

    /// Downloads a range of a large object.
    async fn range(&self, object: &LogObject, start: u64, end: u64) -> Result<RangeAnswer, String> {
        let mut attempt = 1;
        loop {
            let range = format!("bytes={start}-{}", end - 1);
            let response = self.get(&object.key, Some(range)).await?;
            if response.content_range().is_none() {
                return match start {
                    0 => Ok(RangeAnswer::Whole(response.body)),
                    _ => Err("the server gave a range, and then the whole object".to_owned()),
                };
            }
            let body = response.body.collect().await;
            match body.map(bytes_of) {
                Ok(piece) if piece.len() as u64 == end - start => {
                    return Ok(RangeAnswer::Piece(piece));
                }
                Ok(piece) => {
                    return Err(of_another_size(start + piece.len() as u64, object.size));
                }
                Err(error) if attempt == BODY_ATTEMPTS => return Err(broke_off(attempt, &error)),
                Err(_) => attempt += 1,
            }
        }
    }

    async fn get(&self, key: &str, range: Option<String>) -> Result<GetObjectOutput, String> {
        let request = self.downloads.request().bucket(&self.bucket).key(key);
        let request = request
            .set_range(range)
            .set_request_payer(self.payer.clone());
        let answer = self.downloads.send(request).await;
        answer.map_err(|error| explain_get(&error))
    }
}

/// The bytes of a body. `AggregatedBytes::to_vec` would copy them one by one.
fn bytes_of(body: AggregatedBytes) -> Vec<u8> {
    body.into_bytes().into()
}

/// An answer to a request for a range.
enum RangeAnswer {
    Piece(Vec<u8>),
    /// The whole object, from a server that does not know ranges.
    Whole(ByteStream),
}

/// Says that an object is shorter or longer than the listing said.
fn of_another_size(given: u64, listed: u64) -> String {
    format!("S3 gave {given} bytes of an object that it lists with {listed}")
}

fn broke_off(attempts: u32, error: &(dyn Error + 'static)) -> String {
    let reason = with_causes(error);
    format!("broke off {attempts} times while downloading: {reason}")
}

/// A large object, read in ranges from a thread outside the runtime.
struct RangedObject {
    store: Arc<S3Store>,
    runtime: tokio::runtime::Handle,
    object: LogObject,
    offset: u64,
    piece: io::Cursor<Vec<u8>>,
    /// The rest of the object, if the server does not know ranges.
    whole: Option<ByteStream>,
}

impl RangedObject {
    /// Fetches the next piece; an empty one is the end.
    async fn next_piece(&mut self) -> Result<Vec<u8>, String> {
        if self.whole.is_none() {
            if self.offset >= self.object.size {
                return Ok(Vec::new());
            }
            let end = (self.offset + RANGE_BYTES).min(self.object.size);
            match self.store.range(&self.object, self.offset, end).await? {
                RangeAnswer::Piece(piece) => return Ok(piece),
                RangeAnswer::Whole(body) => self.whole = Some(body),
            }
        }
        let Some(body) = &mut self.whole else {
            return Ok(Vec::new());
        };
        match body.next().await {
            Some(Ok(piece)) => Ok(piece.to_vec()),
            Some(Err(error)) => Err(broke_off(1, &error)),
            None if self.offset != self.object.size => {
                Err(of_another_size(self.offset, self.object.size))
            }
            None => Ok(Vec::new()),
        }
    }
}

impl io::Read for RangedObject {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = io::Read::read(&mut self.piece, buf)?;
        if read > 0 || buf.is_empty() {
            return Ok(read);
        }
        // Frees the previous piece before the next one is fetched.
        self.piece = io::Cursor::default();
        let (runtime, store) = (self.runtime.clone(), self.store.clone());
        let Some(piece) = runtime.block_on(store.interrupt.or(self.next_piece())) else {
            return Err(io::Error::other(interrupt::Interrupted));
        };
        let piece = piece.map_err(io::Error::other)?;
        self.offset += piece.len() as u64;
        self.piece = io::Cursor::new(piece);
        io::Read::read(&mut self.piece, buf)
    }
}

fn explain_get(error: &SdkError<GetObjectError, HttpResponse>) -> String {
    let failure = AwsFailure::of(error);
    let hint = match failure.code.as_str() {
        "AccessDenied" => {
            " (the credentials need s3:GetObject, and kms:Decrypt if it is encrypted; a requester-pays bucket needs --requester-pays)"
        }
        "NoSuchKey" => " (it was deleted after it was listed)",
        "InvalidObjectState" => " (it is archived: restore it first)",
        _ => "",
    };
    // Messages about KMS keys name the action and the key.
    let message = &failure.message;
    let names_cause = message.contains("not authorized to perform") || message.contains("kms");
    match !hint.is_empty() && !names_cause {
        true => format!("cannot be downloaded: {}{hint}", failure.code),
        false => format!("cannot be downloaded: {}", failure.explanation),
    }
}

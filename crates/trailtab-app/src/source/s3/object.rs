//! Fetches one object: whole, or in ranges that are read while the next ones arrive.

use std::error::Error;
use std::io;
use std::sync::Arc;

use super::layout::KeyListing;
use super::requests::ObjectRequests;
use super::{ListingCursor, S3Store};
use crate::aws::{AwsFailure, ObjectAnswer, ObjectBody, ObjectRequest, with_causes};
use crate::source::interrupt::{Interrupt, Interrupted};

pub(super) const RANGE_BYTES: u64 = 8 << 20;

/// Maximum number of downloads of a body that breaks off. The SDK retries failed requests only, not
/// bodies.
pub(super) const BODY_ATTEMPTS: u32 = 4;

/// Fetches objects of one bucket.
pub(in crate::source) struct ObjectFetcher {
    pub(super) requests: ObjectRequests,
}

/// An object of a bucket as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::source) struct FoundObject {
    pub(in crate::source) key: String,
    /// The size in bytes as stored.
    pub(in crate::source) size: u64,
    /// The entity tag. If it is given, an object with another one is not read.
    pub(in crate::source) etag: Option<String>,
}

impl ObjectFetcher {
    /// Sends a request for an object, or a range of it.
    pub(super) async fn get(&self, request: ObjectRequest<'_>) -> Result<ObjectAnswer, String> {
        let answer = self.requests.send(request).await;
        answer.map_err(|failure| explain_get(&failure))
    }

    /// Downloads a range of an object.
    async fn range(
        &self,
        object: &FoundObject,
        start: u64,
        end: u64,
    ) -> Result<RangeAnswer, String> {
        let range = format!("bytes={start}-{}", end - 1);
        let request = ObjectRequest {
            key: &object.key,
            range: Some(&range),
            etag: object.etag.as_deref(),
        };
        let mut attempt = 1;
        loop {
            let response = self.get(request).await?;
            check_identity(object, &response)?;
            if response.content_range.is_none() {
                return match start {
                    0 => Ok(RangeAnswer::Whole(response.body)),
                    _ => Err("the server gave a range, and then the whole object".to_owned()),
                };
            }
            match response.body.collect().await {
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
}

impl S3Store {
    /// Finds an object by its key, with its size and entity tag.
    ///
    /// # Errors
    ///
    /// Returns the reason, for example that it does not exist.
    pub(in crate::source) async fn find(&self, key: &str) -> Result<FoundObject, String> {
        let request = self.client.head_object().bucket(&self.bucket).key(key);
        let request = request.set_request_payer(self.payer.clone());
        let answer = request.send().await.map_err(|error| {
            let failure = AwsFailure::of(&error);
            match failure.status {
                Some(404) => {
                    "it does not exist (was it deleted, by hand or by a rule of the bucket?)"
                        .to_owned()
                }
                Some(403) => format!(
                    "{} (the credentials need s3:GetObject on it, and s3:ListBucket on the bucket to tell whether it exists)",
                    failure.explanation
                ),
                _ => failure.explanation,
            }
        })?;
        let size = answer
            .content_length()
            .and_then(|size| u64::try_from(size).ok());
        Ok(FoundObject {
            key: key.to_owned(),
            size: size.ok_or("the answer lacks its Content-Length")?,
            etag: Some(
                answer
                    .e_tag()
                    .ok_or("the answer lacks its ETag")?
                    .to_owned(),
            ),
        })
    }

    /// All objects below a prefix, at most `most`.
    ///
    /// # Errors
    ///
    /// Returns the reason: a failed request, an incomplete answer, or more objects.
    pub(in crate::source) async fn find_all(
        &self,
        prefix: &str,
        most: usize,
    ) -> Result<Vec<FoundObject>, String> {
        let mut found = Vec::new();
        let mut cursor = ListingCursor::new(KeyListing::all(prefix.to_owned()));
        loop {
            let page = self.next_objects(&mut cursor).await;
            let Some(page) = page.map_err(|failure| failure.explanation)? else {
                return Ok(found);
            };
            for object in page {
                let etag = object
                    .etag
                    .ok_or("the answer lacks the ETag of an object")?;
                found.push(FoundObject {
                    key: object.key,
                    size: object.size,
                    etag: Some(etag),
                });
            }
            if found.len() > most {
                return Err(format!("there are more than {most} objects"));
            }
        }
    }

    /// Opens an object as it was found.
    pub(in crate::source) fn open(&self, object: FoundObject) -> RangedObject {
        RangedObject::new(self.fetcher.clone(), object, self.interrupt.clone())
    }
}

/// Checks that an answer is about the object that was found, as far as the answer tells.
fn check_identity(object: &FoundObject, response: &ObjectAnswer) -> Result<(), String> {
    let Some(etag) = object.etag.as_deref() else {
        return Ok(());
    };
    if response.etag.as_deref() != Some(etag) {
        return Err("it was changed after it was found".to_owned());
    }
    // `bytes 0-99/1234`
    let range = response
        .content_range
        .as_deref()
        .and_then(|range| range.rsplit_once('/'));
    match range.map(|(_, size)| size.parse::<u64>()) {
        Some(Ok(size)) if size != object.size => Err(of_another_size(size, object.size)),
        _ => Ok(()),
    }
}

/// An answer to a request for a range.
enum RangeAnswer {
    Piece(Vec<u8>),
    /// The whole object, from a server that does not know ranges.
    Whole(ObjectBody),
}

/// Says that an object is shorter or longer than it was found to be.
pub(super) fn of_another_size(given: u64, found: u64) -> String {
    format!("S3 gave {given} bytes of an object that it lists with {found}")
}

pub(super) fn broke_off(attempts: u32, error: &(dyn Error + 'static)) -> String {
    let reason = with_causes(error);
    format!("broke off {attempts} times while downloading: {reason}")
}

/// An object that is read in ranges, by a thread outside the runtime (`Read`) or inside (`next_piece`).
pub(in crate::source) struct RangedObject {
    fetcher: Arc<ObjectFetcher>,
    interrupt: Interrupt,
    runtime: tokio::runtime::Handle,
    object: FoundObject,
    /// The number of bytes that were fetched.
    offset: u64,
    piece: io::Cursor<Vec<u8>>,
    /// The rest of the object, if the server does not know ranges.
    whole: Option<ObjectBody>,
}

impl RangedObject {
    /// Begins at the start. To be called inside a runtime.
    pub(in crate::source) fn new(
        fetcher: Arc<ObjectFetcher>,
        object: FoundObject,
        interrupt: Interrupt,
    ) -> RangedObject {
        RangedObject {
            fetcher,
            interrupt,
            runtime: tokio::runtime::Handle::current(),
            object,
            offset: 0,
            piece: io::Cursor::default(),
            whole: None,
        }
    }

    /// Fetches the next piece of up to 8 MiB; an empty one is the end, and comes only after all bytes.
    ///
    /// # Errors
    ///
    /// Returns the reason: a failed request, or an object that is not as it was found.
    pub(in crate::source) async fn next_piece(&mut self) -> Result<Vec<u8>, String> {
        let piece = self.fetch().await?;
        self.offset += piece.len() as u64;
        Ok(piece)
    }

    async fn fetch(&mut self) -> Result<Vec<u8>, String> {
        if self.whole.is_none() {
            if self.offset >= self.object.size {
                return Ok(Vec::new());
            }
            let end = (self.offset + RANGE_BYTES).min(self.object.size);
            match self.fetcher.range(&self.object, self.offset, end).await? {
                RangeAnswer::Piece(piece) => return Ok(piece),
                RangeAnswer::Whole(body) => self.whole = Some(body),
            }
        }
        let Some(body) = &mut self.whole else {
            return Ok(Vec::new());
        };
        loop {
            match body.next_piece().await {
                Some(Ok(piece)) if piece.is_empty() => {}
                Some(Ok(piece)) => return Ok(piece),
                Some(Err(error)) => return Err(broke_off(1, &error)),
                None if self.offset != self.object.size => {
                    return Err(of_another_size(self.offset, self.object.size));
                }
                None => return Ok(Vec::new()),
            }
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
        let (runtime, interrupt) = (self.runtime.clone(), self.interrupt.clone());
        let Some(piece) = runtime.block_on(interrupt.or(self.next_piece())) else {
            return Err(io::Error::other(Interrupted));
        };
        self.piece = io::Cursor::new(piece.map_err(io::Error::other)?);
        io::Read::read(&mut self.piece, buf)
    }
}

fn explain_get(failure: &AwsFailure) -> String {
    let hint = match failure.code.as_str() {
        "AccessDenied" => {
            " (the credentials need s3:GetObject, and kms:Decrypt if it is encrypted; a requester-pays bucket needs --requester-pays)"
        }
        "NoSuchKey" => " (it was deleted after it was listed)",
        "PreconditionFailed" => " (it was changed after it was listed)",
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

//! The bytes of an object or a range, while they arrive.

use std::time::Duration;

use aws_smithy_checksums::ChecksumAlgorithm;
use aws_smithy_checksums::body::validate::ChecksumBody;
use aws_smithy_checksums::http::{
    CRC_32_C_HEADER_NAME, CRC_32_HEADER_NAME, CRC_64_NVME_HEADER_NAME, SHA_1_HEADER_NAME,
    SHA_256_HEADER_NAME,
};
use aws_smithy_runtime_api::http::Headers;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use base64::Engine as _;
use tokio::time::timeout;

/// Headers with checksums of objects, the fastest algorithm first.
const CHECKSUMS: [(&str, ChecksumAlgorithm); 5] = [
    (CRC_64_NVME_HEADER_NAME, ChecksumAlgorithm::Crc64Nvme),
    (CRC_32_C_HEADER_NAME, ChecksumAlgorithm::Crc32c),
    (CRC_32_HEADER_NAME, ChecksumAlgorithm::Crc32),
    (SHA_1_HEADER_NAME, ChecksumAlgorithm::Sha1),
    (SHA_256_HEADER_NAME, ChecksumAlgorithm::Sha256),
];

/// A body of which nothing arrives for so long has broken off.
const STALL_TIMEOUT: Duration = Duration::from_secs(20);

/// Memory for a body is reserved at its beginning up to this length.
const MAX_RESERVED_BYTES: usize = 32 << 20;

/// The bytes of an object or a range, while they arrive.
#[derive(Debug)]
pub struct ObjectBody {
    stream: ByteStream,
    /// The length in bytes, if it is told.
    pub(super) length: Option<usize>,
}

/// Why a body has no end.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The connection broke off, or the bytes do not have their checksum.
    #[error(transparent)]
    BrokeOff(#[from] aws_smithy_types::byte_stream::error::Error),
    /// The connection is idle.
    #[error("no byte came within {} seconds", STALL_TIMEOUT.as_secs())]
    Stalled,
}

impl ObjectBody {
    pub(super) fn new(stream: ByteStream, length: Option<usize>) -> ObjectBody {
        ObjectBody { stream, length }
    }

    /// Returns what arrives next; None at the end.
    ///
    /// # Errors
    ///
    /// Fails if there will be no end.
    pub async fn next_piece(&mut self) -> Option<Result<Vec<u8>, BodyError>> {
        let piece = timeout(STALL_TIMEOUT, self.stream.next()).await;
        Some(match piece {
            Ok(piece) => piece?.map(Into::into).map_err(BodyError::from),
            Err(_) => Err(BodyError::Stalled),
        })
    }

    /// Returns all bytes.
    ///
    /// # Errors
    ///
    /// Fails if the body has no end.
    pub async fn collect(mut self) -> Result<Vec<u8>, BodyError> {
        let mut bytes = Vec::with_capacity(self.length.unwrap_or(0).min(MAX_RESERVED_BYTES));
        loop {
            let piece = timeout(STALL_TIMEOUT, self.stream.next()).await;
            match piece.map_err(|_| BodyError::Stalled)? {
                Some(piece) => bytes.extend_from_slice(&piece?),
                None => return Ok(bytes),
            }
        }
    }
}

/// A body that fails at its end if it does not have the checksum that the headers tell, as the SDK reads bodies.
pub(super) fn checked(body: SdkBody, headers: &Headers) -> SdkBody {
    let mut known = CHECKSUMS.iter();
    let told = known.find_map(|(name, algorithm)| Some((*algorithm, headers.get(*name)?)));
    let Some((algorithm, checksum)) = told else {
        return body;
    };
    // The checksum of an object in parts ends with their number, and is not that of its bytes.
    match base64::engine::general_purpose::STANDARD.decode(checksum) {
        Ok(checksum) => SdkBody::from_body_1_x(ChecksumBody::new(
            body,
            algorithm.into_impl(),
            checksum.into(),
        )),
        Err(_) => body,
    }
}

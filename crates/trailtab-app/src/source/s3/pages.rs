//! Pages of a listing.

use std::error::Error;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::EncodingType;
use percent_encoding::percent_decode_str;

use crate::aws::{AwsFailure, FailureKind};
use trailtab_core::time::Seconds;

/// Maximum number of consecutive pages of a listing without a key.
const MAX_EMPTY_PAGES: u32 = 1000;

/// The position in a listing of several pages.
#[derive(Debug, Default)]
pub(super) struct ListedPages {
    pub(super) token: Option<String>,
    /// The last key or folder.
    pub(super) last: Option<String>,
    pub(super) empty: u32,
}

impl ListedPages {
    /// Turns to the next page; returns whether there is one. `last` is the last key or folder of this
    /// page. Fails if keys go backwards, so that a faulty server cannot cause an endless listing.
    pub(super) fn turn(
        &mut self,
        page: &ListObjectsV2Output,
        last: Option<String>,
    ) -> Result<bool, AwsFailure> {
        let lacks = |what: &str| Err(AwsFailure::lacks(what));
        let mut objects = page.contents().iter();
        if objects.any(|object| object.key().is_none() || object.size().is_none()) {
            return lacks("the Key or the Size of an object");
        }
        match page.is_truncated() {
            None => return lacks("IsTruncated"),
            Some(false) => return Ok(false),
            Some(true) => {}
        }
        let token = page.next_continuation_token().map(str::to_owned);
        let Some(token) = token else {
            return lacks("NextContinuationToken");
        };
        self.empty = match last {
            Some(_) => 0,
            None => self.empty + 1,
        };
        let goes_back = last.is_some() && last <= self.last;
        if goes_back || self.empty > MAX_EMPTY_PAGES {
            let reason = "the listing repeats itself";
            return Err(AwsFailure::of_answer(reason));
        }
        self.last = last.or(self.last.take());
        self.token = Some(token);
        Ok(true)
    }
}

/// An object of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListedObject {
    pub(super) key: String,
    /// The size in bytes as stored.
    pub(super) size: u64,
    pub(super) etag: Option<String>,
    /// When it was stored last, in seconds since 1970.
    pub(super) modified: Option<Seconds>,
}

/// The objects of a page.
pub(super) fn objects_of(page: &ListObjectsV2Output) -> impl Iterator<Item = ListedObject> {
    page.contents().iter().filter_map(|object| {
        Some(ListedObject {
            key: decoded(page, object.key()?),
            size: u64::try_from(object.size().unwrap_or_default()).unwrap_or_default(),
            etag: object.e_tag().map(str::to_owned),
            modified: object.last_modified().map(DateTime::secs),
        })
    })
}

/// The folders of a page.
pub(super) fn folders_of(page: &ListObjectsV2Output) -> Vec<String> {
    let folders = page
        .common_prefixes()
        .iter()
        .filter_map(|folder| folder.prefix());
    folders.map(|folder| decoded(page, folder)).collect()
}

/// Decodes a key, unless the server ignored the request to encode it.
fn decoded(page: &ListObjectsV2Output, key: &str) -> String {
    if page.encoding_type() != Some(&EncodingType::Url) {
        return key.to_owned();
    }
    let spaced = key.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// Classifies why a folder could not be listed, and says which permission is needed for it.
pub(super) fn failure_of_list<E>(error: &SdkError<E, HttpResponse>) -> AwsFailure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let mut failure = AwsFailure::of(error);
    // Where the message names the action, it is explained with what to allow.
    let names_action = failure.message.contains("not authorized to perform");
    failure.explanation += match failure.code.as_str() {
        "NoSuchBucket" => " (is the name right?)",
        _ if failure.kind == FailureKind::Denied && !names_action => {
            " (the credentials need s3:ListBucket on the bucket; a requester-pays bucket needs --requester-pays)"
        }
        _ => "",
    };
    failure
}

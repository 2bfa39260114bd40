//! Reading the ledger's files: anybody may, and nobody who does slows down who writes.
//!
//! Against a flood (T10): files are read over connections that can only read, and only so many at once, so that a proof
//! for a redemption never waits behind a crowd of readers. A client that is slow to take its answer holds no place here.

use std::sync::Arc;

use cyberid_crypto::digest;
use http::HeaderMap;
use http::header::IF_NONE_MATCH;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Refusal;

/// How many files are read at once; more are asked to come again.
pub(crate) const AT_ONCE: usize = 64;

/// The places of those who read.
pub(crate) struct Reading(Arc<Semaphore>);

impl Default for Reading {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Reading {
    /// A place, until it is dropped.
    pub(crate) fn begin(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        let place = Arc::clone(&self.0).try_acquire_owned();
        place.map_err(|_| {
            metrics::counter!("cyberid_ledger_reads_shed_total").increment(1);
            Refusal::TooManyReaders
        })
    }
}

/// The entity tag of a file (RFC 9110, section 8.8.3).
pub(crate) fn entity_tag(bytes: &[u8]) -> String {
    format!("\"{}\"", digest::sha256_base64url(bytes))
}

/// Whether the caller has the file of this tag already (RFC 9110, section 13.1.2).
pub(crate) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let lists = headers.get_all(IF_NONE_MATCH).iter();
    let tags = lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','));
    tags.map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_tag_is_known_by_itself_in_a_list_or_by_a_star() {
        let tag = entity_tag(b"file");
        let other = entity_tag(b"another");
        assert_ne!(tag, other);
        let known = |list: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, HeaderValue::from_str(list).unwrap());
            is_known(&headers, &tag)
        };
        assert!(known(&tag) && known(&format!("{other}, W/{tag}")) && known("*"));
        assert!(!known(&other) && !known("") && !known(tag.trim_matches('"')));
        assert!(!is_known(&HeaderMap::new(), &tag));
    }

    #[test]
    fn a_place_is_free_again_when_its_reader_is_done() {
        let reading = Reading::default();
        let mut places: Vec<_> = (0..AT_ONCE).map(|_| reading.begin().unwrap()).collect();
        assert_eq!(reading.begin().err(), Some(Refusal::TooManyReaders));
        places.pop();
        assert!(reading.begin().is_ok());
    }
}

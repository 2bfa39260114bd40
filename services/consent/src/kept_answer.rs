//! Answers that are given again under one `Idempotency-Key`: the very same bytes, kept for ten minutes under a key
//! derived from it, so that a stolen table opens nothing.

use cyberid_crypto::aead::{self, NONCE};
use cyberid_crypto::{Mac as _, digest};
use cyberid_domain::id::ClientId;
use cyberid_domain::rng::random;
use cyberid_storage::idempotency::KeptAnswer;
use zeroize::Zeroizing;

use crate::{Consent, ConsentError, Refusal};

/// For how many seconds an answer is kept.
const KEPT_FOR: u64 = 600;

const OPERATION: &[u8] = b"redeem";

/// A request that may be repeated: under one key of its caller, with one release or official access and one body.
pub(crate) struct Repeatable {
    digest: [u8; 32],
    request_sha256: [u8; 32],
    key: Zeroizing<[u8; 32]>,
}

impl Consent {
    /// What is repeated under this `Idempotency-Key`.
    pub(crate) fn repeatable(
        &self,
        client_id: &ClientId,
        idempotency_key: &str,
        id: &str,
        body: &[u8],
    ) -> Repeatable {
        let named: [&[u8]; 3] = [
            client_id.as_str().as_bytes(),
            OPERATION,
            idempotency_key.as_bytes(),
        ];
        Repeatable {
            digest: digest::hmac_parts(b"", &named),
            request_sha256: digest::hmac_parts(b"", &[id.as_bytes(), body]),
            key: Zeroizing::new(self.parts.idempotency_key.mac(&named)),
        }
    }

    /// The answer that was given to this request before; a different request under the same key is refused.
    pub(crate) async fn kept_answer(
        &self,
        request: &Repeatable,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, ConsentError> {
        let now = self.parts.clock.now();
        let Some(kept) = self.parts.kept_answers.kept_answer(&request.digest, now).await? else {
            return Ok(None);
        };
        if kept.request_sha256 != request.request_sha256 {
            return Err(Refusal::IdempotencyMismatch.into());
        }
        Ok(request.open(&kept.sealed))
    }

    /// Keeps the answer to this request.
    pub(crate) async fn keep_answer(&self, request: &Repeatable, answer: &[u8]) -> Result<(), ConsentError> {
        let kept = KeptAnswer {
            digest: request.digest,
            request_sha256: request.request_sha256,
            sealed: request.seal(random(&*self.parts.rng), answer),
            forget_at: self.parts.clock.now().plus(KEPT_FOR),
        };
        Ok(self.parts.kept_answers.keep_answer(&kept).await?)
    }
}

impl Repeatable {
    fn seal(&self, nonce: [u8; NONCE], answer: &[u8]) -> Vec<u8> {
        let mut sealed = nonce.to_vec();
        sealed.extend(aead::encrypt(&self.key, nonce, &self.context(), answer));
        sealed
    }

    /// Nothing if the key has rotated meanwhile: then it is as if the answer had been forgotten.
    fn open(&self, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, ciphertext) = sealed.split_first_chunk()?;
        aead::decrypt(&self.key, *nonce, &self.context(), ciphertext).ok()
    }

    fn context(&self) -> Vec<u8> {
        [self.digest, self.request_sha256].concat()
    }
}

//! Sealing a key holder's shares anew after a rotation of its key: in the background, a few at a time, from wherever an
//! earlier process stopped.
//!
//! Against a stolen key (T6): a private half can be destroyed as soon as no share is sealed to it. Meanwhile the old key
//! opens what is sealed to it, so that releases go on; and whoever still seals to the old key is caught up with.

use cyberid_crypto::{Agree, base64url};
use cyberid_keystore::Opener;
use cyberid_keystore::role::AgreementRole;
use cyberid_record::{NotResealed, Place, Side, reseal_share};
use cyberid_storage::StorageError;
use cyberid_storage::seals::{ResealedShare, SealedShare, ShareRow, ShareSeals};

/// How many shares are sealed anew in one transaction: about ten milliseconds of work.
const BATCH: u32 = 32;

/// What sealing anew came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Shares that were sealed anew.
    pub done: u64,
    /// Shares that are sealed to another key than the current one still.
    pub left: u64,
    /// Shares of those that nothing here opens: their key is gone, or they were altered.
    pub stuck: u64,
}

/// Why sealing anew stopped; it goes on where it stopped when it is asked again.
#[derive(Debug, thiserror::Error)]
pub enum ResealError {
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The current key could not be used.
    #[error("the current key cannot be sealed to")]
    Key,
}

/// Seals anew what is sealed to an earlier key, until nothing is left to do or `stop` says so.
pub async fn reseal<R: AgreementRole>(
    side: Side,
    keys: &Opener<R>,
    store: &dyn ShareSeals,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Resealed, ResealError> {
    let mut sum = Resealed::default();
    let current = keys.current();
    for thumbprint in store.seal_keys().await? {
        let kid = base64url::encode(&thumbprint);
        if kid == current.kid() {
            continue;
        }
        let left = store.sealed_to(&thumbprint).await?;
        sum.left += left;
        let Some(old) = keys.find(&kid) else {
            sum.stuck += left;
            continue;
        };
        let pass = Pass {
            side,
            old: &*old,
            new: &*current,
            store,
        };
        pass.run(&thumbprint, &mut sum, stop).await?;
    }
    show(side, &sum);
    Ok(sum)
}

/// One way through the shares that are sealed to one old key.
struct Pass<'a> {
    side: Side,
    old: &'a dyn Agree,
    new: &'a dyn Agree,
    store: &'a dyn ShareSeals,
}

impl Pass<'_> {
    async fn run(
        &self,
        old: &[u8; 32],
        sum: &mut Resealed,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<(), ResealError> {
        let mut after = None;
        while !stop() {
            let read = self.store.next_sealed_to(old, after, BATCH).await?;
            let Some(last) = read.last() else { break };
            after = Some(last.row);
            let mut resealed = Vec::with_capacity(read.len());
            for share in read {
                match self.anew(share)? {
                    Some(share) => resealed.push(share),
                    None => sum.stuck += 1,
                }
            }
            let done = self.store.reseal(&resealed).await?;
            sum.done += done;
            sum.left -= done.min(sum.left);
            metrics::counter!("key_holder_shares_resealed_total", "holder" => name(self.side))
                .increment(done);
            show(self.side, sum);
        }
        Ok(())
    }

    /// The share sealed anew; nothing where the old seal does not open.
    fn anew(&self, old: SealedShare) -> Result<Option<ResealedShare>, ResealError> {
        let ShareRow { subject, field } = old.row;
        let place = Place { subject, field };
        match reseal_share(self.side, self.old, &self.new.public_key(), &place, &old.share) {
            Ok(new) => Ok(Some(ResealedShare { old, new })),
            Err(NotResealed::DoesNotOpen(_)) => Ok(None),
            Err(NotResealed::Key(_)) => Err(ResealError::Key),
        }
    }
}

/// Shows how far it has come.
#[expect(
    clippy::cast_precision_loss,
    reason = "a gauge is a float, and exact up to more shares than there are people"
)]
fn show(side: Side, sum: &Resealed) {
    metrics::gauge!("key_holder_shares_to_reseal", "holder" => name(side)).set(sum.left as f64);
    metrics::gauge!("key_holder_shares_stuck", "holder" => name(side)).set(sum.stuck as f64);
}

fn name(side: Side) -> &'static str {
    match side {
        Side::Vault => "vault",
        Side::Custodian => "custodian",
    }
}

//! What this service takes from the ledger: proofs under a witnessed checkpoint, and the published files.

use std::time::Duration;

use cyberid_domain::id::ClientId;
use cyberid_ledger::{LedgerError, ReadError};
use cyberid_protocol::leaf::LeafKind;
use cyberid_protocol::release::LeafProof;
use cyberid_storage::ledger::{LeafFilter, StoredLeaf};
use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use cyberid_tlog::receipt::TlogProof;
use cyberid_tlog::tile::{TileKind, TilePath};

use crate::{Consent, ConsentError, Refusal};

/// How long a redemption waits for the witnesses.
const QUORUM_WAIT: Duration = Duration::from_secs(5);

/// How long a receipt waits for the witnesses; without them it proves the leaf under the log's own signature.
const RECEIPT_WAIT: Duration = Duration::from_secs(5);

/// What a registration leaves in the ledger.
const REGISTRATION: [LeafKind; 3] = [
    LeafKind::RpRegistered,
    LeafKind::RpSuspended,
    LeafKind::RpKeyChanged,
];

/// The most leaves of one kind in an answer.
const MOST: u32 = 100;

impl Consent {
    /// A checkpoint of at least `size` leaves, cosigned by the quorum.
    pub(crate) async fn witnessed(&self, size: u64) -> Result<VerifiedCheckpoint, ConsentError> {
        let witnessed = self.parts.ledger.witnessed(size.saturating_sub(1), QUORUM_WAIT);
        match witnessed.await {
            Ok(cosigned) => Ok(cosigned.checkpoint().clone()),
            Err(LedgerError::NoQuorum { .. }) => Err(Refusal::WitnessUnavailable.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// The proof that leaf `index` is under this checkpoint (C2SP tlog-proof).
    pub(crate) async fn proof_under(
        &self,
        index: u64,
        checkpoint: &VerifiedCheckpoint,
    ) -> Result<String, ConsentError> {
        let reader = self.parts.ledger.reader();
        let proof = reader
            .inclusion(index, checkpoint.size())
            .await
            .map_err(LedgerError::from)?;
        let receipt = TlogProof {
            extra: None,
            index,
            proof,
            checkpoint: checkpoint.note().clone(),
        };
        Ok(receipt.to_string())
    }

    /// The proof of a leaf for a receipt: witnessed, if the witnesses answer soon.
    pub(crate) async fn proof(&self, index: u64) -> Result<String, ConsentError> {
        let checkpoint = self.covering(index).await?;
        self.proof_under(index, &checkpoint).await
    }

    /// A checkpoint that this leaf is under: witnessed, if the witnesses answer soon.
    async fn covering(&self, index: u64) -> Result<VerifiedCheckpoint, ConsentError> {
        match self.parts.ledger.witnessed(index, RECEIPT_WAIT).await {
            Ok(cosigned) => Ok(cosigned.checkpoint().clone()),
            Err(LedgerError::NoQuorum { .. }) => Ok(self.parts.ledger.published(index).await?),
            Err(error) => Err(error.into()),
        }
    }

    /// The leaves of a relying party's registration, oldest first, each with its proof.
    pub(crate) async fn registration_leaves(&self, rp: &ClientId) -> Result<Vec<LeafProof>, ConsentError> {
        let mut leaves = Vec::new();
        for kind in REGISTRATION {
            let filter = LeafFilter {
                kind: Some(kind.as_str().into()),
                rp: Some(rp.clone()),
                ..LeafFilter::default()
            };
            let matching = self.parts.ledger.reader().matching(&filter, MOST).await;
            leaves.extend(matching.map_err(LedgerError::from)?);
        }
        leaves.sort_unstable_by_key(|leaf| leaf.index);
        let Some(last) = leaves.last() else {
            return Ok(Vec::new());
        };
        // The witnesses are waited for once, however many leaves there are.
        let checkpoint = self.covering(last.index).await?;
        let mut proved = Vec::with_capacity(leaves.len());
        for StoredLeaf { index, body } in leaves {
            let proof = self.proof_under(index, &checkpoint).await?;
            proved.push(LeafProof { leaf: body, proof });
        }
        Ok(proved)
    }

    /// From the checkpoint of `old` leaves to the one of `new`, each hash in base64.
    pub(crate) async fn consistency(&self, old: u64, new: u64) -> Result<Vec<String>, ConsentError> {
        let hashes = self.parts.ledger.reader().consistency(old, new).await;
        let hashes = hashes.map_err(LedgerError::from)?;
        Ok(hashes.iter().map(|hash| hash.to_base64()).collect())
    }

    /// The checkpoint as it is published.
    pub(crate) async fn published_checkpoint(&self) -> Result<String, ConsentError> {
        let _place = self.reading.begin()?;
        found(self.parts.ledger.reader().checkpoint().await)
    }

    /// The bytes of a hash tile. Entry bundles are not given out here, whatever the path looks like.
    pub(crate) async fn hash_tile(&self, path: TilePath) -> Result<Vec<u8>, ConsentError> {
        if path.kind() == TileKind::Entries {
            return Err(Refusal::NotFound.into());
        }
        let _place = self.reading.begin()?;
        found(self.parts.ledger.reader().tile(path).await)
    }

    /// The bytes of an entry bundle.
    pub(crate) async fn entry_bundle(&self, path: TilePath) -> Result<Vec<u8>, ConsentError> {
        let _place = self.reading.begin()?;
        found(self.parts.ledger.reader().entries(path).await)
    }
}

fn found<T>(read: Result<T, ReadError>) -> Result<T, ConsentError> {
    read.map_err(|error| match error {
        ReadError::NotThere => Refusal::NotFound.into(),
        error => LedgerError::from(error).into(),
    })
}

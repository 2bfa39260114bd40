//! The ledger's operator: its own keys and stores, and the code that it runs anyway, put to other uses.

use std::sync::Arc;
use std::time::Duration;

use cyberid_client::{Client, ClientError};
use cyberid_crypto::{PublicKey, base64url};
use cyberid_domain::Clock as _;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::id::{LeafId, ReleaseId};
use cyberid_domain::rng::SystemRng;
use cyberid_keystore::{Ed25519Key, Keystore, role};
use cyberid_ledger::{Ledger, LogKey, Parts, Witness};
use cyberid_protocol::leaf::{Leaf, LeafKind};
use cyberid_protocol::warrant::{RememberedSize, Warrant};
use cyberid_storage::ledger::LedgerRead as _;
use cyberid_storage::release::{Release, Releases as _};
use cyberid_storage_journal::{FileHead, HeadOptions};
use cyberid_storage_sqlite::{LedgerDb, RegistryDb};
use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use cyberid_tlog::note::{NoteSigner, SignatureType, SignerError, VerifierKey};
use cyberid_tlog::policy::Policy;
use cyberid_tlog::receipt::TlogProof;
use journeys::{LEDGER, Part, SplitPlatform};

/// The ledger's operator, without the service that would do only what it should.
pub(crate) struct Operator {
    pub(crate) log: Arc<LogKey>,
    ledger: Arc<Ledger>,
    store: Arc<LedgerDb>,
    registry: RegistryDb,
    key_holders: [Client; 2],
}

/// What a warrant says apart from its proofs.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) consent: String,
    pub(crate) salt: [u8; 32],
    pub(crate) rp_key: PublicKey,
    pub(crate) leaf: Leaf,
}

impl Operator {
    /// Stops the service and takes its place.
    pub(crate) async fn in_place_of(split: &mut SplitPlatform) -> Self {
        split.stop(Part::Platform).await;
        let data = split.data(Part::Platform);
        let keystore = keystore(split, Part::Platform);
        let log = Arc::new(LogKey::new(LEDGER, &keystore.note_key::<role::Ledger>().unwrap()).unwrap());
        let store = Arc::new(LedgerDb::open(data.join("ledger.db")).await.unwrap());
        let head = FileHead::open(data.join("head"), Arc::new(SystemRng), HeadOptions::default()).unwrap();
        let witness = Witness {
            client: split.client(Part::Witness),
            key: split.witness_vkey().parse().unwrap(),
        };
        let ledger = Ledger::open(Parts {
            store: Arc::<LedgerDb>::clone(&store),
            head: Arc::new(head),
            key: Arc::<LogKey>::clone(&log),
            witnesses: vec![witness],
            policy: Policy::parse(split.policy().as_bytes()).unwrap(),
            allow_unwitnessed: false,
        });
        Self {
            log,
            ledger: ledger.await.unwrap(),
            store,
            registry: RegistryDb::open(data.join("registry.db")).await.unwrap(),
            key_holders: [Part::Vault, Part::Custodian].map(|part| split.client(part)),
        }
    }

    /// A release as the registry has it.
    async fn release(&self, id: &ReleaseId) -> Release {
        self.registry.release(id).await.unwrap().unwrap()
    }

    /// The honest case of a granted release.
    pub(crate) async fn case(&self, id: &ReleaseId, rp_key: PublicKey) -> Case {
        let release = self.release(id).await;
        let grant = release.grant.unwrap();
        let granted = Leaf::from_text(&release.leaves[0].body).unwrap();
        Case {
            consent: grant.consent,
            salt: grant.salt,
            rp_key,
            leaf: granted
                .followed_by(LeafKind::ReleaseIntended, SystemClock.now())
                .unwrap(),
        }
    }

    /// The warrant of a case whose leaf is published, and seen by the witness.
    pub(crate) async fn warrant(&self, case: &Case) -> Warrant {
        let body = case.leaf.to_text().unwrap();
        let index = self
            .ledger
            .append(LeafId::random(&SystemRng), body)
            .await
            .unwrap();
        self.warrant_at(case, index).await
    }

    /// The warrant that was shown when this release was redeemed, led on to where the key holders are now.
    pub(crate) async fn warrant_of_release(&self, id: &ReleaseId, case: &Case) -> Warrant {
        let leaves = self.release(id).await.leaves;
        let leaf = Leaf::from_text(&leaves[1].body).unwrap();
        assert_eq!(leaf.kind, LeafKind::ReleaseIntended);
        let place = self
            .leaves()
            .await
            .iter()
            .position(|body| *body == leaves[1].body);
        let case = Case { leaf, ..case.clone() };
        self.warrant_at(&case, place.unwrap() as u64).await
    }

    /// The warrant of a case whose leaf stands at this place.
    async fn warrant_at(&self, case: &Case, index: u64) -> Warrant {
        let sizes = self.remembered().await;
        let last = sizes[0].max(sizes[1]).max(index + 1) - 1;
        let witnessed = self
            .ledger
            .witnessed(last, Duration::from_secs(10))
            .await
            .unwrap();
        let size = witnessed.size();
        let proof = self.proof(index, witnessed.checkpoint()).await;
        Warrant {
            vault_consistency: self.consistency(sizes[0], size).await,
            custodian_consistency: self.consistency(sizes[1], size).await,
            ..case.unproved(proof)
        }
    }

    /// The proof that the leaf at this place is under this checkpoint.
    async fn proof(&self, index: u64, checkpoint: &VerifiedCheckpoint) -> String {
        let reader = self.ledger.reader();
        let proof = TlogProof {
            extra: None,
            index,
            proof: reader.inclusion(index, checkpoint.size()).await.unwrap(),
            checkpoint: checkpoint.note().clone(),
        };
        proof.to_string()
    }

    /// Every leaf of the log.
    pub(crate) async fn leaves(&self) -> Vec<String> {
        let leaves = self.store.leaves(0, 1000).await.unwrap();
        leaves.into_iter().map(|leaf| leaf.body).collect()
    }

    /// From which sizes vault and custodian want to be led on; nothing from one that does not answer.
    pub(crate) async fn remembered(&self) -> [u64; 2] {
        let mut sizes = [0; 2];
        for (size, key_holder) in sizes.iter_mut().zip(&self.key_holders) {
            *size = match key_holder.get::<RememberedSize>("/v1/checkpoint").await {
                Ok(remembered) => remembered.size,
                Err(ClientError::Unreachable(_)) => 0,
                Err(error) => panic!("{error}"),
            };
        }
        sizes
    }

    async fn consistency(&self, old: u64, new: u64) -> Vec<String> {
        let hashes = self.ledger.reader().consistency(old, new).await.unwrap();
        hashes.iter().map(|hash| hash.to_base64()).collect()
    }
}

impl Case {
    /// The warrant with this proof, for a key holder that remembers nothing.
    pub(crate) fn unproved(&self, proof: String) -> Warrant {
        Warrant {
            consent: self.consent.clone(),
            salt: base64url::encode(&self.salt),
            rp_key: self.rp_key,
            leaf: self.leaf.to_text().unwrap(),
            proof,
            vault_consistency: Vec::new(),
            custodian_consistency: Vec::new(),
        }
    }

    /// The same with another leaf.
    pub(crate) fn with_leaf(&self, change: impl FnOnce(&mut Leaf)) -> Self {
        let mut case = self.clone();
        change(&mut case.leaf);
        case
    }
}

/// The keystore of a process that does not run.
pub(crate) fn keystore(split: &SplitPlatform, part: Part) -> Keystore {
    let folder = split.data(part).join("keys");
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    Keystore::open(&folder, &split.passphrase(part), clock, rng).unwrap()
}

/// A witness's key, in hands that sign anything.
pub(crate) struct Cosigner {
    verifier: VerifierKey,
    key: Arc<Ed25519Key>,
}

impl Cosigner {
    /// The key of the real witness, which does not run.
    pub(crate) fn of(split: &SplitPlatform) -> Self {
        let key = keystore(split, Part::Witness)
            .note_key::<role::Witness>()
            .unwrap()
            .current();
        let verifier: VerifierKey = split.witness_vkey().parse().unwrap();
        assert_eq!(verifier.public_key(), &key.public_key());
        assert_eq!(verifier.signature_type(), SignatureType::CosignatureV1);
        Self { verifier, key }
    }
}

impl NoteSigner for Cosigner {
    fn verifier_key(&self) -> &VerifierKey {
        &self.verifier
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        Ok(self.key.sign(message).unwrap().to_vec())
    }
}

//! Warrants that are honest but for one thing, and the reason for which each has to be refused.

use cyberid_crypto::{Agree as _, AgreementKey, KeyFailure, PublicKey, Sign, base64url, digest};
use cyberid_domain::Clock as _;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::field::Field;
use cyberid_domain::rng::SystemRng;
use cyberid_holder::DeviceKey;
use cyberid_protocol::consent::Consent;
use cyberid_protocol::leaf::{LeafKind, subject_commitment};
use cyberid_protocol::message::Message as _;
use cyberid_protocol::warrant::{MAX_AGE, Warrant};
use cyberid_tlog::note::Ed25519Signer;
use journeys::Citizen;

use crate::fork::Fork;
use crate::operator::{Case, Operator};

/// A warrant that is honest but for one thing.
pub(crate) struct Attack {
    pub(crate) what: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) warrant: Warrant,
}

fn attack(what: &'static str, reason: &'static str, warrant: Warrant) -> Attack {
    Attack {
        what,
        reason,
        warrant,
    }
}

/// What the attacks are made of.
pub(crate) struct Plot<'a> {
    pub(crate) operator: &'a Operator,
    /// What the victim granted: the name alone.
    pub(crate) honest: Case,
    pub(crate) victim: &'a Citizen,
    /// What somebody else granted: name and birth date.
    pub(crate) others: Case,
    pub(crate) accomplice: &'a Citizen,
}

impl Plot<'_> {
    /// All of them. The leaves are published, and seen by the witness, unless the attack is about just that.
    pub(crate) async fn attacks(&self) -> Vec<Attack> {
        let mut all = self.on_the_ledger().await;
        all.extend(self.on_the_key().await);
        all.extend(self.on_the_fields().await);
        all.extend(self.on_the_person().await);
        all.extend(self.on_the_time().await);
        all
    }

    /// The leaf says what it should; outsiders have not seen it.
    async fn on_the_ledger(&self) -> Vec<Attack> {
        let Self { operator, honest, .. } = self;
        let history = operator.leaves().await;
        let published = operator.warrant(honest).await;
        let fork = Fork::new(&history[..history.len() - 1], honest);
        let own_witness = Ed25519Signer::cosigner_from_seed("witness.cyberid.example", &[7; 32])
            .ok()
            .unwrap();
        let alone = fork.checkpoint(&*operator.log, None);
        let own = fork.checkpoint(&*operator.log, Some(&own_witness));
        let unpublished = fork.warrant(honest, &alone, [0, 0]);
        let cosigned = fork.warrant(honest, &own, [0, 0]);
        let unseen = without_cosignature(&published.proof);
        let another = operator.warrant(&self.others).await;
        let with_proof = |proof: String| Warrant {
            proof,
            ..published.clone()
        };
        let refused = "not_in_witnessed_ledger";
        vec![
            attack("a leaf on an unpublished fork", refused, unpublished),
            attack(
                "a fork that a witness of the operator's own cosigned",
                refused,
                cosigned,
            ),
            attack(
                "a published leaf without its cosignature",
                refused,
                with_proof(unseen),
            ),
            attack("the proof of another leaf", refused, with_proof(another.proof)),
            attack("no proof", "malformed", with_proof(String::new())),
            attack(
                "a proof that is none",
                "malformed",
                with_proof("c2sp.org/tlog-proof@v1\n".into()),
            ),
        ]
    }

    /// The plaintext is to go to the operator's own key.
    async fn on_the_key(&self) -> Vec<Attack> {
        let Self { operator, honest, .. } = self;
        let own = AgreementKey::ephemeral().unwrap().public_key();
        let swapped = Warrant {
            rp_key: own,
            ..operator.warrant(honest).await
        };
        let mut adapted = honest.with_leaf(|leaf| leaf.enc_jkt = Some(own.thumbprint()));
        let leaf_alone = operator.warrant(&adapted).await;
        adapted.rp_key = own;
        let leaf_and_key = operator.warrant(&adapted).await;
        let altered = altered(honest, |consent| consent.enc_jkt = own.thumbprint());
        let altered = Case {
            rp_key: own,
            ..altered
        };
        vec![
            attack("a swapped key", "rp_key_differs", swapped),
            attack(
                "a swapped key, with a leaf that says so",
                "rp_key_differs",
                leaf_and_key,
            ),
            attack("a leaf of another key", "leaf_differs", leaf_alone),
            attack(
                "a consent altered to another key",
                "consent_invalid",
                operator.warrant(&altered).await,
            ),
        ]
    }

    /// More is to be opened than was agreed to.
    async fn on_the_fields(&self) -> Vec<Attack> {
        let Self { operator, honest, .. } = self;
        let wide = vec![Field::Name, Field::BirthDate];
        let wider_leaf = honest.with_leaf(|leaf| leaf.fields = Some(wide.clone()));
        let widened = altered(honest, |consent| consent.fields.clone_from(&wide));
        let other_purpose = honest.with_leaf(|leaf| leaf.purpose = Some("register".into()));
        let granted = honest.with_leaf(|leaf| leaf.kind = LeafKind::ConsentGranted);
        let unlinked = honest.with_leaf(|leaf| leaf.previous = None);
        vec![
            attack(
                "a leaf of more fields",
                "leaf_differs",
                operator.warrant(&wider_leaf).await,
            ),
            attack(
                "a widened consent",
                "consent_invalid",
                operator.warrant(&widened).await,
            ),
            attack(
                "a leaf of another purpose",
                "leaf_differs",
                operator.warrant(&other_purpose).await,
            ),
            attack(
                "a leaf that intends nothing",
                "leaf_differs",
                operator.warrant(&granted).await,
            ),
            attack(
                "a leaf that follows nothing",
                "leaf_differs",
                operator.warrant(&unlinked).await,
            ),
        ]
    }

    /// Somebody else agreed.
    async fn on_the_person(&self) -> Vec<Attack> {
        let Self { operator, honest, .. } = self;
        let victim = self.victim.key.public_key();
        let of_victim = subject_commitment(&self.others.salt, &victim.thumbprint());
        let mismatched = self
            .others
            .with_leaf(|leaf| leaf.subject_commitment = Some(of_victim));
        let crossed = Case {
            leaf: honest.leaf.clone(),
            salt: honest.salt,
            ..self.others.clone()
        };
        let impostor = Impostor {
            key: &*self.accomplice.key.signer(),
            kid: victim.thumbprint(),
        };
        let forged = signed(honest, &impostor, &victim, |_| {});
        let stranger = DeviceKey::make_of(journeys::suite(), &SystemRng).unwrap();
        let unbound = signed(honest, &*stranger.signer(), &stranger.public_key(), |_| {});
        let elsewhere = signed(honest, &*self.victim.key.signer(), &victim, |consent| {
            consent.aud = "https://other.example".into();
        });
        vec![
            attack(
                "another person's consent for a leaf of the victim",
                "leaf_differs",
                operator.warrant(&mismatched).await,
            ),
            attack(
                "another person's consent with the victim's leaf",
                "leaf_differs",
                operator.warrant(&crossed).await,
            ),
            attack(
                "another person's signature in the victim's name",
                "consent_invalid",
                operator.warrant(&forged).await,
            ),
            attack(
                "the signature of a device that nobody enrolled",
                "unknown_device",
                operator.warrant(&unbound).await,
            ),
            attack(
                "the victim's consent for another platform",
                "consent_invalid",
                operator.warrant(&elsewhere).await,
            ),
        ]
    }

    /// It was agreed to, at another time.
    async fn on_the_time(&self) -> Vec<Attack> {
        let Self { operator, honest, .. } = self;
        let now = SystemClock.now();
        let old = honest.with_leaf(|leaf| leaf.time = now.minus(MAX_AGE + 60));
        let early = honest.with_leaf(|leaf| leaf.time = now.plus(3600));
        let victim = self.victim.key.signer();
        let expired = signed(honest, &*victim, &victim.public_key(), |consent| {
            (consent.iat, consent.exp) = (now.minus(7200), now.minus(3600));
        });
        vec![
            attack("an old intent", "not_now", operator.warrant(&old).await),
            attack(
                "an intent from the future",
                "not_now",
                operator.warrant(&early).await,
            ),
            attack("an expired consent", "not_now", operator.warrant(&expired).await),
        ]
    }
}

/// The proof without the witness's line under its checkpoint.
fn without_cosignature(proof: &str) -> String {
    let is_cosignature = |line: &&str| line.starts_with("\u{2014} witness.");
    assert_eq!(proof.lines().filter(is_cosignature).count(), 1);
    let kept = proof.split_inclusive('\n').filter(|line| !is_cosignature(line));
    kept.collect()
}

/// The case with a consent whose claims were changed after it was signed, and a leaf that fits them.
fn altered(case: &Case, change: impl FnOnce(&mut Consent)) -> Case {
    let parts: Vec<&str> = case.consent.split('.').collect();
    let mut consent = claims(case);
    change(&mut consent);
    let payload = base64url::encode(&serde_json::to_vec(&consent).unwrap());
    fitting(case, [parts[0], &payload, parts[2]].join("."), &consent)
}

/// The case with a changed consent that `key` signs, and a leaf that fits it and the device that is said to have signed.
fn signed(case: &Case, key: &dyn Sign, device: &PublicKey, change: impl FnOnce(&mut Consent)) -> Case {
    let mut consent = claims(case);
    change(&mut consent);
    let commitment = subject_commitment(&case.salt, &device.thumbprint());
    fitting(case, consent.sign(key).unwrap(), &consent)
        .with_leaf(|leaf| leaf.subject_commitment = Some(commitment))
}

fn claims(case: &Case) -> Consent {
    let payload = case.consent.split('.').nth(1).and_then(base64url::decode);
    serde_json::from_slice(&payload.unwrap()).unwrap()
}

fn fitting(case: &Case, compact: String, consent: &Consent) -> Case {
    let mut leaf = case.leaf.clone();
    leaf.consent_sha256 = Some(digest::sha256_base64url(compact.as_bytes()));
    leaf.fields = Some(consent.fields.clone());
    leaf.enc_jkt = Some(consent.enc_jkt.clone());
    Case {
        consent: compact,
        leaf,
        ..case.clone()
    }
}

/// A key that signs under another key's name.
struct Impostor<'a> {
    key: &'a dyn Sign,
    kid: String,
}

impl Sign for Impostor<'_> {
    fn public_key(&self) -> PublicKey {
        self.key.public_key()
    }

    fn kid(&self) -> &str {
        &self.kid
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], KeyFailure> {
        self.key.sign(message)
    }
}

//! Warrants that are honest but for one thing, each with the reason for which a key holder has to refuse it.

use cyberid_crypto::{KeyFailure, PublicKey, Sign, SigningKey, digest};
use cyberid_domain::clock::SKEW;
use cyberid_domain::field::Field;
use cyberid_domain::id::{ClientId, ReleaseId};
use cyberid_domain::rng::SystemRng;
use cyberid_domain::{Clock as _, UnixTime};
use cyberid_protocol::consent::{self, Consent};
use cyberid_protocol::leaf::{Leaf, LeafKind};
use cyberid_protocol::message::Message as _;
use cyberid_protocol::warrant::{MAX_AGE, Warrant, WarrantRefused};

use super::{Cosigned, Person, World};

/// What every consent here agrees to.
const FIELDS: [Field; 2] = [Field::Name, Field::BirthDate];

/// A warrant that is honest but for one thing.
#[derive(Debug, Clone)]
pub struct Attack {
    /// The one thing.
    pub name: &'static str,
    /// The warrant.
    pub warrant: Warrant,
    /// Why it has to be refused.
    pub refusal: WarrantRefused,
}

/// Every attack on the record of `victim`; `accomplice` is enrolled and helps.
///
/// The platform's own ledger operator takes part: leaves are recorded, proved and witnessed as they are, unless the
/// attack is about just that.
pub fn attacks(world: &mut World, victim: &Person, accomplice: &Person) -> Vec<Attack> {
    let mut all = on_the_signature(world, victim, accomplice);
    all.extend(on_the_consent(world, victim));
    all.extend(on_the_leaf(world, victim));
    all.extend(on_the_time(world, victim));
    all.extend(on_the_ledger(world, victim));
    all.extend(on_the_form(world, victim));
    all
}

fn on_the_signature(world: &mut World, victim: &Person, accomplice: &Person) -> Vec<Attack> {
    let consent = world.consent(&FIELDS);
    let impostor = Impostor {
        key: &accomplice.device,
        kid: victim.device.kid().into(),
    };
    let signed = consent.sign(&impostor).unwrap();
    let (leaf, salt) = world.intended(&consent, &signed, &victim.device.public_key());
    let forged = world.warrant(&signed, &leaf, &salt);

    let narrow = world.consent(&[Field::Name]);
    let wide = Consent {
        fields: Field::ALL.into(),
        ..narrow.clone()
    };
    let signed = with_claims_of(
        &narrow.sign(&victim.device).unwrap(),
        &wide.sign(&victim.device).unwrap(),
    );
    let (leaf, salt) = world.intended(&wide, &signed, &victim.device.public_key());
    let widened = world.warrant(&signed, &leaf, &salt);

    let stranger = Person::new("陌生人", "440524188001010014");
    let unbound = world.release(&stranger, &FIELDS);
    vec![
        attack(
            "a consent that somebody else signed",
            forged,
            WarrantRefused::ConsentInvalid,
        ),
        attack(
            "a consent widened after it was signed",
            widened,
            WarrantRefused::ConsentInvalid,
        ),
        attack(
            "a device bound to no record",
            unbound,
            WarrantRefused::UnknownDevice,
        ),
    ]
}

fn on_the_consent(world: &mut World, victim: &Person) -> Vec<Attack> {
    type Change = fn(&mut Consent);
    let changes: [(&'static str, Change, WarrantRefused); 4] = [
        (
            "a consent for another platform",
            |consent| consent.aud = "https://other.example".into(),
            WarrantRefused::ConsentInvalid,
        ),
        (
            "a consent to nothing",
            |consent| consent.fields.clear(),
            WarrantRefused::ConsentInvalid,
        ),
        (
            "a consent to another key",
            |consent| consent.enc_jkt = digest::sha256_base64url(b"another key"),
            WarrantRefused::RpKeyDiffers,
        ),
        (
            "a consent that lives too long",
            |consent| consent.exp = consent.iat.plus(consent::MAX_LIFE + 1),
            WarrantRefused::NotNow,
        ),
    ];
    let mut all = Vec::new();
    for (name, change, refusal) in changes {
        let mut consent = world.consent(&FIELDS);
        change(&mut consent);
        all.push(attack(name, world.release_by(&consent, &victim.device), refusal));
    }
    let honest = world.release(victim, &FIELDS);
    let swapped = Warrant {
        rp_key: SigningKey::from_scalar(&[5; 32]).unwrap().public_key(),
        ..honest
    };
    all.push(attack(
        "a swapped encryption key",
        swapped,
        WarrantRefused::RpKeyDiffers,
    ));
    all
}

fn on_the_leaf(world: &mut World, victim: &Person) -> Vec<Attack> {
    type Change = fn(&mut Leaf);
    let changes: [(&'static str, Change); 13] = [
        ("a leaf of more fields", |leaf| {
            leaf.fields = Some(Field::ALL.into());
        }),
        ("a leaf of fewer fields", |leaf| {
            leaf.fields = Some(vec![Field::Name]);
        }),
        ("a leaf of no fields", |leaf| leaf.fields = None),
        ("a leaf of another purpose", |leaf| {
            leaf.purpose = Some("advertising".into());
        }),
        ("a leaf of another legal basis", |leaf| {
            leaf.legal_basis = Some("law".into());
        }),
        ("a leaf of a shorter retention", |leaf| {
            leaf.retention_days = Some(1);
        }),
        ("a leaf of another relying party", |leaf| {
            leaf.rp = Some(ClientId::random(&SystemRng));
        }),
        ("a leaf of another release", |leaf| {
            leaf.request = Some(ReleaseId::random(&SystemRng));
        }),
        ("a leaf of another key", |leaf| {
            leaf.enc_jkt = Some(digest::sha256_base64url(b"key"));
        }),
        ("a leaf of another consent", |leaf| {
            leaf.consent_sha256 = Some(digest::sha256_base64url(b"x"));
        }),
        ("a leaf of another person", |leaf| {
            leaf.subject_commitment = Some(digest::sha256_base64url(b"somebody"));
        }),
        ("a leaf that says no more than granted", |leaf| {
            leaf.kind = LeafKind::ConsentGranted;
        }),
        ("a leaf that follows nothing", |leaf| leaf.previous = None),
    ];
    let mut all = Vec::new();
    for (name, change) in changes {
        let consent = world.consent(&FIELDS);
        let signed = consent.sign(&victim.device).unwrap();
        let (mut leaf, salt) = world.intended(&consent, &signed, &victim.device.public_key());
        change(&mut leaf);
        all.push(attack(
            name,
            world.warrant(&signed, &leaf, &salt),
            WarrantRefused::LeafDiffers,
        ));
    }
    all
}

fn on_the_time(world: &mut World, victim: &Person) -> Vec<Attack> {
    let now = world.clock.now();
    let consents = [
        ("an expired consent", now.minus(7200), now.minus(SKEW)),
        ("a consent from the future", now.plus(SKEW + 1), now.plus(3600)),
    ];
    let mut all = Vec::new();
    for (name, iat, exp) in consents {
        let consent = Consent {
            iat,
            exp,
            ..world.consent(&FIELDS)
        };
        let warrant = world.release_by(&consent, &victim.device);
        all.push(attack(name, warrant, WarrantRefused::NotNow));
    }
    let leaves = [
        ("an old leaf", now.minus(MAX_AGE + 1)),
        ("a leaf from the future", now.plus(SKEW + 1)),
    ];
    for (name, time) in leaves {
        all.push(attack(
            name,
            with_leaf_time(world, victim, time),
            WarrantRefused::NotNow,
        ));
    }
    all
}

fn with_leaf_time(world: &mut World, victim: &Person, time: UnixTime) -> Warrant {
    let consent = world.consent(&FIELDS);
    let signed = consent.sign(&victim.device).unwrap();
    let (leaf, salt) = world.intended(&consent, &signed, &victim.device.public_key());
    world.warrant(&signed, &Leaf { time, ..leaf }, &salt)
}

fn on_the_ledger(world: &mut World, victim: &Person) -> Vec<Attack> {
    let honest = world.release(victim, &FIELDS);
    let (ledger, last) = (&world.ledger, world.ledger.size() - 1);
    let proofs = [
        (
            "a leaf that no witness saw",
            ledger.proof(last, Cosigned::ByNobody),
        ),
        (
            "a leaf that a stranger cosigned",
            ledger.proof(last, Cosigned::ByStranger),
        ),
        ("a checkpoint by another key", ledger.proof_by_impostor(last)),
        ("the proof of another leaf", ledger.proof(0, Cosigned::ByWitness)),
    ];
    let with_proof = |(name, proof)| {
        let warrant = Warrant {
            proof,
            ..honest.clone()
        };
        attack(name, warrant, WarrantRefused::NotInWitnessedLedger)
    };
    proofs.into_iter().map(with_proof).collect()
}

fn on_the_form(world: &mut World, victim: &Person) -> Vec<Attack> {
    type Change = fn(&mut Warrant);
    let honest = world.release(victim, &FIELDS);
    let altered: [(&'static str, Change); 4] = [
        ("a leaf that is not canonical", |warrant| {
            warrant.leaf.insert(1, ' ');
        }),
        ("a salt that is none", |warrant| warrant.salt = "AA".into()),
        ("a proof that is none", |warrant| warrant.proof = "proof".into()),
        ("a consent that is none", |warrant| {
            warrant.consent = "a.b.c".into();
        }),
    ];
    let with = |(name, alter): (_, Change)| {
        let mut warrant = honest.clone();
        alter(&mut warrant);
        attack(name, warrant, WarrantRefused::Malformed)
    };
    altered.into_iter().map(with).collect()
}

fn attack(name: &'static str, warrant: Warrant, refusal: WarrantRefused) -> Attack {
    Attack {
        name,
        warrant,
        refusal,
    }
}

/// The header and signature of `signed` around the claims of `claims`.
pub(super) fn with_claims_of(signed: &str, claims: &str) -> String {
    let parts: Vec<&str> = signed.split('.').collect();
    let claims = claims.split('.').nth(1).unwrap();
    [*parts.first().unwrap(), claims, *parts.get(2).unwrap()].join(".")
}

/// A key that signs under another key's name.
pub(super) struct Impostor<'a> {
    pub(super) key: &'a SigningKey,
    pub(super) kid: String,
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

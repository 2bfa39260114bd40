//! The world around the key holders, in which everything is as it should be.

use std::sync::Arc;

use cyberid_crypto::{Agree as _, AgreementKey, PublicKey, Sign, SigningKey, base64url, digest, hpke};
use cyberid_domain::clock::ManualClock;
use cyberid_domain::document::DocumentType;
use cyberid_domain::field::Field;
use cyberid_domain::id::{ClientId, Nonce, ReleaseId};
use cyberid_domain::rng::{SystemRng, random};
use cyberid_domain::{Clock as _, UnixTime};
use cyberid_protocol::consent::Consent;
use cyberid_protocol::deposit::{
    Deposit, KeyHolder, MAX_LIFE, Outcome, RESERVATION_INFO, Reservation, Settlement,
};
use cyberid_protocol::leaf::{self, Leaf, LeafKind};
use cyberid_protocol::message::Message as _;
use cyberid_protocol::statement::Locale;
use cyberid_protocol::warrant::{Anchors, Warrant};
use cyberid_record::SealedField;

use super::person::{Person, deposited};
use super::{Bureau, Cosigned, TestLedger};

/// The issuer of this world.
pub const ISSUER: &str = "https://id.example";

/// The world around the key holders.
pub struct World {
    /// The time.
    pub clock: Arc<ManualClock>,
    /// Issuance's key.
    pub enrolment: SigningKey,
    /// The relying party's client id.
    pub rp: ClientId,
    /// The relying party's encryption key, with its private half.
    pub rp_key: AgreementKey,
    /// An authority that the key holders pin.
    pub bureau: Bureau,
    /// Another one.
    pub other_bureau: Bureau,
    /// The ledger.
    pub ledger: TestLedger,
    /// The size of the ledger that the vault remembers.
    pub vault_remembers: u64,
    /// The size of the ledger that the custodian remembers.
    pub custodian_remembers: u64,
}

impl Default for World {
    fn default() -> Self {
        Self {
            clock: Arc::new(ManualClock::new(UnixTime(1_790_000_000))),
            enrolment: SigningKey::from_scalar(&[11; 32]).unwrap(),
            rp: ClientId::random(&SystemRng),
            rp_key: AgreementKey::ephemeral().unwrap(),
            bureau: Bureau::new(40),
            other_bureau: Bureau::new(50),
            ledger: TestLedger::default(),
            vault_remembers: 0,
            custodian_remembers: 0,
        }
    }
}

impl World {
    /// What the key holders pin.
    pub fn anchors(&self) -> Anchors {
        TestLedger::anchors(ISSUER)
    }

    /// The consent of this world's holders to these fields, before it is signed.
    pub fn consent(&self, fields: &[Field]) -> Consent {
        let now = self.clock.now();
        Consent {
            aud: ISSUER.into(),
            rp: self.rp.clone(),
            request: ReleaseId::random(&SystemRng),
            purpose: "open an account".into(),
            fields: fields.into(),
            legal_basis: "consent".into(),
            retention_days: 30,
            enc_jkt: self.rp_key.public_key().thumbprint(),
            notice_sha256: digest::sha256_base64url(b"notice"),
            request_sha256: digest::sha256_base64url(b"request"),
            statement_sha256: digest::sha256_base64url(b"statement"),
            locale: Locale::Chinese,
            iat: now,
            exp: now.plus(3600),
            jti: Nonce::random(&SystemRng),
        }
    }

    /// The `release.intended` leaf of a signed consent, and the salt of its commitment.
    pub fn intended(&self, consent: &Consent, signed: &str, device: &PublicKey) -> (Leaf, [u8; 32]) {
        let salt = random(&SystemRng);
        let granted = Leaf {
            request: Some(consent.request.clone()),
            rp: Some(consent.rp.clone()),
            subject_commitment: Some(leaf::subject_commitment(&salt, &device.thumbprint())),
            fields: Some(consent.fields.clone()),
            purpose: Some(consent.purpose.clone()),
            legal_basis: Some(consent.legal_basis.clone()),
            retention_days: Some(consent.retention_days),
            enc_jkt: Some(consent.enc_jkt.clone()),
            consent_sha256: Some(digest::sha256_base64url(signed.as_bytes())),
            ..Leaf::new(LeafKind::ConsentGranted, self.clock.now())
        };
        let intended = granted.followed_by(LeafKind::ReleaseIntended, self.clock.now());
        (intended.unwrap(), salt)
    }

    /// Puts the leaf into the ledger, where the witness sees it, and makes the warrant.
    pub fn warrant(&mut self, signed: &str, leaf: &Leaf, salt: &[u8; 32]) -> Warrant {
        let leaf = leaf.to_text().unwrap();
        let index = self.ledger.append(&leaf);
        Warrant {
            consent: signed.into(),
            salt: base64url::encode(salt),
            rp_key: self.rp_key.public_key(),
            proof: self.ledger.proof(index, Cosigned::ByWitness),
            leaf,
            vault_consistency: self.ledger.consistency(self.vault_remembers),
            custodian_consistency: self.ledger.consistency(self.custodian_remembers),
        }
    }

    /// The warrant of a consent that this key signs.
    pub fn release_by(&mut self, consent: &Consent, device: &dyn Sign) -> Warrant {
        let signed = consent.sign(device).unwrap();
        let (leaf, salt) = self.intended(consent, &signed, &device.public_key());
        self.warrant(&signed, &leaf, &salt)
    }

    /// The honest warrant by which a person releases these fields.
    pub fn release(&mut self, person: &Person, fields: &[Field]) -> Warrant {
        self.release_by(&self.consent(fields), &person.device)
    }

    /// Remembers that both key holders accepted the whole ledger.
    pub fn accepted(&mut self) {
        self.vault_remembers = self.ledger.size();
        self.custodian_remembers = self.ledger.size();
    }

    /// Asks the vault to reserve a person.
    pub fn reservation(&self, person: &Person, vault: &PublicKey) -> Reservation {
        let kind = DocumentType::ResidentIdCard.as_str();
        let plain = format!("{kind}|{}", person.number);
        let sealed = hpke::seal(
            vault,
            RESERVATION_INFO,
            person.subject.as_bytes(),
            plain.as_bytes(),
        );
        let (iat, exp) = self.life();
        Reservation {
            aud: KeyHolder::Vault,
            subject: person.subject,
            person_sealed: base64url::encode(&sealed.unwrap()),
            iat,
            exp,
            jti: Nonce::random(&SystemRng),
        }
    }

    /// Hands a key holder its part of a person's sealed record.
    pub fn deposit(&self, aud: KeyHolder, person: &Person, sealed: &[(Field, SealedField)]) -> Deposit {
        let (iat, exp) = self.life();
        Deposit {
            aud,
            subject: person.subject,
            device: person.device.public_key(),
            number_commitment: person.number_commitment(),
            fields: deposited(aud, sealed),
            person_sealed: None,
            iat,
            exp,
            jti: Nonce::random(&SystemRng),
        }
    }

    /// Tells a key holder how a person's enrolment ended.
    pub fn settlement(&self, aud: KeyHolder, person: &Person, outcome: Outcome) -> Settlement {
        let (iat, exp) = self.life();
        Settlement {
            aud,
            subject: person.subject,
            others: Vec::new(),
            outcome,
            iat,
            exp,
            jti: Nonce::random(&SystemRng),
        }
    }

    fn life(&self) -> (UnixTime, UnixTime) {
        let now = self.clock.now();
        (now, now.plus(MAX_LIFE))
    }
}

//! An authority with its officers, and what they order.

use cyberid_crypto::{Agree as _, AgreementKey, Sign as _, SigningKey, base64url};
use cyberid_domain::Clock as _;
use cyberid_domain::field::Field;
use cyberid_domain::id::{ClientId, Nonce, OfficialAccessId};
use cyberid_domain::rng::{SystemRng, random};
use cyberid_protocol::leaf::{Leaf, LeafKind};
use cyberid_protocol::message::Message as _;
use cyberid_protocol::official::{
    Authorities, Authority, Countersignature, Officer, OfficialWarrant, Order, subject_commitment,
    words_sha256,
};

use super::{Cosigned, Person, World};

/// An authority with two officers.
pub struct Bureau {
    /// Its client id.
    pub client_id: ClientId,
    /// Its encryption key, with its private half.
    pub key: AgreementKey,
    /// Its officers.
    pub officers: [SigningKey; 2],
}

impl Bureau {
    /// A bureau whose officers' keys follow from the seed.
    pub fn new(seed: u8) -> Self {
        let officer = |seed| SigningKey::from_scalar(&[seed; 32]).unwrap();
        Self {
            client_id: ClientId::random(&SystemRng),
            key: AgreementKey::ephemeral().unwrap(),
            officers: [officer(seed), officer(seed + 1)],
        }
    }

    /// What is pinned of it.
    pub fn pinned(&self) -> Authority {
        let officers = self.officers.iter().enumerate();
        Authority {
            client_id: self.client_id.clone(),
            name: "Bureau".into(),
            encryption_key: self.key.public_key(),
            officers: officers
                .map(|(nth, key)| Officer {
                    id: format!("officer {nth}"),
                    key: key.public_key(),
                })
                .collect(),
        }
    }
}

impl World {
    /// The authorities that the key holders pin.
    pub fn authorities(&self) -> Authorities {
        Authorities::new(vec![self.bureau.pinned(), self.other_bureau.pinned()]).unwrap()
    }

    /// The bureau's order for these fields of a person, before it is signed.
    pub fn order(&self, person: &Person, fields: &[Field]) -> Order {
        let now = self.clock.now();
        Order {
            aud: super::ISSUER.into(),
            authority: self.bureau.client_id.clone(),
            network_number: Some(person.network_number.clone()),
            client_id: None,
            sub: None,
            fields: fields.into(),
            case_reference: "2026-117".into(),
            legal_basis: "Criminal Procedure Law, article 54".into(),
            iat: now,
            exp: now.plus(3600),
            notice_after: None,
            enc_jkt: self.bureau.key.public_key().thumbprint(),
            jti: Nonce::random(&SystemRng),
        }
    }

    /// A second officer's signature for a signed order, before it is signed.
    pub fn countersignature(&self, order: &str) -> Countersignature {
        let now = self.clock.now();
        Countersignature {
            aud: super::ISSUER.into(),
            authority: self.bureau.client_id.clone(),
            order_sha256: words_sha256(order),
            iat: now,
            exp: now.plus(3600),
            jti: Nonce::random(&SystemRng),
        }
    }

    /// The `official.intended` leaf of a signed order, and the salt of its commitment.
    pub fn official_intent(&self, order: &Order, signed: &str) -> (Leaf, [u8; 32]) {
        let salt = random(&SystemRng);
        let commitment = order.subject().map(|subject| subject_commitment(&salt, &subject));
        let requested = Leaf {
            official: Some(OfficialAccessId::random(&SystemRng)),
            authority: Some(order.authority.clone()),
            order_sha256: Some(words_sha256(signed)),
            subject_commitment: commitment.ok(),
            fields: Some(order.fields.clone()),
            enc_jkt: Some(order.enc_jkt.clone()),
            ..Leaf::new(LeafKind::OfficialRequested, self.clock.now())
        };
        let intended = requested.followed_by(LeafKind::OfficialIntended, self.clock.now());
        (intended.unwrap(), salt)
    }

    /// Puts the leaf into the ledger, where the witness sees it, and makes the warrant for the record of `person`.
    pub fn official_warrant(
        &mut self,
        (order, countersignature): (&str, &str),
        leaf: &Leaf,
        salt: &[u8; 32],
        person: &Person,
    ) -> OfficialWarrant {
        let leaf = leaf.to_text().unwrap();
        let index = self.ledger.append(&leaf);
        OfficialWarrant {
            order: order.into(),
            countersignature: countersignature.into(),
            salt: base64url::encode(salt),
            device_jkt: person.device.public_key().thumbprint(),
            number_salt: Some(base64url::encode(&person.number_salt)),
            proof: self.ledger.proof(index, Cosigned::ByWitness),
            leaf,
            vault_consistency: self.ledger.consistency(self.vault_remembers),
            custodian_consistency: self.ledger.consistency(self.custodian_remembers),
        }
    }

    /// The warrant of an order as both officers sign it.
    pub fn official_by(&mut self, order: &Order, person: &Person) -> OfficialWarrant {
        let [first, second] = &self.bureau.officers;
        let signed = order.sign(first).unwrap();
        let countersigned = self.countersignature(&signed).sign(second).unwrap();
        let (leaf, salt) = self.official_intent(order, &signed);
        self.official_warrant((&signed, &countersigned), &leaf, &salt, person)
    }

    /// The honest warrant by which the bureau opens these fields of a person.
    pub fn official(&mut self, person: &Person, fields: &[Field]) -> OfficialWarrant {
        self.official_by(&self.order(person, fields), person)
    }
}

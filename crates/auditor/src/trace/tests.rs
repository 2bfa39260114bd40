use cyberid_crypto::{Sign as _, SigningKey, digest};
use cyberid_domain::check::Factor;
use cyberid_domain::field::Field;
use cyberid_protocol::message::Message as _;
use cyberid_protocol::request::RequestingParty;
use cyberid_protocol::statement::{Locale, Statement, render};
use cyberid_tlog::checkpoint::Checkpoint;
use cyberid_tlog::cosignature::cosign;
use cyberid_tlog::hash::{Hash, leaf_hash};
use cyberid_tlog::note::SignedNote;
use cyberid_tlog::proof::InclusionPlan;

use super::*;
use crate::ledger::{ORIGIN, anchors, log_signer, witness_signer};

const ISSUER: &str = "https://id.example";
const NOW: UnixTime = UnixTime(1_784_131_200);
const SALT: [u8; 32] = [5; 32];

/// What a platform shows of a release, before anybody altered it.
#[derive(Clone)]
struct Story {
    request: ReleaseRequest,
    consent: Consent,
    /// Kinds and times of its leaves.
    life: Vec<(LeafKind, UnixTime)>,
    salt: [u8; 32],
    signer: u8,
    shown_key: u8,
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_scalar(&[seed; 32]).unwrap()
}

fn request() -> ReleaseRequest {
    let request = ReleaseRequest {
        iss: ISSUER.into(),
        id: "rel_AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
        rp: RequestingParty {
            client_id: "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
            name: "Bank".into(),
            domain: "bank.example".into(),
        },
        purpose: "open-account".into(),
        fields: vec![Field::Name, Field::DocumentNumber],
        factors: vec![Factor::Device],
        nonce: "BBBBBBBBBBBBBBBBBBBBBA".parse().unwrap(),
        registration_certificate: "certificate".into(),
        legal_basis: "contract".into(),
        retention_days: 30,
        notice_uri: "https://bank.example/notice".into(),
        notice_sha256: "notice".into(),
        enc_jkt: "enc".into(),
        statement: Statement {
            locale: Locale::English,
            text: String::new(),
        },
        iat: NOW,
        exp: NOW.plus(300),
    };
    let statement = render(Locale::English, &Terms::from(&request));
    ReleaseRequest { statement, ..request }
}

fn story() -> Story {
    let request = request();
    let consent = Consent {
        aud: ISSUER.into(),
        rp: request.rp.client_id.clone(),
        request: request.id.clone(),
        purpose: request.purpose.clone(),
        fields: vec![Field::Name],
        legal_basis: request.legal_basis.clone(),
        retention_days: 30,
        enc_jkt: request.enc_jkt.clone(),
        notice_sha256: request.notice_sha256.clone(),
        request_sha256: String::new(),
        statement_sha256: digest::sha256_base64url(request.statement.text.as_bytes()),
        locale: Locale::English,
        iat: NOW,
        exp: NOW.plus(3600),
        jti: "CCCCCCCCCCCCCCCCCCCCCA".parse().unwrap(),
    };
    Story {
        request,
        consent,
        life: vec![
            (LeafKind::ConsentGranted, NOW.plus(1)),
            (LeafKind::ReleaseIntended, NOW.plus(2)),
            (LeafKind::ReleaseDelivered, NOW.plus(3)),
        ],
        salt: SALT,
        signer: 7,
        shown_key: 7,
    }
}

impl Story {
    /// What the log has, and what the platform shows. The consent answers the request object as it is signed here.
    fn told(mut self) -> (SampledRelease, TracedRelease) {
        let request = self.request.clone();
        let request = cyberid_protocol::request::RequestObject::Release(request)
            .sign(&key(9))
            .unwrap();
        if self.consent.request_sha256.is_empty() {
            self.consent.request_sha256 = digest::sha256_base64url(request.as_bytes());
        }
        let consent = self.consent.sign(&key(self.signer)).unwrap();
        let commitment = subject_commitment(&SALT, &key(7).public_key().thumbprint());
        let mut leaf = self.consent.leaf(&consent, commitment, self.life[0].1);
        let mut texts = vec![leaf.to_text().unwrap()];
        for (kind, time) in &self.life[1..] {
            leaf = leaf.followed_by(*kind, *time).unwrap();
            texts.push(leaf.to_text().unwrap());
        }
        let release_id = self.consent.request.clone();
        let shown = TracedRelease {
            release_id: release_id.clone(),
            leaves: proved(&texts),
            consent: Some(consent),
            request_object: Some(request),
            salt: Some(base64url::encode(&self.salt)),
            device_jwk: Some(key(self.shown_key).public_key().to_jwk()),
        };
        let leaves = (0..).zip(texts).collect();
        (SampledRelease { release_id, leaves }, shown)
    }

    fn traced(self) -> Result<Trace, TraceBreak> {
        let (picked, shown) = self.told();
        check(&picked, &shown)
    }
}

/// Each leaf with its proof, in a log that has nothing else.
fn proved(texts: &[String]) -> Vec<AuditEntry> {
    let hashes: Vec<Hash> = texts.iter().map(|text| leaf_hash(text.as_bytes())).collect();
    let size = hashes.len() as u64;
    let root = cyberid_tlog::tree::root_from_leaves(hashes.iter().copied()).unwrap();
    let mut checkpoint = Checkpoint::new(ORIGIN, size, root)
        .unwrap()
        .sign(&log_signer())
        .unwrap();
    checkpoint
        .add_cosignature(cosign(&checkpoint, 9, &witness_signer()).unwrap())
        .unwrap();
    let prove = |(index, text): (u64, &String)| {
        let lookup = |node: cyberid_tlog::node::Node| {
            let range = usize::try_from(node.first_leaf()).unwrap()..usize::try_from(node.end()).unwrap();
            cyberid_tlog::tree::root_from_leaves(hashes.get(range)?.iter().copied()).ok()
        };
        let proof = InclusionPlan::new(index, size).unwrap().prove(lookup).unwrap();
        let note: SignedNote = checkpoint.note().clone();
        let proof = TlogProof {
            extra: None,
            index,
            proof,
            checkpoint: note,
        };
        AuditEntry {
            index,
            leaf: text.clone(),
            proof: proof.to_string(),
        }
    };
    (0..).zip(texts).map(prove).collect()
}

fn check(picked: &SampledRelease, shown: &TracedRelease) -> Result<Trace, TraceBreak> {
    let (log, policy) = anchors();
    trace(picked, shown, ISSUER, &log, &policy)
}

#[test]
fn a_release_is_traced_from_the_signature_to_the_last_leaf() {
    let trace = story().traced().unwrap();
    assert_eq!((trace.leaves, trace.consent), (vec![0, 1, 2], true));
    assert_eq!(trace.last, LeafKind::ReleaseDelivered);
}

#[test]
fn of_an_erased_person_the_leaves_are_left() {
    let (picked, mut shown) = story().told();
    shown.salt = None;
    assert_eq!(check(&picked, &shown), Err(TraceBreak::Partly));
    (shown.consent, shown.request_object, shown.device_jwk) = (None, None, None);
    assert!(!check(&picked, &shown).unwrap().consent);
}

#[test]
fn what_the_log_has_is_what_is_shown() {
    let (picked, shown) = story().told();
    let mut fewer = shown.clone();
    fewer.leaves.pop();
    assert_eq!(check(&picked, &fewer), Err(TraceBreak::Leaves));
    // A leaf that came after the sample was drawn.
    let mut earlier = picked.clone();
    earlier.leaves.pop();
    assert!(check(&earlier, &shown).is_ok());
    let mut elsewhere = picked.clone();
    elsewhere.leaves[1].0 += 1;
    assert_eq!(check(&elsewhere, &shown), Err(TraceBreak::Leaves));
    let mut other = picked.clone();
    other.release_id = "rel_BBBBBBBBBBBBBBBBBBBBBA".parse().unwrap();
    assert_eq!(check(&other, &shown), Err(TraceBreak::Leaves));
    let mut unproved = shown.clone();
    unproved.leaves[1].proof = shown.leaves[0].proof.clone();
    assert_eq!(check(&picked, &unproved), Err(TraceBreak::Proof { index: 1 }));
}

#[test]
fn every_flipped_byte_of_a_proof_is_noticed() {
    let (picked, shown) = story().told();
    for at in 0..shown.leaves[1].proof.len() {
        let mut bytes = shown.leaves[1].proof.clone().into_bytes();
        bytes[at] ^= 1;
        let Ok(proof) = String::from_utf8(bytes) else {
            continue;
        };
        let mut altered = shown.clone();
        altered.leaves[1].proof = proof;
        assert_eq!(
            check(&picked, &altered),
            Err(TraceBreak::Proof { index: 1 }),
            "{at}"
        );
    }
}

#[test]
fn a_consent_is_signed_by_the_key_that_the_leaf_commits_to() {
    let other_signer = Story { signer: 8, ..story() };
    assert_eq!(other_signer.traced(), Err(TraceBreak::Consent));
    // Signed by another device, whose key is shown: the leaf commits to somebody else.
    let somebody_else = Story {
        signer: 8,
        shown_key: 8,
        ..story()
    };
    assert_eq!(somebody_else.traced(), Err(TraceBreak::Leaf));
    let other_salt = Story {
        salt: [6; 32],
        ..story()
    };
    assert_eq!(other_salt.traced(), Err(TraceBreak::Leaf));
    let mut elsewhere = story();
    elsewhere.consent.aud = "https://other.example".into();
    elsewhere.request.iss = "https://other.example".into();
    assert_eq!(elsewhere.traced(), Err(TraceBreak::Audience));
}

#[test]
fn every_flipped_byte_of_consent_and_request_is_noticed() {
    let (picked, shown) = story().told();
    let flips = |text: &str| -> Vec<String> {
        let flipped = (0..text.len()).map(|at| {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] ^= 1;
            String::from_utf8(bytes).unwrap()
        });
        flipped.collect()
    };
    for consent in flips(shown.consent.as_deref().unwrap()).into_iter().step_by(7) {
        let altered = TracedRelease {
            consent: Some(consent),
            ..shown.clone()
        };
        assert_eq!(check(&picked, &altered), Err(TraceBreak::Consent));
    }
    for request in flips(shown.request_object.as_deref().unwrap())
        .into_iter()
        .step_by(7)
    {
        let altered = TracedRelease {
            request_object: Some(request),
            ..shown.clone()
        };
        assert!(check(&picked, &altered).is_err());
    }
}

#[test]
fn the_consent_says_what_was_asked_and_what_was_shown() {
    let mut more = story();
    more.consent.fields = vec![Field::Name, Field::BirthDate];
    assert_eq!(more.traced(), Err(TraceBreak::Differs { member: "fields" }));
    let mut other_key = story();
    other_key.consent.enc_jkt = "other".into();
    assert_eq!(other_key.traced(), Err(TraceBreak::Differs { member: "enc_jkt" }));
    let mut unseen = story();
    unseen.consent.statement_sha256 = digest::sha256_base64url(b"other");
    let member = "statement_sha256";
    assert_eq!(unseen.traced(), Err(TraceBreak::Differs { member }));
    // A statement of the platform's own invention, signed by a device that shows whatever it is told.
    let mut invented = story();
    invented.request.statement.text = "Agree and win a prize.".into();
    invented.consent.statement_sha256 = digest::sha256_base64url(b"Agree and win a prize.");
    assert_eq!(invented.traced(), Err(TraceBreak::Statement));
}

#[test]
fn nothing_is_granted_or_announced_when_the_consent_is_not_in_force() {
    let at = |place: usize, time| {
        let mut story = story();
        for (_, moment) in &mut story.life[place..] {
            *moment = time;
        }
        story.traced().map(|_| ())
    };
    assert_eq!(at(1, NOW.plus(3660)), Ok(()));
    assert_eq!(at(1, NOW.plus(3661)), Err(TraceBreak::Moment { index: 1 }));
    assert_eq!(at(0, NOW.minus(61)), Err(TraceBreak::Moment { index: 0 }));
    let mut long = story();
    long.consent.exp = NOW.plus(MAX_LIFE + 1);
    assert_eq!(long.traced(), Err(TraceBreak::Moment { index: 0 }));
}

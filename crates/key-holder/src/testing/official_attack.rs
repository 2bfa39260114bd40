//! Warrants of official accesses that are honest but for one thing, each with the reason for which a key holder has to
//! refuse it.

use cyberid_crypto::{Sign, SigningKey, base64url, digest, jws};
use cyberid_domain::clock::SKEW;
use cyberid_domain::field::Field;
use cyberid_domain::id::ClientId;
use cyberid_domain::rng::SystemRng;
use cyberid_domain::{Clock as _, UnixTime};
use cyberid_protocol::leaf::{Leaf, LeafKind};
use cyberid_protocol::message::Message as _;
use cyberid_protocol::official::{Countersignature, MAX_LIFE, MAX_NOTICE_DELAY, OfficialWarrant, Order};
use cyberid_protocol::warrant::{MAX_AGE, WarrantRefused};
use serde_json::{Value, json};

use super::attack::{Impostor, with_claims_of};
use super::{Cosigned, Person, World};

/// What every order here asks.
const FIELDS: [Field; 2] = [Field::Name, Field::BirthDate];

/// A warrant that is honest but for one thing.
#[derive(Debug, Clone)]
pub struct OfficialAttack {
    /// The one thing.
    pub name: &'static str,
    /// The warrant.
    pub warrant: OfficialWarrant,
    /// Why it has to be refused.
    pub refusal: WarrantRefused,
}

/// Every attack on the record of `victim`; `accomplice` is enrolled and helps.
///
/// The platform's own operator takes part: leaves are recorded, proved and witnessed as they are, unless the attack is
/// about just that.
pub fn official_attacks(world: &mut World, victim: &Person, accomplice: &Person) -> Vec<OfficialAttack> {
    let mut all = on_the_first_officer(world, victim);
    all.extend(on_the_second_officer(world, victim));
    all.extend(on_the_order(world, victim));
    all.extend(on_the_width(world, victim));
    all.extend(on_the_subject(world, victim, accomplice));
    all.extend(on_the_leaf(world, victim));
    all.extend(on_the_time(world, victim));
    all.extend(on_the_ledger(world, victim));
    all.extend(on_the_form(world, victim));
    all
}

fn on_the_first_officer(world: &mut World, victim: &Person) -> Vec<OfficialAttack> {
    let invalid = WarrantRefused::OrderInvalid;
    let stranger = SigningKey::from_scalar(&[77; 32]).unwrap();
    let order = world.order(victim, &FIELDS);
    let impostor = Impostor {
        key: &stranger,
        kid: world.bureau.officers[0].kid().into(),
    };
    let narrow = world.order(victim, &[Field::Name]);
    let wide = Order {
        fields: Field::ALL.into(),
        ..narrow.clone()
    };
    let first = &world.bureau.officers[0];
    let widened = with_claims_of(&narrow.sign(first).unwrap(), &wide.sign(first).unwrap());
    let signed = [
        (
            "an order that the operator invents",
            order.sign(&stranger).unwrap(),
            &order,
        ),
        (
            "an order under an officer's name",
            order.sign(&impostor).unwrap(),
            &order,
        ),
        (
            "an order by another authority's officer",
            order.sign(&world.other_bureau.officers[0]).unwrap(),
            &order,
        ),
        ("an order widened after it was signed", widened, &wide),
    ];
    let mut all = Vec::new();
    for (name, signed, order) in signed {
        all.push(attack(
            name,
            countersigned(world, order, &signed, victim),
            invalid,
        ));
    }
    all
}

/// The warrant of an order that somebody signed, honestly countersigned.
fn countersigned(world: &mut World, order: &Order, signed: &str, victim: &Person) -> OfficialWarrant {
    let second = world.countersignature(signed);
    let second = second.sign(&world.bureau.officers[1]).unwrap();
    let (leaf, salt) = world.official_intent(order, signed);
    world.official_warrant((signed, &second), &leaf, &salt, victim)
}

fn on_the_second_officer(world: &mut World, victim: &Person) -> Vec<OfficialAttack> {
    let invalid = WarrantRefused::CountersignatureInvalid;
    let order = world.order(victim, &FIELDS);
    let signed = order.sign(&world.bureau.officers[0]).unwrap();
    let good = world.countersignature(&signed);
    let by = |key: &dyn Sign| good.sign(key).unwrap();
    let now = world.clock.now();
    let changed = |change: fn(&mut Countersignature)| {
        let mut changed = good.clone();
        change(&mut changed);
        changed.sign(&world.bureau.officers[1]).unwrap()
    };
    let expired = Countersignature {
        iat: now.minus(7200),
        exp: now.minus(SKEW),
        ..good.clone()
    };
    let stranger = SigningKey::from_scalar(&[77; 32]).unwrap();
    let impostor = Impostor {
        key: &stranger,
        kid: world.bureau.officers[1].kid().into(),
    };
    let [first, second] = &world.bureau.officers;
    let seconds = [
        ("the same officer twice", by(first), WarrantRefused::SameOfficer),
        (
            "a second officer of another authority",
            by(&world.other_bureau.officers[1]),
            invalid,
        ),
        ("a second officer whom nobody pins", by(&stranger), invalid),
        (
            "a second signature under an officer's name",
            by(&impostor),
            invalid,
        ),
        (
            "a second signature for another order",
            changed(|it| it.order_sha256 = digest::sha256_base64url(b"another")),
            invalid,
        ),
        (
            "a second signature for another platform",
            changed(|it| it.aud = "https://other.example".into()),
            invalid,
        ),
        (
            "a second signature for another authority",
            changed(|it| it.authority = ClientId::random(&SystemRng)),
            invalid,
        ),
        (
            "a second signature that lives too long",
            changed(|it| it.exp = it.iat.plus(MAX_LIFE + 1)),
            WarrantRefused::NotNow,
        ),
        (
            "a second signature that is over",
            expired.sign(second).unwrap(),
            WarrantRefused::NotNow,
        ),
        (
            "an order for a second signature",
            order.sign(second).unwrap(),
            invalid,
        ),
        ("no second signature", String::new(), invalid),
    ];
    let mut all = Vec::new();
    for (name, second, refusal) in seconds {
        let (leaf, salt) = world.official_intent(&order, &signed);
        let warrant = world.official_warrant((&signed, &second), &leaf, &salt, victim);
        all.push(attack(name, warrant, refusal));
    }
    all
}

fn on_the_order(world: &mut World, victim: &Person) -> Vec<OfficialAttack> {
    type Change = fn(&mut Order);
    let invalid = WarrantRefused::OrderInvalid;
    let changes: [(&'static str, Change, WarrantRefused); 8] = [
        (
            "an order to another platform",
            |order| order.aud = "https://other.example".into(),
            invalid,
        ),
        (
            "an order in another authority's name",
            |order| order.authority = ClientId::random(&SystemRng),
            invalid,
        ),
        ("an order of nothing", |order| order.fields.clear(), invalid),
        (
            "an order to another key",
            |order| order.enc_jkt = digest::sha256_base64url(b"another key"),
            invalid,
        ),
        (
            "an order without a case",
            |order| order.case_reference = " ".into(),
            invalid,
        ),
        (
            "an order without a law",
            |order| order.legal_basis = String::new(),
            invalid,
        ),
        (
            "an order that keeps the person from knowing for too long",
            |order| order.notice_after = Some(order.iat.plus(MAX_NOTICE_DELAY + 1)),
            invalid,
        ),
        (
            "an order that lives too long",
            |order| order.exp = order.iat.plus(MAX_LIFE + 1),
            WarrantRefused::NotNow,
        ),
    ];
    let mut all = Vec::new();
    for (name, change, refusal) in changes {
        let mut order = world.order(victim, &FIELDS);
        change(&mut order);
        all.push(attack(name, world.official_by(&order, victim), refusal));
    }
    all
}

fn on_the_width(world: &mut World, victim: &Person) -> Vec<OfficialAttack> {
    let number = victim.network_number.to_string();
    let sub = base64url::encode(&[7; 32]);
    let client = ClientId::random(&SystemRng);
    let widths: [(&'static str, Value); 5] = [
        (
            "an order for a list of people",
            json!({"network_number": [number]}),
        ),
        ("an order for everybody", json!({"network_number": "*"})),
        (
            "an order for a pattern",
            json!({"network_number": format!("{}?", &number[..10])}),
        ),
        (
            "an order for two subjects",
            json!({"network_number": number, "client_id": client, "sub": sub}),
        ),
        (
            "an order with a criterion",
            json!({"network_number": number, "born_before": "1980-01-01"}),
        ),
    ];
    let mut all = Vec::new();
    for (name, subject) in widths {
        let order = world.order(victim, &FIELDS);
        let mut claims = serde_json::to_value(&order).unwrap();
        let members = claims.as_object_mut().unwrap();
        members.extend(subject.as_object().unwrap().clone());
        let signed = jws::sign(&world.bureau.officers[0], Order::TYP, &claims).unwrap();
        let warrant = countersigned(world, &order, &signed, victim);
        all.push(attack(name, warrant, WarrantRefused::OrderTooWide));
    }
    all
}

fn on_the_subject(world: &mut World, victim: &Person, accomplice: &Person) -> Vec<OfficialAttack> {
    let order = world.order(accomplice, &FIELDS);
    let misdirected = world.official_by(&order, victim);
    let with_their_salt = OfficialWarrant {
        number_salt: Some(base64url::encode(&accomplice.number_salt)),
        ..misdirected.clone()
    };
    let honest = world.official(victim, &FIELDS);
    let silent = OfficialWarrant {
        number_salt: None,
        ..honest.clone()
    };
    let unbound = OfficialWarrant {
        device_jkt: digest::sha256_base64url(b"no device"),
        ..honest
    };
    vec![
        attack(
            "an order led to another person's record",
            misdirected,
            WarrantRefused::SubjectDiffers,
        ),
        attack(
            "the same with the salt of whom it names",
            with_their_salt,
            WarrantRefused::SubjectDiffers,
        ),
        attack(
            "an order that shows no salt",
            silent,
            WarrantRefused::SubjectDiffers,
        ),
        attack(
            "a device bound to no record",
            unbound,
            WarrantRefused::UnknownDevice,
        ),
    ]
}

fn on_the_leaf(world: &mut World, victim: &Person) -> Vec<OfficialAttack> {
    type Change = fn(&mut Leaf);
    let changes: [(&'static str, Change); 12] = [
        ("a leaf of more fields", |leaf| {
            leaf.fields = Some(Field::ALL.into());
        }),
        ("a leaf of fewer fields", |leaf| {
            leaf.fields = Some(vec![Field::Name]);
        }),
        ("a leaf of no fields", |leaf| leaf.fields = None),
        ("a leaf of another authority", |leaf| {
            leaf.authority = Some(ClientId::random(&SystemRng));
        }),
        ("a leaf of another order", |leaf| {
            leaf.order_sha256 = Some(digest::sha256_base64url(b"x"));
        }),
        ("a leaf of another key", |leaf| {
            leaf.enc_jkt = Some(digest::sha256_base64url(b"key"));
        }),
        ("a leaf of another person", |leaf| {
            leaf.subject_commitment = Some(digest::sha256_base64url(b"somebody"));
        }),
        ("a leaf of no official access", |leaf| leaf.official = None),
        ("a leaf that says no more than ordered", |leaf| {
            leaf.kind = LeafKind::OfficialRequested;
        }),
        ("a leaf that looks like a release", |leaf| {
            leaf.kind = LeafKind::ReleaseIntended;
        }),
        ("a leaf that names a relying party", |leaf| {
            leaf.rp = Some(ClientId::random(&SystemRng));
        }),
        ("a leaf that follows nothing", |leaf| leaf.previous = None),
    ];
    let mut all = Vec::new();
    for (name, change) in changes {
        let warrant = with_leaf(world, victim, change);
        all.push(attack(name, warrant, WarrantRefused::LeafDiffers));
    }
    all
}

fn with_leaf(world: &mut World, victim: &Person, change: impl FnOnce(&mut Leaf)) -> OfficialWarrant {
    let order = world.order(victim, &FIELDS);
    let [first, second] = &world.bureau.officers;
    let signed = order.sign(first).unwrap();
    let countersigned = world.countersignature(&signed).sign(second).unwrap();
    let (mut leaf, salt) = world.official_intent(&order, &signed);
    change(&mut leaf);
    world.official_warrant((&signed, &countersigned), &leaf, &salt, victim)
}

fn on_the_time(world: &mut World, victim: &Person) -> Vec<OfficialAttack> {
    let now = world.clock.now();
    let orders = [
        ("an order that is over", now.minus(7200), now.minus(SKEW)),
        ("an order from the future", now.plus(SKEW + 1), now.plus(3600)),
    ];
    let mut all = Vec::new();
    for (name, iat, exp) in orders {
        let order = Order {
            iat,
            exp,
            ..world.order(victim, &FIELDS)
        };
        let warrant = world.official_by(&order, victim);
        all.push(attack(name, warrant, WarrantRefused::NotNow));
    }
    let leaves: [(&'static str, UnixTime); 2] = [
        ("an old leaf", now.minus(MAX_AGE + 1)),
        ("a leaf from the future", now.plus(SKEW + 1)),
    ];
    for (name, time) in leaves {
        let warrant = with_leaf(world, victim, |leaf| leaf.time = time);
        all.push(attack(name, warrant, WarrantRefused::NotNow));
    }
    all
}

fn on_the_ledger(world: &mut World, victim: &Person) -> Vec<OfficialAttack> {
    let honest = world.official(victim, &FIELDS);
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
        let warrant = OfficialWarrant {
            proof,
            ..honest.clone()
        };
        attack(name, warrant, WarrantRefused::NotInWitnessedLedger)
    };
    proofs.into_iter().map(with_proof).collect()
}

fn on_the_form(world: &mut World, victim: &Person) -> Vec<OfficialAttack> {
    type Change = fn(&mut OfficialWarrant);
    let honest = world.official(victim, &FIELDS);
    let altered: [(&'static str, Change); 4] = [
        ("a leaf that is not canonical", |warrant| {
            warrant.leaf.insert(1, ' ');
        }),
        ("a salt that is none", |warrant| warrant.salt = "AA".into()),
        ("a proof that is none", |warrant| warrant.proof = "proof".into()),
        ("an order that is none", |warrant| {
            warrant.order = "a.b.c".into();
        }),
    ];
    let with = |(name, alter): (_, Change)| {
        let mut warrant = honest.clone();
        alter(&mut warrant);
        attack(name, warrant, WarrantRefused::Malformed)
    };
    altered.into_iter().map(with).collect()
}

fn attack(name: &'static str, warrant: OfficialWarrant, refusal: WarrantRefused) -> OfficialAttack {
    OfficialAttack {
        name,
        warrant,
        refusal,
    }
}

//! Two authorities, a person whose number the key holders are bound to, and the calls between them.

use std::sync::LazyLock;

use cyberid_crypto::{PublicKey, Sign as _, SigningKey, jws};
use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_domain::id::{ClientId, Nonce, OfficialAccessId};
use cyberid_domain::number::NetworkNumber;
use cyberid_domain::rng::SystemRng;
use cyberid_protocol::deposit::KeyHolder;
use cyberid_protocol::enrolment::number_commitment;
use cyberid_protocol::leaf::{Leaf, LeafKind};
use cyberid_protocol::message::{self, Message as _};
use cyberid_protocol::official::{
    Authorities, Authority, BoundRecord, CheckedOfficial, Countersignature, Officer, OfficialWarrant, Order,
    words_sha256,
};
use cyberid_protocol::warrant::{Anchors, Remembered, WarrantRefused};
use cyberid_storage::official::{NumberSalts as _, OfficialAccess, OfficialAccesses as _};
use http::header::AUTHORIZATION;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::tests::people::Person;
use crate::tests::platform::{Answer, ISSUER, Platform, START};

/// An authority with two officers.
pub(super) struct Bureau {
    pub(super) client_id: ClientId,
    pub(super) officers: [SigningKey; 2],
    encryption: PublicKey,
}

pub(super) static BUREAU: LazyLock<Bureau> = LazyLock::new(|| Bureau::new(60));
pub(super) static OTHER: LazyLock<Bureau> = LazyLock::new(|| Bureau::new(70));

/// Somebody whose record was deposited for her number.
pub(super) struct Carol {
    pub(super) person: Person,
    pub(super) number: NetworkNumber,
    salt: [u8; 32],
}

pub(super) fn carol() -> &'static Carol {
    static CAROL: LazyLock<Carol> = LazyLock::new(|| Carol {
        person: Person::new(13),
        number: NetworkNumber::random(&SystemRng),
        salt: [5; 32],
    });
    &CAROL
}

impl Bureau {
    fn new(seed: u8) -> Self {
        let key = |seed| SigningKey::from_scalar(&[seed; 32]).unwrap();
        Self {
            client_id: cyberid_crypto::base64url::encode(&[seed; 16]).parse().unwrap(),
            officers: [key(seed), key(seed + 1)],
            encryption: key(seed + 2).public_key(),
        }
    }

    pub(super) fn key(&self, officer: usize) -> PublicKey {
        self.officers[officer].public_key()
    }

    /// The caller's header.
    pub(super) fn caller(&self) -> String {
        format!("authority {}", self.client_id)
    }

    fn pinned(&self) -> Authority {
        let officer = |nth: usize| Officer {
            id: format!("officer {nth}"),
            key: self.key(nth),
        };
        Authority {
            client_id: self.client_id.clone(),
            name: "Example Bureau".into(),
            encryption_key: self.encryption,
            officers: vec![officer(0), officer(1)],
        }
    }
}

/// What everybody pins.
pub(in crate::tests) fn authorities() -> Authorities {
    Authorities::new(vec![BUREAU.pinned(), OTHER.pinned()]).unwrap()
}

/// A key holder's own check, with Carol's record as it was deposited.
pub(in crate::tests) fn check(
    warrant: &OfficialWarrant,
    holder: KeyHolder,
    anchors: &Anchors,
    remembered: Remembered,
    now: UnixTime,
) -> Result<CheckedOfficial, WarrantRefused> {
    if warrant.device_jkt != carol().person.jkt() {
        return Err(WarrantRefused::UnknownDevice);
    }
    let order = message::unverified::<Order>(&warrant.order).unwrap();
    let order: Order = order.unchecked_claims().unwrap();
    let by_number = order.network_number.is_some();
    assert_eq!(
        warrant.number_salt.is_some(),
        by_number,
        "what opens a number goes where the order names one"
    );
    let commitment = number_commitment(&carol().salt, &carol().number);
    let record = BoundRecord {
        number_commitment: Some(&commitment),
    };
    warrant.check(holder, anchors, &authorities(), record, remembered, now)
}

/// An order for Carol's name, for an hour.
pub(super) fn order() -> Order {
    Order {
        aud: ISSUER.into(),
        authority: BUREAU.client_id.clone(),
        network_number: Some(carol().number.clone()),
        client_id: None,
        sub: None,
        fields: vec![Field::Name],
        case_reference: "2026-117".into(),
        legal_basis: "Criminal Procedure Law, article 54".into(),
        iat: START,
        exp: START.plus(3600),
        notice_after: None,
        enc_jkt: BUREAU.encryption.thumbprint(),
        jti: Nonce::random(&SystemRng),
    }
}

/// Claims of any shape under the first officer's signature.
pub(super) fn sign_claims(claims: &Value) -> String {
    jws::sign(&BUREAU.officers[0], Order::TYP, claims).unwrap()
}

impl Answer {
    pub(super) fn json_problem(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }
}

impl Platform {
    /// A platform on which Carol has enrolled.
    pub(super) async fn with_carol() -> Self {
        let platform = Self::start().await;
        let Carol { person, number, salt } = carol();
        let kept = platform
            .registry
            .keep_number_salt(&person.subject, number, salt)
            .await;
        assert!(kept.unwrap());
        person.enrol_as(number, &platform.registry, START).await;
        platform
    }

    pub(super) async fn order_as(&self, bureau: &Bureau, compact: &str) -> Answer {
        let body = Some(json!({"order": compact}));
        self.call(Method::POST, "/v1/official-accesses", &bureau.caller(), body)
            .await
    }

    /// Orders as the first officer.
    pub(super) async fn ordered(&self, order: &Order) -> OfficialAccessId {
        let signed = order.sign(&BUREAU.officers[0]).unwrap();
        let answer = self.order_as(&BUREAU, &signed).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        let requested: Value = answer.json();
        assert_eq!(requested["status"], "requested");
        requested["id"].as_str().unwrap().parse().unwrap()
    }

    /// Signs for an order as this officer.
    pub(super) async fn countersign(&self, id: &OfficialAccessId, officer: &SigningKey) -> Answer {
        let order = self.view_official(id).await["order"].as_str().unwrap().to_owned();
        let body = Some(json!({"countersignature": self.second_by(&order, officer)}));
        let path = format!("/v1/official-accesses/{id}/countersign");
        self.call(Method::POST, &path, &BUREAU.caller(), body).await
    }

    /// What an officer signs for an order of another.
    pub(super) fn second_by(&self, order: &str, officer: &SigningKey) -> String {
        let now = cyberid_domain::Clock::now(&*self.clock);
        let second = Countersignature {
            aud: ISSUER.into(),
            authority: BUREAU.client_id.clone(),
            order_sha256: words_sha256(order),
            iat: now,
            exp: now.plus(600),
            jti: Nonce::random(&SystemRng),
        };
        second.sign(officer).unwrap()
    }

    pub(super) async fn countersigned(&self, id: &OfficialAccessId) {
        let answer = self.countersign(id, &BUREAU.officers[1]).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    }

    pub(super) async fn carry_out(&self, id: &OfficialAccessId, key: Option<&str>) -> Answer {
        let path = format!("/v1/official-accesses/{id}/redeem");
        let request = Request::post(path).header(AUTHORIZATION, BUREAU.caller());
        let request = key
            .into_iter()
            .fold(request, |request, key| request.header("idempotency-key", key));
        self.send(request.body(axum::body::Body::empty()).unwrap()).await
    }

    pub(super) async fn view_official(&self, id: &OfficialAccessId) -> Value {
        let path = format!("/v1/official-accesses/{id}");
        self.call(Method::GET, &path, &BUREAU.caller(), None).await.json()
    }

    pub(super) async fn official_row(&self, id: &OfficialAccessId) -> OfficialAccess {
        self.registry.official(id).await.unwrap().unwrap()
    }

    /// The kinds of the access's leaves in the log, in its order; each is linked to the one before.
    pub(super) async fn official_kinds(&self, id: &OfficialAccessId) -> Vec<LeafKind> {
        let (mut previous, mut kinds) = (None, Vec::new());
        for body in self.bodies().await {
            let leaf = Leaf::from_text(&body).unwrap();
            if leaf.official.as_ref() == Some(id) {
                assert_eq!(leaf.previous, previous, "the link of {:?}", leaf.kind);
                previous = Some(cyberid_crypto::digest::sha256_base64url(body.as_bytes()));
                kinds.push(leaf.kind);
            }
        }
        kinds
    }

    /// The kinds of the leaves from this place on.
    pub(super) async fn kinds_after(&self, place: usize) -> Vec<LeafKind> {
        let bodies = self.bodies().await;
        let kind = |body: &String| Leaf::from_text(body).unwrap().kind;
        bodies.iter().skip(place).map(kind).collect()
    }
}

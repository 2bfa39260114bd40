//! What issuance has the key holders do, and what a holder has them do. Acceptance: the call is answered well; of an erasure
//! only if the record is gone. Every command is for one record of nobody, and does the same the second time.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use cyberid_crypto::{PublicKey, Sign, base64url, hpke};
use cyberid_domain::field::Field;
use cyberid_domain::id::SubjectId;
use cyberid_domain::personal::Personal;
use cyberid_domain::rng::{Rng as _, SystemRng};
use cyberid_keystore::role;
use cyberid_protocol::deposit::RESERVATION_INFO;
use cyberid_protocol::replacement::REPLACEMENT_INFO;
use cyberid_record::{Place as Spot, seal_field};
use journeys::Part;
use journeys::attacks::Token;
use serde_json::{Value, json};

use crate::place::{Place, TWIN};
use crate::scene::{Scene, fresh};
use crate::wire::{Answer, Verdict, judged};

/// A word of a holder's that is for good: when it ends does not matter, and an old one counts as long as none is later.
const FOR_GOOD: &[&str] = &[
    "a message expired*",
    "a message of the year 1970",
    "a message with*",
    "exp is in milliseconds",
    "exp as great as fits",
    TWIN,
];

/// The last word of a holder's: not even when it begins matters.
const LAST: &[&str] = &[
    "a message expired*",
    "a message of*",
    "a message with*",
    "exp is in milliseconds",
    "exp as great as fits",
    "iat is in milliseconds",
    "iat as great as fits",
];

/// Issuance in front of both key holders.
pub(super) struct Issuance {
    scene: Arc<Scene>,
    key: Arc<dyn Sign>,
    vault: PublicKey,
    custodian: PublicKey,
}

/// A record of nobody.
struct Record {
    subject: SubjectId,
    device: Arc<dyn Sign>,
}

impl Issuance {
    pub(super) fn at(scene: &Arc<Scene>) -> Rc<Self> {
        let public = |part: Part, role: &str| -> PublicKey {
            let keys = scene.split.keys(part);
            let key = keys.into_iter().find(|key| key["role"] == role).unwrap();
            serde_json::from_value(key["public"].clone()).unwrap()
        };
        let key = scene.keystore("keys").signer::<role::Enrolment>();
        Rc::new(Self {
            key: key.unwrap().current(),
            vault: public(Part::Vault, "vault"),
            custodian: public(Part::Custodian, "custodian"),
            scene: scene.clone(),
        })
    }

    /// A command to a key holder.
    fn command(&self, part: Part, typ: &str, more: &Value) -> Token {
        let mut claims = self.scene.claims(60, more);
        claims["aud"] = audience(part).into();
        Token::of(typ, claims, self.key.clone())
    }

    /// What a key holder answers to a body.
    async fn sent(&self, part: Part, path: &str, body: &Value, effect: fn(&Answer) -> bool) -> Verdict {
        let call = self
            .scene
            .http()
            .post(format!("{}{path}", self.scene.split.url(part)));
        judged(call.json(body), effect).await
    }

    async fn told(&self, part: Part, path: &str, command: &Token) {
        let body = json!({ "message": command.compact });
        let verdict = self.sent(part, path, &body, |_| true).await;
        assert!(matches!(verdict, Verdict::Accepted), "{path}: {verdict:?}");
    }

    fn reservation(&self, subject: &SubjectId) -> Token {
        let sealed = self.person(subject, RESERVATION_INFO);
        let more = json!({"subject": subject, "person_sealed": sealed});
        self.command(Part::Vault, "cyberid-reservation+jwt", &more)
    }

    /// Somebody whose number nobody has.
    fn person(&self, subject: &SubjectId, info: &[u8]) -> String {
        let mut bytes = [0; 4];
        SystemRng.fill(&mut bytes);
        let number = u32::from_be_bytes(bytes) % 100_000_000;
        let person = format!("mainland_travel_permit_taiwan|{number:08}");
        let sealed = hpke::seal(&self.vault, info, subject.as_bytes(), person.as_bytes());
        base64url::encode(&sealed.unwrap())
    }

    /// The parts of vault and custodian of this subject's fields.
    fn fields(&self, subject: SubjectId, part: Part) -> Value {
        let sealed = |field: Field| {
            let (spot, value) = (Spot { subject, field }, Personal::new("Nobody".into()));
            let sealed = seal_field(&spot, &value, &self.vault, &self.custodian, &SystemRng).unwrap();
            match part {
                Part::Vault => json!({"field": field, "ciphertext": base64url::encode(&sealed.ciphertext),
                    "share": base64url::encode(&sealed.vault_share)}),
                _ => json!({"field": field, "share": base64url::encode(&sealed.custodian_share)}),
            }
        };
        Field::ALL.map(sealed).to_vec().into()
    }

    fn deposit(&self, part: Part, record: &Record) -> Token {
        let more = json!({"subject": record.subject, "device": record.device.public_key(),
            "number_commitment": base64url::encode(&[1; 32]), "fields": self.fields(record.subject, part)});
        self.command(part, "cyberid-deposit+jwt", &more)
    }

    fn settlement(&self, part: Part, record: &Record) -> Token {
        let more = json!({"subject": record.subject, "outcome": "confirmed"});
        self.command(part, "cyberid-settlement+jwt", &more)
    }

    fn staged(&self, part: Part, record: &Record, version: &Value) -> Token {
        let mut more = json!({"subject": record.subject, "version": version,
            "fields": self.fields(record.subject, part)});
        if part == Part::Vault {
            more["person_sealed"] = self.person(&record.subject, REPLACEMENT_INFO).into();
        }
        self.command(part, "cyberid-staged-version+jwt", &more)
    }

    /// A record that waits for its deposits.
    async fn reserved(&self) -> Record {
        let (subject, device) = (SubjectId::random(&SystemRng), self.scene.key());
        self.told(Part::Vault, "/v1/reservations", &self.reservation(&subject))
            .await;
        Record { subject, device }
    }

    /// A confirmed record at both key holders.
    async fn record(&self) -> Record {
        let record = self.reserved().await;
        for part in [Part::Custodian, Part::Vault] {
            self.told(part, "/v1/deposits", &self.deposit(part, &record))
                .await;
            self.told(part, "/v1/settlements", &self.settlement(part, &record))
                .await;
        }
        record
    }
}

fn audience(part: Part) -> &'static str {
    match part {
        Part::Vault => "vault",
        _ => "custodian",
    }
}

/// The name of a place at a key holder.
fn name(what: &str, part: Part) -> &'static str {
    format!("{what} at the {}", audience(part)).leak()
}

/// A place that takes a command.
fn commanded<G>(
    issuance: &Rc<Issuance>,
    (what, part, path): (&str, Part, &'static str),
    good: G,
) -> Place<Token>
where
    G: AsyncFn() -> Token + 'static,
{
    let taking = issuance.clone();
    let present = async move |_: &Token, message: &str| {
        let body = json!({ "message": message });
        taking
            .sent(part, path, &body, |answer| answer.body["reserved"] != false)
            .await
    };
    Place::new(name(what, part), good, present).taking(&[TWIN])
}

pub(super) fn reservation(issuance: &Rc<Issuance>) -> Place<Token> {
    let making = issuance.clone();
    let good = async move || making.reservation(&SubjectId::random(&SystemRng));
    commanded(issuance, ("reservation", Part::Vault, "/v1/reservations"), good)
}

pub(super) async fn deposit(issuance: &Rc<Issuance>, part: Part) -> Place<Token> {
    let (making, record) = (issuance.clone(), issuance.reserved().await);
    let good = async move || making.deposit(part, &record);
    commanded(issuance, ("deposit", part, "/v1/deposits"), good)
}

pub(super) async fn settlement(issuance: &Rc<Issuance>, part: Part) -> Place<Token> {
    let (making, record) = (issuance.clone(), issuance.record().await);
    let good = async move || making.settlement(part, &record);
    commanded(issuance, ("settlement", part, "/v1/settlements"), good)
}

pub(super) async fn binding(issuance: &Rc<Issuance>, part: Part) -> Place<Token> {
    let (making, record) = (issuance.clone(), issuance.record().await);
    let good = async move || {
        let more =
            json!({"subject": record.subject, "device": making.scene.key().public_key(), "release_from": 0});
        making.command(part, "cyberid-binding+jwt", &more)
    };
    commanded(issuance, ("binding", part, "/v1/bindings"), good)
}

pub(super) async fn unbinding(issuance: &Rc<Issuance>, part: Part) -> Place<Token> {
    let (making, record) = (issuance.clone(), issuance.record().await);
    let good = async move || {
        let more = json!({"subject": record.subject, "device": making.scene.key().public_key()});
        making.command(part, "cyberid-unbinding+jwt", &more)
    };
    commanded(issuance, ("unbinding", part, "/v1/unbindings"), good)
}

pub(super) async fn staging(issuance: &Rc<Issuance>, part: Part) -> Place<Token> {
    let (making, record) = (issuance.clone(), issuance.record().await);
    let good = async move || making.staged(part, &record, &fresh());
    commanded(issuance, ("staged version", part, "/v1/staged-versions"), good)
}

pub(super) async fn switch(issuance: &Rc<Issuance>, part: Part) -> Place<Token> {
    let (making, record, version) = (issuance.clone(), issuance.record().await, fresh());
    let staged = issuance.staged(part, &record, &version);
    issuance.told(part, "/v1/staged-versions", &staged).await;
    let good = async move || {
        let more = json!({"subject": record.subject, "version": version});
        making.command(part, "cyberid-version-switch+jwt", &more)
    };
    commanded(
        issuance,
        ("switch of versions", part, "/v1/version-switches"),
        good,
    )
}

/// A record that a word of its holder's changes for good: where one was taken, the next is another.
struct Changing {
    issuance: Rc<Issuance>,
    record: RefCell<Option<Rc<Record>>>,
}

impl Changing {
    fn at(issuance: &Rc<Issuance>) -> Rc<Self> {
        Rc::new(Self {
            issuance: issuance.clone(),
            record: RefCell::default(),
        })
    }

    async fn record(&self) -> Rc<Record> {
        if let Some(record) = self.record.borrow().clone() {
            return record;
        }
        let record = Rc::new(self.issuance.record().await);
        *self.record.borrow_mut() = Some(record.clone());
        record
    }

    async fn word(&self, typ: &str, more: &Value) -> Token {
        let claims = self.issuance.scene.claims(300, more);
        Token::of(typ, claims, self.record().await.device.clone())
    }

    fn changed(&self, verdict: Verdict) -> Verdict {
        if matches!(verdict, Verdict::Accepted) {
            *self.record.borrow_mut() = None;
        }
        verdict
    }
}

pub(super) fn renumbering(issuance: &Rc<Issuance>, part: Part) -> Place<Token> {
    let making = Changing::at(issuance);
    let taking = making.clone();
    let good = async move || {
        let more = json!({"number_commitment": base64url::encode(&[2; 32])});
        making.word("cyberid-renumbering+jwt", &more).await
    };
    let present = async move |_: &Token, message: &str| {
        let body = json!({ "renumbering": message });
        let issuance = &taking.issuance;
        let verdict = issuance.sent(part, "/v1/renumberings", &body, |_| true).await;
        taking.changed(verdict)
    };
    Place::new(name("renumbering", part), good, present).taking(FOR_GOOD)
}

pub(super) fn erasure(issuance: &Rc<Issuance>, part: Part) -> Place<Token> {
    let making = Changing::at(issuance);
    let taking = making.clone();
    let good = async move || making.word("cyberid-cancellation+jwt", &json!({})).await;
    let present = async move |_: &Token, message: &str| {
        let (issuance, record) = (&taking.issuance, taking.record().await);
        let body = json!({ "cancellation": message });
        match issuance.sent(part, "/v1/erasures", &body, |_| true).await {
            // Where nothing of this device's is left there is nothing to do.
            Verdict::Accepted => {
                let body = json!({ "message": issuance.settlement(part, &record).compact });
                match issuance.sent(part, "/v1/settlements", &body, |_| true).await {
                    Verdict::Accepted => Verdict::Refused("without effect".into()),
                    Verdict::Refused(_) => taking.changed(Verdict::Accepted),
                    broken @ Verdict::Broken(_) => broken,
                }
            }
            verdict => verdict,
        }
    };
    Place::new(name("erasure", part), good, present).taking(LAST)
}

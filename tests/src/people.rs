//! The people of a test.

use std::sync::Arc;

use cyberid_client::Client;
use cyberid_domain::check::Check;
use cyberid_domain::clock::{Clock as _, SystemClock};
use cyberid_domain::document::DocumentType;
use cyberid_domain::personal::Personal;
use cyberid_domain::pin::Pin;
use cyberid_domain::rng::SystemRng;
use cyberid_holder::{DeviceKey, Enrolment, Holder, Platform, ReviewedRequest, Tree};
use cyberid_protocol::enrolment::{self, Enrolled};
use cyberid_protocol::statement::Locale;
use cyberid_relying_party::{Ask, RelyingParty, VerifiedOutcome};
use serde::Deserialize;

use crate::platform::PIN;

#[derive(Deserialize)]
pub(crate) struct People {
    pub(crate) people: Vec<Person>,
}

/// A synthetic person, as `GET /sandbox/people` lists them.
#[derive(Debug, Clone, Deserialize)]
pub struct Person {
    /// Their document.
    pub document: Document,
    /// What stands for having shown document and face.
    pub evidence: Evidence,
    /// `YYYY-MM-DD`.
    pub birth_date: String,
}

/// A synthetic document.
#[derive(Debug, Clone, Deserialize)]
pub struct Document {
    /// Which kind.
    #[serde(rename = "type")]
    pub kind: DocumentType,
    /// The name.
    pub name: String,
    /// The number.
    pub number: String,
    /// The last valid day.
    pub valid_until: String,
}

/// Synthetic evidence.
#[derive(Debug, Clone, Deserialize)]
pub struct Evidence {
    /// Which adapter.
    pub kind: String,
    /// What it made.
    pub token: String,
}

impl Person {
    /// What the holder's library takes.
    pub fn enrolment(&self) -> Enrolment {
        Enrolment {
            document: enrolment::Document {
                kind: self.document.kind,
                name: Personal::new(self.document.name.clone()),
                number: Personal::new(self.document.number.clone()),
                valid_until: Personal::new(self.document.valid_until.clone()),
            },
            evidence: enrolment::Evidence {
                kind: self.evidence.kind.clone(),
                token: Personal::new(self.evidence.token.clone()),
                chip: None,
            },
            pin: Pin::chosen(PIN.into()).unwrap(),
            locale: Locale::English,
            guardian_consent: None,
        }
    }

    pub(crate) fn is_adult_with_valid_document(&self) -> bool {
        let today = SystemClock.now().date();
        let born: i32 = self.birth_date.get(..4).unwrap().parse().unwrap();
        (22..90).contains(&(today.year() - born)) && self.document.valid_until > today.to_string()
    }
}

/// An enrolled person with their device.
pub struct Citizen {
    /// The device in front of the platform.
    pub holder: Holder,
    /// Who they are.
    pub person: Person,
    /// What enrolment gave them.
    pub enrolled: Enrolled,
    /// The device's key.
    pub key: DeviceKey,
}

impl Citizen {
    /// Enrols a person.
    pub async fn enrol(platform: Client, person: Person) -> Self {
        let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
        let platform = Platform::contact(platform, clock.clone()).await.unwrap();
        let key = DeviceKey::make_of(platform.suite(), &SystemRng).unwrap();
        let holder = Holder::resume(platform, Tree::default(), key.signer(), clock, rng).unwrap();
        let enrolled = holder.enrol(&person.enrolment()).await.unwrap();
        Self {
            holder,
            person,
            enrolled,
            key,
        }
    }
}

/// Verifies a citizen and returns their pseudonym at this relying party.
pub async fn verified_sub(party: &RelyingParty, citizen: &Citizen) -> String {
    attested(party, citizen).await.unwrap()
}

/// Whether the relying party's question whether this is a real person passes.
pub async fn passes(party: &RelyingParty, citizen: &Citizen) -> bool {
    attested(party, citizen).await.is_some()
}

/// The pseudonym of a citizen who passes.
async fn attested(party: &RelyingParty, citizen: &Citizen) -> Option<String> {
    let ask = Ask {
        purpose: "register".into(),
        checks: vec![Check::RealPerson],
        ..Ask::default()
    };
    let pending = party.request_verification(&ask).await.unwrap();
    let reviewed = citizen
        .holder
        .fetch_request(&pending.request_uri, Locale::English)
        .await
        .unwrap();
    let ReviewedRequest::Verification(request) = reviewed else {
        panic!("another kind of request")
    };
    citizen.holder.answer_verification(&request, None).await.unwrap();
    match party.wait(&pending).await.unwrap() {
        VerifiedOutcome::Attested(attested) => attested.passed().map(str::to_owned),
        other => panic!("not attested: {other:?}"),
    }
}

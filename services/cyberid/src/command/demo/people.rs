//! The people of the story, from the synthetic register.

use cyberid_client::Client;
use cyberid_domain::UnixTime;
use cyberid_domain::document::DocumentType;
use cyberid_domain::pin::Pin;
use cyberid_holder::Enrolment;
use cyberid_protocol::enrolment::{Document, Evidence};
use cyberid_protocol::statement::Locale;
use serde::Deserialize;

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// The answer of `GET /sandbox/people`.
#[derive(Deserialize)]
struct People {
    people: Vec<Person>,
}

/// A synthetic person. The story may print what it says of them, because nobody is behind it.
#[derive(Clone, Deserialize)]
pub(crate) struct Person {
    pub(crate) document: Document,
    evidence: Evidence,
    pub(crate) birth_date: String,
}

impl Person {
    /// Their enrolment.
    pub(crate) fn enrolment(&self, pin: &str) -> Result<Enrolment, Fault> {
        Ok(Enrolment {
            document: self.document.clone(),
            evidence: self.evidence.clone(),
            pin: Pin::chosen(pin.into())?,
            locale: Locale::English,
            guardian_consent: None,
        })
    }

    /// How old they are on this day, in whole years, good enough to pick somebody.
    fn age(&self, now: UnixTime) -> i32 {
        let year = self
            .birth_date
            .get(..4)
            .and_then(|year| year.parse().ok())
            .unwrap_or(now.date().year());
        now.date().year() - year
    }

    fn has_valid_card(&self, now: UnixTime) -> bool {
        let today = now.date().to_string();
        self.document.kind == DocumentType::ResidentIdCard
            && self.document.valid_until.expose() > today.as_str()
    }
}

/// An adult and a child of about fifteen, both with a valid card.
pub(crate) async fn adult_and_child(platform: &Client, now: UnixTime) -> Result<(Person, Person), Fault> {
    let People { people } = platform.get("/sandbox/people?limit=200").await?;
    let find = |ages: std::ops::RangeInclusive<i32>| {
        people
            .iter()
            .find(|person| ages.contains(&person.age(now)) && person.has_valid_card(now))
            .cloned()
    };
    let adult = find(25..=60).ok_or("the register has no adult")?;
    Ok((
        adult,
        find(14..=16)
            .or_else(|| find(5..=16))
            .ok_or("the register has no child")?,
    ))
}

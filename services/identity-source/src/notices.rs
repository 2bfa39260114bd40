//! Notices: what happened to the people whom a platform was told of.

use cyberid_domain::id::Nonce;
use cyberid_domain::personal::Personal;
use cyberid_protocol::notice::{MOST, NoticeQuery, NoticedDocument, SourceNotice};

use crate::check::feed;
use crate::fault::SLOWNESS;
use crate::life::Happened;
use crate::{CheckFailure, Fault, IdentitySource, Person};

impl IdentitySource {
    /// Signed notices of a feed after a place in it, or what the present fault makes of them.
    pub async fn notices(&self, sealed: &str) -> Result<Vec<String>, CheckFailure> {
        match self.fault() {
            Fault::Down => Err(CheckFailure::Down),
            Fault::Garbage => Ok(vec!["garbage".into()]),
            Fault::Slow => {
                tokio::time::sleep(SLOWNESS).await;
                self.after(sealed, Fault::None)
            }
            fault => self.after(sealed, fault),
        }
    }

    fn after(&self, sealed: &str, fault: Fault) -> Result<Vec<String>, CheckFailure> {
        let query: NoticeQuery = self.open(sealed)?;
        let feed = feed(&query.feed).ok_or(CheckFailure::NotAQuestion)?;
        let happened = self.parts.life.after(&feed, query.after, MOST);
        let notices = happened
            .iter()
            .map(|happened| self.notice(&query, happened, fault));
        notices.collect()
    }

    fn notice(&self, query: &NoticeQuery, happened: &Happened, fault: Fault) -> Result<String, CheckFailure> {
        let person = self.population().person(happened.index);
        let person = self.parts.life.now(person.ok_or(CheckFailure::NotAQuestion)?);
        let jti = self.name_of(query, happened.seq);
        let document = happened.happening.brings_document();
        let document = document.then(|| written(&person).seal(&query.reply_to, &jti));
        let notice = SourceNotice {
            aud: match fault {
                Fault::Wrong => "https://another.example".into(),
                _ => query.aud.clone(),
            },
            jti,
            seq: happened.seq,
            person: self.handle(&person, &query.aud),
            happening: happened.happening,
            at: happened.at,
            document_sealed: document.transpose()?,
            iat: self.moment(fault),
        };
        self.sign(&notice, fault)
    }

    /// The name of a notice: the same whenever it is asked for, another in every feed.
    fn name_of(&self, query: &NoticeQuery, seq: u64) -> Nonce {
        let parts: [&[u8]; 3] = [b"notice", query.feed.as_bytes(), &seq.to_be_bytes()];
        let [name @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = self.population().derived(&parts);
        Nonce::from_bytes(&name)
    }
}

/// What is written on a person's present document.
fn written(person: &Person) -> NoticedDocument {
    NoticedDocument {
        kind: person.kind,
        name: person.name.clone(),
        number: person.number.clone(),
        valid_until: Personal::new(person.valid_until.to_string()),
        birth_date: Personal::new(person.birth_date.to_string()),
    }
}

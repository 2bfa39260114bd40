//! The archive of all data that the platform holds about a holder, for that holder alone.

use std::collections::BTreeMap;

use cyberid_domain::clock::DAY;
use cyberid_domain::id::SubjectId;
use cyberid_protocol::export::{Archive, FORM, Manifest, PartHash, Withheld};
use cyberid_protocol::message::Message as _;
use cyberid_storage::held::HeldTable;
use serde::Serialize;

use crate::Verification;
use crate::activity::Period;
use crate::refusal::Refusal;

/// The part with the holder's visits.
const VISITS: &str = "visits";

/// What is held elsewhere than in the registry and the journal, and so not in the archive.
const ELSEWHERE: [(&str, &str); 3] = [
    (
        "name, document_type, document_number, birth_date, valid_until",
        "vault and custodian keep them encrypted, and nobody opens them without a release that you sign: ask for one to a \
         party of your own to have them",
    ),
    (
        "the tag of your document in the blind index, and the tags by which your visits are found",
        "they are made with keys of the platform: with them, numbers could be tried",
    ),
    (
        "official accesses whose order delays the notice",
        "the law lets you know of them from the moment that the order states; from then on they are here",
    ),
];

impl Verification {
    /// Everything that is held about the holder of this device, under one signature.
    pub(crate) async fn export(&self, device: &str) -> Result<Archive, Refusal> {
        self.holders.spend(device, self.now())?;
        let holder = self.parts.subjects.holder(device).await?;
        let subject = holder.ok_or(Refusal::NotFound)?.subject;
        let held = self.parts.held.held_of(&subject, self.now()).await?;
        let withheld = withheld(&held);
        let mut parts: BTreeMap<String, String> = held
            .into_iter()
            .map(|table| (table.name, lines(table.rows)))
            .collect();
        parts.insert(VISITS.into(), self.all_visits(&subject).await?);
        let manifest = Manifest {
            iss: self.parts.issuer.clone(),
            sub: device.to_owned(),
            form: FORM.into(),
            iat: self.now(),
            parts: parts
                .iter()
                .map(|(name, text)| PartHash::of(name, text))
                .collect(),
            withheld,
        };
        let manifest = manifest.sign(&*self.parts.request.current())?;
        Ok(Archive { manifest, parts })
    }

    /// Every visit that is still kept.
    async fn all_visits(&self, subject: &SubjectId) -> Result<String, Refusal> {
        let (first, now) = (self.parts.visits_kept.since(self.now()), self.now());
        let period = Period::of(first, now.plus(DAY));
        let visits = self.visits_in(subject, period).await?;
        visits.iter().map(line).collect()
    }
}

fn line(entry: &impl Serialize) -> Result<String, Refusal> {
    let text = serde_json::to_string(entry).map_err(|_| Refusal::Text)?;
    Ok(text + "\n")
}

fn lines(rows: Vec<String>) -> String {
    rows.into_iter().map(|row| row + "\n").collect()
}

fn withheld(held: &[HeldTable]) -> Vec<Withheld> {
    let columns = held.iter().flat_map(|table| {
        let names = table.withheld.iter();
        names.map(|column| (format!("{}.{column}", table.name), reason(column)))
    });
    let elsewhere = ELSEWHERE.iter().map(|(what, why)| ((*what).to_owned(), *why));
    columns
        .chain(elsewhere)
        .map(|(what, why)| Withheld {
            what,
            why: why.to_owned(),
        })
        .collect()
}

fn reason(column: &str) -> &'static str {
    match column {
        "subject" | "subjects" | "ward" | "guardian" => {
            "a random handle, which would relate what is kept apart"
        }
        _ => "whoever has the archive could guess your PIN, your date of birth or you by it",
    }
}

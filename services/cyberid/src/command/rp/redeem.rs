//! `cyberid rp redeem`

use std::process::ExitCode;

use clap::Args;
use cyberid_domain::id::ReleaseId;
use cyberid_relying_party::ReleasedIdentity;
use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

use super::Common;
use super::party::Party;
use crate::command::Outcome;

const HELP: &str = "\
Examples:
  cyberid rp redeem rel_Zm9vYmFyYmF6cXV4MTIzNA --json";

/// Receive the plaintext of a granted release.
///
/// Accepted only with the proof that the public ledger announced this very release before the plaintext left, then
/// opened with your key, then checked to be what the ledger says. A lost answer can be fetched again for ten minutes.
///
/// The person's data goes to standard output, and nowhere else: keep it for no longer than your registration says.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Redeem {
    /// The release.
    release_id: ReleaseId,
    #[command(flatten)]
    common: Common,
}

impl Redeem {
    pub(super) async fn run(self) -> Outcome {
        let party = Party::open(&self.common)?;
        let pending = party.release(&self.release_id)?;
        let identity = party.rp.redeem(&pending).await?;
        party.keep_ledger().await?;
        let shown = Shown {
            id: &self.release_id,
            identity: &identity,
        };
        self.common.show().result(&shown, words);
        Ok(ExitCode::SUCCESS)
    }
}

/// A released identity on its way to whom it was released to. Personal data has no way into JSON of its own; here it is
/// wanted.
struct Shown<'a> {
    id: &'a ReleaseId,
    identity: &'a ReleasedIdentity,
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_struct("Shown", 3)?;
        members.serialize_field("release_id", self.id)?;
        members.serialize_field("fields", &Fields(self.identity))?;
        members.serialize_field("leaf_index", &self.identity.index())?;
        members.end()
    }
}

struct Fields<'a>(&'a ReleasedIdentity);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = self.0.fields();
        let mut members = serializer.serialize_map(Some(fields.len()))?;
        for (field, value) in fields {
            members.serialize_entry(field.as_str(), value.expose())?;
        }
        members.end()
    }
}

fn words(shown: &Shown<'_>) -> String {
    let fields = shown.identity.fields().iter();
    let mut lines: Vec<String> = fields
        .map(|(field, value)| format!("{:<16} {}", field.as_str(), value.expose()))
        .collect();
    lines.push(format!(
        "Leaf {} of the ledger announced it.",
        shown.identity.index()
    ));
    lines.join("\n")
}

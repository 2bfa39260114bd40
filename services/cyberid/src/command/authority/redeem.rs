//! `cyberid authority redeem`

use std::process::ExitCode;

use clap::Args;
use cyberid_domain::id::OfficialAccessId;
use cyberid_protocol::release::Redeemed;
use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

use super::Common;
use super::bureau::Bureau;
use super::opened::{OpenedIdentity, open};
use super::show::fetch;
use crate::command::Outcome;

const HELP: &str = "\
Examples:
  cyberid authority redeem --sandbox off_Zm9vYmFyYmF6cXV4MTIzNA --json";

/// Carry out an official access that two officers have signed.
///
/// Accepted only with the proof that the public ledger announced this very order before the plaintext left, then opened with
/// the authority's key, then checked to be what the ledger says. Without a second signature it is refused, and over. A
/// lost answer can be fetched again for ten minutes. The person's data goes to standard output, and nowhere else.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct RedeemAccess {
    /// The official access.
    id: OfficialAccessId,
    #[command(flatten)]
    common: Common,
}

impl RedeemAccess {
    pub(super) async fn run(self) -> Outcome {
        let bureau = Bureau::open(&self.common).await?;
        let (view, order) = fetch(&bureau, &self.id).await?;
        let key = bureau.idempotency_key(&self.id)?;
        let path = format!("/v1/official-accesses/{}/redeem", self.id);
        let headers = [("idempotency-key", key.as_str())];
        let redeemed: Redeemed = bureau.session.post_empty(&path, &headers).await?;
        let identity = open(&bureau, &view, &order, &redeemed).await?;
        let shown = Shown {
            id: &self.id,
            identity: &identity,
        };
        self.common.show().result(&shown, words);
        Ok(ExitCode::SUCCESS)
    }
}

/// An identity on its way to the authority that two officers ordered it for. Personal data has no way into JSON of its
/// own; here it is wanted.
struct Shown<'a> {
    id: &'a OfficialAccessId,
    identity: &'a OpenedIdentity,
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_struct("Shown", 3)?;
        members.serialize_field("id", self.id)?;
        members.serialize_field("fields", &Fields(self.identity))?;
        members.serialize_field("leaf_index", &self.identity.index)?;
        members.end()
    }
}

struct Fields<'a>(&'a OpenedIdentity);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = &self.0.fields;
        let mut members = serializer.serialize_map(Some(fields.len()))?;
        for (field, value) in fields {
            members.serialize_entry(field.as_str(), value.expose())?;
        }
        members.end()
    }
}

fn words(shown: &Shown<'_>) -> String {
    let fields = shown.identity.fields.iter();
    let mut lines: Vec<String> = fields
        .map(|(field, value)| format!("{:<16} {}", field.as_str(), value.expose()))
        .collect();
    lines.push(format!(
        "Leaf {} of the ledger announced it.",
        shown.identity.index
    ));
    lines.join("\n")
}

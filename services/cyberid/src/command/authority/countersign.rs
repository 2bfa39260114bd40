//! `cyberid authority countersign`

use std::process::ExitCode;

use clap::Args;
use cyberid_domain::Clock as _;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::id::{Nonce, OfficialAccessId};
use cyberid_domain::rng::SystemRng;
use cyberid_protocol::message::Message as _;
use cyberid_protocol::official::{Countersign, Countersignature, OfficialAccessRequested, words_sha256};

use super::bureau::Bureau;
use super::show::{fetch, order_words};
use super::{Common, Signer};
use crate::command::Outcome;
use crate::terminal::note;

/// For how many seconds a signature stands.
const LIFE: u64 = 24 * 3_600;

const HELP: &str = "\
Examples:
  cyberid authority countersign --sandbox off_Zm9vYmFyYmF6cXV4MTIzNA
  cyberid authority countersign --authority-key bureau.json --officer-key second.json off_Zm9vYmFyYmF6cXV4MTIzNA";

/// Sign for an order as a second, different officer.
///
/// Shows the order and signs the hash of its very words. The officer who ordered cannot: trying ends the order, and the
/// public ledger says so.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct CountersignAccess {
    /// The official access.
    id: OfficialAccessId,
    #[command(flatten)]
    signer: Signer,
    #[command(flatten)]
    common: Common,
}

impl CountersignAccess {
    pub(super) async fn run(self) -> Outcome {
        let bureau = Bureau::open(&self.common).await?;
        let officer = bureau.officer(&self.signer, 2)?;
        let (view, order) = fetch(&bureau, &self.id).await?;
        note(&order_words(&order));
        let now = SystemClock.now();
        let second = Countersignature {
            aud: bureau.platform.issuer().into(),
            authority: bureau.client_id().clone(),
            order_sha256: words_sha256(&view.order),
            iat: now,
            exp: now.plus(LIFE),
            jti: Nonce::random(&SystemRng),
        };
        let body = Countersign {
            countersignature: second.sign(&officer)?,
        };
        let path = format!("/v1/official-accesses/{}/countersign", self.id);
        let signed: OfficialAccessRequested = bureau.session.post(&path, &body).await?;
        self.common.show().result(&signed, |signed| {
            let id = &signed.id;
            format!("{id} can be carried out with: cyberid authority redeem {id}")
        });
        Ok(ExitCode::SUCCESS)
    }
}

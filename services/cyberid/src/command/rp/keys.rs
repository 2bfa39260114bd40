//! `cyberid rp keys`

use std::process::ExitCode;

use clap::{Args, Subcommand};
use cyberid_crypto::jwk::JwkSet;
use cyberid_domain::Clock as _;
use cyberid_domain::clock::SystemClock;
use cyberid_protocol::message::Message as _;
use cyberid_protocol::registration::{KeyChange, KeyChangeBody, Registered};

use super::Common;
use super::party::Party;
use crate::command::Outcome;
use crate::command::outside::moment;

/// The life of the signed change in seconds: it is used at once.
const CHANGE_LIFE: u64 = 60;

const HELP: &str = "\
Examples:
  cyberid rp keys rotate
  cyberid rp keys rotate --keep-signing";

/// Change this relying party's keys.
///
/// A change waits before it is in force, so that the platform's operators can cancel what a thief announces.
#[derive(Debug, Subcommand)]
#[command(after_long_help = HELP)]
pub(crate) enum Keys {
    // The command describes itself: a description here would hide its own.
    Rotate(Rotate),
}

/// Make new keys, and announce them to the platform by the word of those in force.
///
/// The announcement becomes a public leaf at once; the keys come into force by themselves when they have cooled off, and
/// this directory takes them up then. Until then nothing changes. What was consented to before, and is not redeemed by then,
/// becomes void: it was promised to the old key. Again before that, this announces the same keys anew.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Rotate {
    /// Leave the old signing key in force beside the new one, for servers that do not have the new one yet.
    #[arg(long)]
    keep_signing: bool,
    #[command(flatten)]
    common: Common,
}

impl Keys {
    pub(super) async fn run(self) -> Outcome {
        match self {
            Self::Rotate(rotate) => rotate.run().await,
        }
    }
}

impl Rotate {
    async fn run(self) -> Outcome {
        let party = Party::open(&self.common)?;
        let (present, next) = (party.keys()?, party.next_keys()?);
        let mut jwks: JwkSet = next.public_set();
        if self.keep_signing {
            let old = present.signer().public_key();
            jwks.keys.push(old.to_signing_jwk());
        }
        let now = SystemClock.now();
        let change = KeyChange {
            aud: party.rp.platform().issuer().into(),
            iss: party.rp.client_id().clone(),
            jwks,
            iat: now,
            exp: now.plus(CHANGE_LIFE),
        };
        let body = KeyChangeBody {
            key_change: change.sign(&*present.signer())?,
        };
        let path = format!("/v1/relying-parties/{}/keys", party.rp.client_id());
        let registered: Registered = party.rp.platform().client().post(&path, &body).await?;
        party.keep_registration(&registered)?;
        self.common.show().result(&registered, words);
        Ok(ExitCode::SUCCESS)
    }
}

fn words(registered: &Registered) -> String {
    match &registered.waiting_keys {
        Some(keys) => format!(
            "Announced. The new keys are in force from {} on.",
            moment(keys.in_force_at)
        ),
        None => "The new keys are in force.".into(),
    }
}

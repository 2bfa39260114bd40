//! `cyberid rp submit`

use std::process::ExitCode;

use clap::Args;
use cyberid_domain::id::Nonce;

use super::Common;
use super::outcome::{attested, words};
use super::party::Party;
use crate::command::Outcome;
use crate::command::outside::read_text;

const HELP: &str = r#"Examples:
  cyberid holder direct "$QUESTION" | cyberid rp submit -

Exit codes:
  0  everything that was asked holds
  1  an error
  2  the command line is wrong
  3  it does not hold"#;

/// Submit the sealed proof that answers a direct question.
///
/// The platform opens the proof and attests at once; the attestation has to answer the question that
/// `cyberid rp verify --direct` asked from the same directory.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Submit {
    /// The sealed proof, as the person's app gave it; `-` is standard input.
    sealed: String,
    /// Which question it answers, where several are open.
    #[arg(long, allow_hyphen_values = true)]
    nonce: Option<Nonce>,
    #[command(flatten)]
    common: Common,
}

impl Submit {
    pub(super) async fn run(self) -> Outcome {
        let party = Party::open(&self.common)?;
        let sealed = read_text(&self.sealed)?;
        let expected = party.take_question(self.nonce.as_ref())?;
        let (result, code) = attested(&party.rp.submit_direct(sealed, expected).await?);
        self.common.show().result(&result, words);
        Ok(ExitCode::from(code))
    }
}

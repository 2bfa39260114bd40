//! `cyberid rp renew`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use cyberid_crypto::json;
use cyberid_protocol::registration::{Particulars, Registered, RenewalBody};

use super::Common;
use super::operators::{Operators, sessions};
use super::party::Party;
use crate::command::Outcome;
use crate::command::outside::{Failure, moment, read_bytes};

const HELP: &str = "\
Examples:
  cyberid rp renew --sandbox
  cyberid rp renew --registration changed.json --expires-in-days 180 --operator-key one.json --operator-key two.json";

/// Renew the registration, through the platform's operators.
///
/// One operator applies and another approves; until then nothing changes. The keys stay, and so do people's pseudonyms.
/// A registration that has expired is revived so, and one that was suspended reinstated.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Renew {
    /// What the registration says from then on, as JSON without keys; without it, the same.
    #[arg(long, value_name = "FILE")]
    registration: Option<PathBuf>,
    /// For how many days from the approval; the longest is a year.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=365))]
    expires_in_days: Option<u64>,
    #[command(flatten)]
    operators: Operators,
    #[command(flatten)]
    common: Common,
}

impl Renew {
    pub(super) async fn run(self) -> Outcome {
        let party = Party::open(&self.common)?;
        let platform = party.rp.platform();
        let operators = self.operators.read(platform.client()).await?;
        let body = RenewalBody {
            registration: self.registration.as_deref().map(particulars).transpose()?,
            expires_in_days: self.expires_in_days,
        };
        let (applicant, approver) = sessions(platform, &operators)?;
        let path = format!("/v1/relying-parties/{}", party.rp.client_id());
        let waiting: Registered = applicant.post(&format!("{path}/renewal"), &body).await?;
        let seen = waiting
            .waiting_renewal
            .as_ref()
            .map(|it| it.renewal_sha256.clone());
        let registered = match (approver, seen) {
            (Some(approver), Some(seen)) => {
                let approve = format!("{path}/approve?renewal_sha256={seen}");
                approver.post_empty(&approve, &[]).await?
            }
            _ => waiting,
        };
        party.keep_registration(&registered)?;
        self.common.show().result(&registered, words);
        Ok(ExitCode::SUCCESS)
    }
}

fn particulars(file: &Path) -> Result<Particulars, Failure> {
    let read = json::from_slice(&read_bytes(file)?);
    read.map_err(|_| format!("{} is no registration without keys", file.display()).into())
}

fn words(registered: &Registered) -> String {
    let id = &registered.client_id;
    match (&registered.waiting_renewal, registered.expires_at) {
        (None, Some(end)) => format!("Renewed: {id} is registered until {}.", moment(end)),
        (waiting, _) => {
            let seen = waiting.as_ref().map_or("", |it| it.renewal_sha256.as_str());
            format!(
                "The renewal waits. Now another operator has to approve: \
                 POST /v1/relying-parties/{id}/approve?renewal_sha256={seen}. \
                 After that, `cyberid rp show` brings the certificates."
            )
        }
    }
}

//! `cyberid rp release`

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use cyberid_domain::field::Field;
use cyberid_domain::release::ReleaseStatus;
use cyberid_protocol::release::ReleaseView;
use cyberid_relying_party::PendingRelease;
use serde_json::json;

use super::Common;
use super::outcome::NO_ANSWER;
use super::party::Party;
use crate::command::Outcome;
use crate::command::outside::{Failure, fields, moment, names};

/// How often a waiting command looks.
const PAUSE: Duration = Duration::from_secs(1);

const HELP: &str = "\
Examples:
  cyberid rp release --sub Bp2X... --purpose deliver --field name --wait 300

Exit codes:
  0  asked, or with `--wait` granted
  1  an error
  2  the command line is wrong
  4  no grant: refused, expired, or not in time";

/// Ask a person for plaintext.
///
/// Asks the person whom you know by a pseudonym, for fields that your registration allows. Prints the release's id, the
/// address that the person's app fetches, and the code of four digits to show beside it, which has to stand on the
/// person's device too. The person may grant some of the fields, or none.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Release {
    /// The person's pseudonym here, from an attestation.
    #[arg(long, allow_hyphen_values = true)]
    sub: String,
    /// The registered purpose.
    #[arg(long)]
    purpose: String,
    /// A field to ask for; may be given several times.
    #[arg(long = "field", value_name = "FIELD", value_parser = fields(), required = true)]
    fields: Vec<Field>,
    /// For how many seconds to wait for the answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
    #[command(flatten)]
    common: Common,
}

impl Release {
    pub(super) async fn run(self) -> Outcome {
        let party = Party::open(&self.common)?;
        let pending = party
            .rp
            .request_release(&self.sub, &self.purpose, &self.fields)
            .await?;
        party.keep_release(&pending)?;
        let PendingRelease {
            id,
            request_uri,
            expires_at,
            comparison_code,
            ..
        } = &pending;
        let asked = json!({"id": id, "request_uri": request_uri, "expires_at": expires_at,
            "comparison_code": comparison_code});
        self.common.show().result(&asked, |_| {
            format!(
                "{id}\n{request_uri}\nShow this code, which has to stand on the device too: {comparison_code}\n\
                 Can be answered until {}.",
                moment(*expires_at)
            )
        });
        if self.wait == 0 {
            return Ok(ExitCode::SUCCESS);
        }
        let view = wait_for(&party, &pending, self.wait).await?;
        self.common.show().result(&view, words);
        let granted = view.status == ReleaseStatus::Granted;
        Ok(if granted {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(NO_ANSWER)
        })
    }
}

/// Where the release stands once it is answered, or once the time is over.
async fn wait_for(party: &Party, pending: &PendingRelease, seconds: u64) -> Result<ReleaseView, Failure> {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(seconds);
    loop {
        let view = party.rp.release_status(&pending.id).await?;
        if view.status != ReleaseStatus::Requested || tokio::time::Instant::now() >= deadline {
            return Ok(view);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn words(view: &ReleaseView) -> String {
    let fields = names(view.fields.as_deref().unwrap_or_default(), Field::as_str);
    match view.status {
        ReleaseStatus::Granted => format!(
            "Granted: {fields}. Receive it until {} with: cyberid rp redeem {}",
            moment(view.expires_at),
            view.id
        ),
        ReleaseStatus::Requested => "Not answered yet.".into(),
        status => format!("Not granted: {}.", status.as_str()),
    }
}

//! `cyberid rp erase`

use std::process::ExitCode;

use clap::Args;
use cyberid_domain::Clock as _;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::id::ReleaseId;
use serde_json::json;

use super::Common;
use super::party::Party;
use crate::command::Outcome;
use crate::command::outside::moment;

const HELP: &str = "\
Examples:
  cyberid rp erase rel_Zm9vYmFyYmF6cXV4MTIzNA";

/// Confirm that what was received under a release is erased.
///
/// Erase first, everywhere. The confirmation becomes a public leaf; one that does not come in time becomes a public leaf
/// as well.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Erase {
    /// The release.
    release_id: ReleaseId,
    #[command(flatten)]
    common: Common,
}

impl Erase {
    pub(super) async fn run(self) -> Outcome {
        let party = Party::open(&self.common)?;
        let erased_at = SystemClock.now();
        party.rp.confirm_erasure(&self.release_id, erased_at).await?;
        party.forget_release(&self.release_id)?;
        let result = json!({"release_id": self.release_id, "erased_at": erased_at});
        self.common.show().result(&result, |_| {
            format!(
                "Confirmed: what was received under {} was erased at {}.",
                self.release_id,
                moment(erased_at)
            )
        });
        Ok(ExitCode::SUCCESS)
    }
}

//! `cyberid rp events`

use std::process::ExitCode;

use clap::Args;
use cyberid_protocol::event::{ConsentWithdrawn, ErasureOverdue, IdentifierCancelled};
use cyberid_relying_party::VerifiedEvents;
use serde_json::json;

use super::Common;
use super::party::Party;
use crate::command::Outcome;
use crate::command::outside::moment;

const HELP: &str = "\
Examples:
  cyberid rp events
  cyberid rp events --after 0 --json";

/// Read what happened since: withdrawn consents, whose plaintext has to be erased; identifiers that ended; overdue erasures.
///
/// Each event is checked to be the platform's word to you. The directory remembers up to where events were read.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Events {
    /// Read from after this number on, instead of from where it was left; 0 is from the beginning.
    #[arg(long, value_name = "N")]
    after: Option<u64>,
    #[command(flatten)]
    common: Common,
}

impl Events {
    pub(super) async fn run(self) -> Outcome {
        let party = Party::open(&self.common)?;
        let after = self.after.map_or_else(|| party.events_read(), Ok)?;
        let events = party.rp.events(after).await?;
        let VerifiedEvents {
            withdrawn,
            cancelled,
            overdue,
            next,
        } = &events;
        let result =
            json!({"withdrawn": withdrawn, "cancelled": cancelled, "overdue": overdue, "next": next});
        self.common.show().result(&result, |_| words(&events));
        party.keep_events_read(*next)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn words(events: &VerifiedEvents) -> String {
    let withdrawn = events.withdrawn.iter().map(withdrawn_words);
    let cancelled = events.cancelled.iter().map(|IdentifierCancelled { sub }| {
        format!("{sub} ended their identifier: nobody answers for this pseudonym again")
    });
    let overdue = events.overdue.iter().map(|ErasureOverdue { release, erase_by }| {
        let since = moment(*erase_by);
        format!("{release} is OVERDUE since {since}, and the regulator sees it: cyberid rp erase {release}")
    });
    let lines: Vec<_> = withdrawn.chain(cancelled).chain(overdue).collect();
    if lines.is_empty() {
        return "Nothing new.".into();
    }
    lines.join("\n")
}

fn withdrawn_words(event: &ConsentWithdrawn) -> String {
    let ConsentWithdrawn {
        consent,
        release,
        erase_by,
    } = event;
    format!(
        "{consent} is withdrawn: erase what came with {release} by {}, then: cyberid rp erase {release}",
        moment(*erase_by)
    )
}

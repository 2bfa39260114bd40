//! `cyberid audit relying-parties`

use std::process::ExitCode;

use clap::Args;
use cyberid_domain::id::ClientId;
use cyberid_protocol::audit::{OverseenParties, OverseenParty};
use url::form_urlencoded;

use super::regulator::Regulator;
use super::summary::call;
use crate::command::Outcome;
use crate::command::outside::{Server, moment};
use crate::terminal::{Show, line};

const HELP: &str = "\
Examples:
  cyberid audit relying-parties --sandbox
  cyberid audit relying-parties --sandbox --overdue --json | jq -r .client_id";

/// List relying parties and what they owe, as the regulator.
///
/// For each: where its registration stands, what it did, how often it asked for more than it is registered for, and which
/// erasures it owes after a withdrawal. With `--json`, one object a line (NDJSON).
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct RelyingParties {
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    regulator: Regulator,
    /// Only this one.
    #[arg(value_name = "CLIENT_ID", allow_hyphen_values = true)]
    client_id: Option<ClientId>,
    /// Only those that owe an erasure whose time is over.
    #[arg(long, conflicts_with = "client_id")]
    overdue: bool,
    /// Print JSON, one relying party a line.
    #[arg(long)]
    json: bool,
}

impl RelyingParties {
    pub(super) async fn run(self) -> Outcome {
        let session = call(&self.server, &self.regulator).await?;
        if let Some(client_id) = &self.client_id {
            let path = format!("/v1/audit/relying-parties/{client_id}");
            let party: OverseenParty = session.get(&path).await?;
            Show::json(self.json).result(&party, words);
            return Ok(ExitCode::SUCCESS);
        }
        let mut after = None;
        loop {
            let page: OverseenParties = session.get(&path(self.overdue, after.as_ref())).await?;
            for party in &page.relying_parties {
                line(&if self.json {
                    serde_json::to_string(party)?
                } else {
                    words(party)
                });
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(ExitCode::SUCCESS),
            }
        }
    }
}

fn path(overdue: bool, after: Option<&ClientId>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("overdue", if overdue { "true" } else { "false" });
    query.extend_pairs(after.map(|after| ("after", after.as_str())));
    format!("/v1/audit/relying-parties?{}", query.finish())
}

fn words(party: &OverseenParty) -> String {
    let mut lines = vec![format!(
        "{}  {} ({}), {}",
        party.client_id,
        party.name,
        party.domains.first().map_or("", String::as_str),
        party.status.as_str()
    )];
    if party.over_asking > 0 {
        lines.push(format!("  asked for too much {} times", party.over_asking));
    }
    for owed in &party.outstanding_erasures {
        let late = if owed.overdue { ", overdue" } else { "" };
        lines.push(format!(
            "  owes the erasure of {} by {}{late}",
            owed.release_id,
            moment(owed.erase_by)
        ));
    }
    let kinds = party.kinds.iter();
    lines.extend(kinds.map(|(kind, count)| format!("  {count:>8} {kind}")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use cyberid_domain::UnixTime;
    use cyberid_domain::relying_party::RegistrationStatus;
    use cyberid_protocol::audit::OutstandingErasure;

    use super::*;

    #[test]
    fn what_is_owed_and_late_is_said() {
        let party = OverseenParty {
            client_id: "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
            name: "Forum".into(),
            domains: vec!["forum.example".into()],
            contact: String::new(),
            deletion_contact: String::new(),
            status: RegistrationStatus::Suspended,
            expires_at: None,
            intended_uses: Vec::new(),
            kinds: [("rp.suspended".to_owned(), 1)].into(),
            over_asking: 2,
            outstanding_erasures: vec![OutstandingErasure {
                release_id: "rel_AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
                erase_by: UnixTime(1_784_131_200),
                overdue: true,
            }],
        };
        assert_eq!(
            words(&party),
            "AAAAAAAAAAAAAAAAAAAAAA  Forum (forum.example), suspended\n  asked for too much 2 times\n  \
             owes the erasure of rel_AAAAAAAAAAAAAAAAAAAAAA by 2026-07-16 00:00:00 (UTC+8), overdue\n         1 rp.suspended"
        );
    }
}

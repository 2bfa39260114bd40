//! `cyberid audit entries`

use std::process::ExitCode;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use cyberid_domain::id::ClientId;
use cyberid_protocol::audit::{AuditEntries, AuditEntry};
use cyberid_protocol::leaf::{Leaf, LeafKind};
use url::form_urlencoded;

use super::regulator::Regulator;
use super::summary::call;
use crate::command::Outcome;
use crate::command::outside::{Server, moment};
use crate::terminal::line;

/// The longest page that is asked for.
const PAGE: u64 = 1000;

const HELP: &str = "\
Examples:
  cyberid audit entries --sandbox --kind release.delivered --json | jq -r .leaf";

/// List entries of the ledger, as the regulator.
///
/// Oldest first, page after page until there are no more. With `--json`, one object a line (NDJSON): the entry's place,
/// its leaf, and the proof that it is in the log.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Entries {
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    regulator: Regulator,
    #[command(flatten)]
    filter: Filter,
    /// How many entries at most; without it, all.
    #[arg(long, value_name = "COUNT")]
    limit: Option<u64>,
    /// Print JSON, one entry a line.
    #[arg(long)]
    json: bool,
}

/// Which entries.
#[derive(Debug, Args)]
struct Filter {
    /// Only of this kind.
    #[arg(long, value_parser = kinds())]
    kind: Option<LeafKind>,
    /// Only naming this relying party.
    #[arg(long, value_name = "CLIENT_ID", allow_hyphen_values = true)]
    rp: Option<ClientId>,
    /// Only made at or after this moment, Unix seconds.
    #[arg(long, value_name = "SECONDS")]
    from: Option<u64>,
    /// Only made before this moment, Unix seconds.
    #[arg(long, value_name = "SECONDS")]
    to: Option<u64>,
    /// Only after this place in the log.
    #[arg(long, value_name = "INDEX")]
    after: Option<u64>,
}

fn kinds() -> impl TypedValueParser<Value = LeafKind> {
    let names: Vec<&'static str> = LeafKind::ALL.iter().map(|kind| kind.as_str()).collect();
    PossibleValuesParser::new(names).try_map(|name| LeafKind::named(&name).ok_or("no such kind"))
}

impl Entries {
    pub(super) async fn run(self) -> Outcome {
        let session = call(&self.server, &self.regulator).await?;
        let mut left = self.limit.unwrap_or(u64::MAX);
        let mut after = self.filter.after;
        while left > 0 {
            let page: AuditEntries = session.get(&self.filter.path(after, left.min(PAGE))).await?;
            for entry in &page.entries {
                line(&if self.json {
                    serde_json::to_string(entry)?
                } else {
                    words(entry)
                });
            }
            left = left.saturating_sub(page.entries.len() as u64);
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Filter {
    fn path(&self, after: Option<u64>, limit: u64) -> String {
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        let members = [
            ("kind", self.kind.map(|kind| kind.as_str().to_owned())),
            ("rp", self.rp.as_ref().map(ToString::to_string)),
            ("from", number(self.from)),
            ("to", number(self.to)),
            ("after", number(after)),
            ("limit", Some(limit.to_string())),
        ];
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in members {
            query.extend_pairs(value.map(|value| (name, value)));
        }
        format!("/v1/audit/entries?{}", query.finish())
    }
}

fn words(entry: &AuditEntry) -> String {
    let Ok(leaf) = Leaf::from_text(&entry.leaf) else {
        return format!("{:>8}  not of the leaf format", entry.index);
    };
    let release = leaf
        .request
        .map(|release| format!("  {release}"))
        .unwrap_or_default();
    let rp = leaf.rp.map(|rp| format!("  {rp}")).unwrap_or_default();
    format!(
        "{:>8}  {}  {:<18}{rp}{release}",
        entry.index,
        moment(leaf.time),
        leaf.kind.as_str()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_asked_stands_in_the_query() {
        let nothing = Filter {
            kind: None,
            rp: None,
            from: None,
            to: None,
            after: None,
        };
        assert_eq!(nothing.path(None, 5), "/v1/audit/entries?limit=5");
        let all = Filter {
            kind: Some(LeafKind::ConsentGranted),
            rp: "AAAAAAAAAAAAAAAAAAAAAA".parse().ok(),
            from: Some(1),
            to: Some(2),
            after: Some(3),
        };
        assert_eq!(
            all.path(Some(4), 5),
            "/v1/audit/entries?kind=consent.granted&rp=AAAAAAAAAAAAAAAAAAAAAA&from=1&to=2&after=4&limit=5"
        );
    }

    #[test]
    fn a_leaf_is_shown_by_its_place_time_and_kind() {
        let leaf = Leaf::new(LeafKind::ServiceResumed, cyberid_domain::UnixTime(1_784_131_200));
        let entry = AuditEntry {
            index: 3,
            leaf: leaf.to_text().unwrap(),
            proof: String::new(),
        };
        assert_eq!(
            words(&entry),
            "       3  2026-07-16 00:00:00 (UTC+8)  service.resumed   "
        );
    }
}

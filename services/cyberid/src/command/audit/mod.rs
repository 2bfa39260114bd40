//! `cyberid audit`

mod anchors;
mod entries;
mod export;
mod keeper;
mod ledger;
mod outcome;
mod regulator;
mod relying_parties;
mod report;
mod sample;
mod summary;
mod verify;
mod watch;

use clap::Subcommand;

use super::Outcome;

const HELP: &str = "\
Examples:
  cyberid audit verify --ledger http://127.0.0.1:8080 --sandbox
  cyberid audit watch --ledger http://127.0.0.1:8080 --sandbox

Exit codes:
  0  clean, or done
  1  something is wrong with the ledger
  2  it cannot be read, or the command line is wrong";

/// Check a ledger without trusting who runs it.
///
/// Every release of plaintext is announced in an append-only log that witnesses cosign. `verify` re-hashes all of it;
/// `watch` follows it; `export` takes a copy to check elsewhere; `sample` traces random releases to the person's
/// signature; `summary`, `entries` and `relying-parties` ask the platform as the regulator; `report` is for everybody.
#[derive(Debug, Subcommand)]
#[command(after_long_help = HELP)]
pub(crate) enum Audit {
    // Each command describes itself: a description here would hide its own.
    Verify(verify::Verify),
    Watch(watch::Watch),
    Sample(sample::Sample),
    Export(export::Export),
    Summary(summary::Summary),
    Entries(entries::Entries),
    RelyingParties(relying_parties::RelyingParties),
    Report(report::Report),
}

impl Audit {
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::Verify(verify) => verify.run().await,
            Self::Watch(watch) => watch.run().await,
            Self::Sample(sample) => sample.run().await,
            Self::Export(export) => export.run().await,
            Self::Summary(summary) => summary.run().await,
            Self::Entries(entries) => entries.run().await,
            Self::RelyingParties(parties) => parties.run().await,
            Self::Report(report) => report.run().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::Cli;

    fn parses(line: &str) -> bool {
        Cli::try_parse_from(line.split(' ')).is_ok()
    }

    #[test]
    fn an_audit_names_a_ledger_and_whole_anchors() {
        assert!(parses("cyberid audit verify --ledger exported"));
        assert!(parses(
            "cyberid audit verify --ledger http://127.0.0.1:8080 --sandbox --state s.json --json"
        ));
        assert!(parses(
            "cyberid audit verify --ledger d --vkey v --policy-file p --no-keep"
        ));
        assert!(!parses("cyberid audit verify"));
        assert!(!parses("cyberid audit verify --ledger d --vkey v"));
        assert!(!parses("cyberid audit verify --ledger d --policy-file p"));
        assert!(!parses(
            "cyberid audit verify --ledger u --sandbox --regulator-key k"
        ));
        assert!(!parses("cyberid audit verify --ledger u --state s --no-keep"));
        assert!(parses("cyberid audit verify --ledger u --incremental --strict"));
        assert!(!parses("cyberid audit verify --ledger u --incremental --full"));
    }

    #[test]
    fn a_log_is_followed_and_sampled() {
        assert!(parses(
            "cyberid audit watch --ledger u --sandbox --silence 10m --every 1s --once --json"
        ));
        assert!(!parses("cyberid audit watch --ledger u --silence soon"));
        assert!(parses(
            "cyberid audit sample --ledger u --sandbox --count 3 --seed s --reason r --json"
        ));
        assert!(!parses("cyberid audit sample"));
    }

    #[test]
    fn an_export_has_a_destination() {
        assert!(parses(
            "cyberid audit export --ledger http://127.0.0.1:8080 --out copy --regulator-key k"
        ));
        assert!(!parses("cyberid audit export --ledger http://127.0.0.1:8080"));
    }

    #[test]
    fn entries_are_of_kinds_that_exist() {
        assert!(parses(
            "cyberid audit entries --sandbox --kind consent.granted --from 1 --to 2 --limit 5"
        ));
        assert!(!parses("cyberid audit entries --sandbox --kind consent.sold"));
        assert!(!parses("cyberid audit entries --sandbox --rp x"));
    }
}

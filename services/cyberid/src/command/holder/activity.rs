//! `cyberid holder activity`

use std::process::ExitCode;

use clap::Args;
use cyberid_domain::check::Check;
use cyberid_domain::field::Field;
use cyberid_protocol::activity::{Activity, ActivityEvent, ActivityVisit, Day};
use cyberid_protocol::official::MyOfficialAccess;
use serde::{Deserialize, Serialize};

use super::Common;
use super::device::Device;
use crate::command::Outcome;
use crate::command::outside::{moment, names};

const HELP: &str = "\
Examples:
  cyberid holder activity
  cyberid holder activity --from 2026-11-01 --to 2026-11-23 --json";

/// Show who asked about you, for what, and what they were told.
///
/// The platform keeps each visit for six months and a day, sealed, and only your own reading finds yours. Official accesses to
/// your record are shown too, whenever they were, from the moment on at which the law lets you know.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct ShowActivity {
    /// The first day, as YYYY-MM-DD [default: six days before the last].
    #[arg(long, value_name = "DAY")]
    from: Option<Day>,
    /// The last day, as YYYY-MM-DD [default: today].
    #[arg(long, value_name = "DAY")]
    to: Option<Day>,
    #[command(flatten)]
    common: Common,
}

impl ShowActivity {
    pub(super) async fn run(self) -> Outcome {
        let holder = Device::open(&self.common)?.holder;
        let Activity { visits, events } = holder.activity(self.from.as_ref(), self.to.as_ref()).await?;
        let Officials { official_accesses } = holder.session().get("/v1/me/consents").await?;
        let body = Shown {
            visits,
            events,
            official_accesses,
        };
        self.common.show().result(&body, |body| {
            let officials = body.official_accesses.iter().map(official);
            let events = body.events.iter().map(event);
            let lines = std::iter::once(words(&body.visits))
                .chain(events)
                .chain(officials);
            lines.collect::<Vec<_>>().join("\n")
        });
        Ok(ExitCode::SUCCESS)
    }
}

/// What is shown: the visits and events of the days, and every official access, whenever it was.
#[derive(Serialize)]
struct Shown {
    visits: Vec<ActivityVisit>,
    events: Vec<ActivityEvent>,
    official_accesses: Vec<MyOfficialAccess>,
}

/// What the platform lists of official accesses beside the consents.
#[derive(Deserialize)]
struct Officials {
    official_accesses: Vec<MyOfficialAccess>,
}

fn official(access: &MyOfficialAccess) -> String {
    format!(
        "{}  OFFICIAL ACCESS by {}: {} ({}), {}, case {}",
        moment(access.opened_at),
        access.authority_name,
        names(&access.fields, Field::as_str),
        access.status.as_str(),
        access.legal_basis,
        access.case_reference,
    )
}

fn event(event: &ActivityEvent) -> String {
    let party = event
        .rp
        .as_ref()
        .map(|rp| rp.name.as_deref().unwrap_or(rp.client_id.as_str()).to_owned());
    let fields = Some(names(&event.fields, Field::as_str)).filter(|fields| !fields.is_empty());
    let details = [
        party,
        event.purpose.clone(),
        fields,
        event.device.clone(),
        event.reason.clone(),
    ];
    let details: Vec<String> = details.into_iter().flatten().collect();
    format!("{}  {} {}", moment(event.time), event.kind, details.join(", "))
        .trim_end()
        .to_owned()
}

fn words(visits: &[ActivityVisit]) -> String {
    if visits.is_empty() {
        return "Nobody asked about you on these days.".into();
    }
    let lines: Vec<String> = visits.iter().map(line).collect();
    lines.join("\n")
}

fn line(visit: &ActivityVisit) -> String {
    let name = visit.rp.name.as_deref().unwrap_or(visit.rp.client_id.as_str());
    let result = if visit.passed { "passed" } else { "failed" };
    let checks = names(&visit.checks, Check::as_str);
    format!(
        "{}  {name}: {} ({checks}) {result}",
        moment(visit.time),
        visit.purpose
    )
}

#[cfg(test)]
mod tests {
    use cyberid_domain::UnixTime;
    use cyberid_protocol::activity::ActivityParty;

    use super::*;

    #[test]
    fn a_visit_is_one_line() {
        let visit = |name: Option<&str>| ActivityVisit {
            time: UnixTime(1_784_131_200),
            rp: ActivityParty {
                client_id: "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
                name: name.map(str::to_owned),
            },
            purpose: "open-account".into(),
            checks: vec![Check::RealPerson, Check::AgeOver18],
            passed: true,
        };
        let said = words(&[visit(Some("Example Bank")), visit(None)]);
        let expected = "2026-07-16 00:00:00 (UTC+8)  Example Bank: open-account (real_person, age_over_18) passed\n\
                        2026-07-16 00:00:00 (UTC+8)  AAAAAAAAAAAAAAAAAAAAAA: open-account (real_person, age_over_18) passed";
        assert_eq!(said, expected);
        assert!(words(&[]).contains("Nobody"));
    }
}

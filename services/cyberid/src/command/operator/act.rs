//! `cyberid operator suspend`, `reinstate`, `approve`, `show`

use std::process::ExitCode;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use cyberid_domain::id::IdentityActId;
use cyberid_domain::number::NetworkNumber;
use cyberid_domain::subject::LifeReason;
use cyberid_protocol::life::{Act, ActStatus, IdentityActBody, IdentityActView};

use super::Common;
use crate::command::Outcome;

const SUSPEND_HELP: &str = "\
Examples:
  cyberid operator suspend --sandbox --number 7K2M9-XQ4TD --reason misuse --reference 2026-117";

/// Suspend identifiers; several at once wait for another operator.
///
/// From then on nothing passes and nothing is released, until operators take the reason away.
#[derive(Debug, Args)]
#[command(after_long_help = SUSPEND_HELP)]
pub(crate) struct Suspend {
    /// Why.
    #[arg(long, value_parser = reasons(&[LifeReason::Operator, LifeReason::Misuse]))]
    reason: LifeReason,
    #[command(flatten)]
    whom: Whom,
    #[command(flatten)]
    common: Common,
}

const REINSTATE_HELP: &str = "\
Examples:
  cyberid operator reinstate --sandbox --number 7K2M9-XQ4TD --reason misuse --reference 2026-117";

/// Take a reason for a suspension away; it waits for another operator.
///
/// With the reason `death` a death that was reported in error is taken back: the identifier then stays suspended for
/// `operator`.
#[derive(Debug, Args)]
#[command(after_long_help = REINSTATE_HELP)]
pub(crate) struct Reinstate {
    /// Which reason.
    #[arg(long, value_parser = reasons(&[LifeReason::Operator, LifeReason::Document, LifeReason::Misuse, LifeReason::Death]))]
    reason: LifeReason,
    #[command(flatten)]
    whom: Whom,
    #[command(flatten)]
    common: Common,
}

/// Whom an act concerns.
#[derive(Debug, Args)]
struct Whom {
    /// A network number; repeat it for several people.
    #[arg(long = "number", value_name = "NUMBER", required = true)]
    numbers: Vec<NetworkNumber>,
    /// The case it belongs to, without a word on the person.
    #[arg(long, value_name = "TEXT")]
    reference: String,
}

const APPROVE_HELP: &str = "\
Examples:
  cyberid operator approve --sandbox act_Zm9vYmFyYmF6cXV4MTIzNA";

/// Approve what another operator asked for, and have it carried out.
///
/// Nobody approves what they asked for themselves.
#[derive(Debug, Args)]
#[command(after_long_help = APPROVE_HELP)]
pub(crate) struct Approve {
    /// The act.
    act: IdentityActId,
    #[command(flatten)]
    common: Common,
}

const SHOW_HELP: &str = "\
Examples:
  cyberid operator show --sandbox act_Zm9vYmFyYmF6cXV4MTIzNA";

/// Show an act: what, why, how many people, and who stands for it.
///
/// Whose identifiers it concerns is not shown again.
#[derive(Debug, Args)]
#[command(after_long_help = SHOW_HELP)]
pub(crate) struct ShowAct {
    /// The act.
    act: IdentityActId,
    #[command(flatten)]
    common: Common,
}

impl Suspend {
    pub(super) async fn run(self) -> Outcome {
        apply(Act::Suspend, self.reason, self.whom, &self.common).await
    }
}

impl Reinstate {
    pub(super) async fn run(self) -> Outcome {
        apply(Act::Reinstate, self.reason, self.whom, &self.common).await
    }
}

impl Approve {
    pub(super) async fn run(self) -> Outcome {
        let session = self.common.session(2).await?;
        let path = format!("/v1/identity-acts/{}/approve", self.act);
        let view: IdentityActView = session.post_empty(&path, &[]).await?;
        self.common.show().result(&view, words);
        Ok(ExitCode::SUCCESS)
    }
}

impl ShowAct {
    pub(super) async fn run(self) -> Outcome {
        let session = self.common.session(1).await?;
        let view: IdentityActView = session.get(&format!("/v1/identity-acts/{}", self.act)).await?;
        self.common.show().result(&view, words);
        Ok(ExitCode::SUCCESS)
    }
}

async fn apply(act: Act, reason: LifeReason, whom: Whom, common: &Common) -> Outcome {
    let session = common.session(1).await?;
    let body = IdentityActBody {
        act,
        reason,
        reference: whom.reference,
        network_numbers: whom.numbers,
    };
    let view: IdentityActView = session.post("/v1/identity-acts", &body).await?;
    common.show().result(&view, words);
    Ok(ExitCode::SUCCESS)
}

fn words(view: &IdentityActView) -> String {
    let act = match view.act {
        Act::Suspend => "Suspending",
        Act::Reinstate => "Reinstating",
    };
    let what = format!("{act} {} for {}", view.identifiers, view.reason.as_str());
    match view.status {
        ActStatus::Done => format!("{what} is done: {}.", view.id),
        ActStatus::InForce => format!("{what} is under way: {}.", view.id),
        ActStatus::Waiting => format!(
            "{what} waits for another operator: cyberid operator approve {}",
            view.id
        ),
    }
}

fn reasons(among: &'static [LifeReason]) -> impl TypedValueParser<Value = LifeReason> {
    let names: Vec<&'static str> = among.iter().map(|reason| reason.as_str()).collect();
    PossibleValuesParser::new(names).try_map(|name| LifeReason::named(&name).ok_or("no such reason"))
}

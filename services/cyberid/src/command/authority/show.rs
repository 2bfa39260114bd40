//! `cyberid authority show`

use std::process::ExitCode;

use clap::Args;
use cyberid_domain::field::Field;
use cyberid_domain::id::OfficialAccessId;
use cyberid_protocol::message;
use cyberid_protocol::official::{OfficialAccessView, Order};

use super::Common;
use super::bureau::Bureau;
use crate::command::Outcome;
use crate::command::outside::{Failure, moment, names};

const HELP: &str = "\
Examples:
  cyberid authority show --sandbox off_Zm9vYmFyYmF6cXV4MTIzNA --json";

/// Show what an order says and where it stands.
///
/// What the second officer reads before signing. Only the authority that ordered it can.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct ShowAccess {
    /// The official access.
    id: OfficialAccessId,
    #[command(flatten)]
    common: Common,
}

impl ShowAccess {
    pub(super) async fn run(self) -> Outcome {
        let bureau = Bureau::open(&self.common).await?;
        let (view, order) = fetch(&bureau, &self.id).await?;
        self.common.show().result(&view, |view| words(view, &order));
        Ok(ExitCode::SUCCESS)
    }
}

/// An official access of this authority, and what its order says.
pub(super) async fn fetch(
    bureau: &Bureau,
    id: &OfficialAccessId,
) -> Result<(OfficialAccessView, Order), Failure> {
    let view: OfficialAccessView = bureau.session.get(&format!("/v1/official-accesses/{id}")).await?;
    let order: Order = message::unverified::<Order>(&view.order)?.unchecked_claims()?;
    if order.authority != *bureau.client_id() {
        return Err("the platform shows an order of another authority".into());
    }
    Ok((view, order))
}

fn words(view: &OfficialAccessView, order: &Order) -> String {
    let refusal = view.refusal.map(|refusal| format!(" ({})", refusal.as_str()));
    format!(
        "{} is {}{}\n{}",
        view.id,
        view.status.as_str(),
        refusal.unwrap_or_default(),
        order_words(order)
    )
}

/// What an order says, for the officer who is to sign it.
pub(super) fn order_words(order: &Order) -> String {
    let subject = match (&order.network_number, &order.client_id, &order.sub) {
        (Some(number), ..) => number.to_string(),
        (None, Some(client_id), Some(sub)) => format!("{sub} at {client_id}"),
        _ => "nobody".into(),
    };
    let notice = order
        .notice_after
        .map_or_else(|| "at once".into(), |after| format!("from {}", moment(after)));
    format!(
        "  one person   {subject}\n  fields       {}\n  case         {}\n  legal basis  {}\n  until        {}\n  \
         told         {notice}",
        names(&order.fields, Field::as_str),
        order.case_reference,
        order.legal_basis,
        moment(order.exp),
    )
}

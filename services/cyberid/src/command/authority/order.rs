//! `cyberid authority order`

use std::process::ExitCode;

use clap::Args;
use cyberid_domain::Clock as _;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::field::Field;
use cyberid_domain::id::{ClientId, Nonce};
use cyberid_domain::number::NetworkNumber;
use cyberid_domain::rng::SystemRng;
use cyberid_protocol::message::Message as _;
use cyberid_protocol::official::{OfficialAccessBody, OfficialAccessRequested, Order};

use super::bureau::Bureau;
use super::{Common, Signer, span};
use crate::command::Outcome;
use crate::command::outside::fields;

const HELP: &str = "\
Examples:
  cyberid authority order --sandbox --number 7K2M9-XQ4TD --field name --case 2026-117 --legal-basis 'CPL, article 54'
  cyberid authority order --authority-key bureau.json --officer-key officer.json --number 7K2M9-XQ4TD --field name \\
      --case 2026-117 --legal-basis 'CPL, article 54' --valid-for 2d --notice-delay 30d";

/// Sign an order for exactly one person's fields, as the first officer.
///
/// Names one person, by a network number, or by a pseudonym at one relying party; there is no search. The order is in
/// the public ledger when this returns, and nothing opens before another officer has signed. The person is told as soon
/// as the record was opened, or after the delay that the order states.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct OrderAccess {
    /// The person's network number.
    #[arg(long, value_name = "NUMBER", required_unless_present = "sub", conflicts_with_all = ["client_id", "sub"])]
    number: Option<NetworkNumber>,
    /// The relying party at which the person is known as `--sub`.
    #[arg(long, requires = "sub", allow_hyphen_values = true)]
    client_id: Option<ClientId>,
    /// The person's pseudonym there.
    #[arg(long, requires = "client_id", allow_hyphen_values = true)]
    sub: Option<String>,
    /// A field to open; may be given several times.
    #[arg(long = "field", value_name = "FIELD", value_parser = fields(), required = true)]
    fields: Vec<Field>,
    /// Your own name of the case.
    #[arg(long = "case", value_name = "REFERENCE")]
    case_reference: String,
    /// The law that the order rests on.
    #[arg(long)]
    legal_basis: String,
    /// For how long it can be countersigned and carried out, such as `36h`; `7d` at most.
    #[arg(long, value_name = "SPAN", default_value = "24h", value_parser = span::life)]
    valid_for: u64,
    /// For how long the person is not told, such as `30d`; `90d` at most [default: told at once].
    #[arg(long, value_name = "SPAN", value_parser = span::delay)]
    notice_delay: Option<u64>,
    #[command(flatten)]
    signer: Signer,
    #[command(flatten)]
    common: Common,
}

impl OrderAccess {
    pub(super) async fn run(self) -> Outcome {
        let bureau = Bureau::open(&self.common).await?;
        let officer = bureau.officer(&self.signer, 1)?;
        let order = self.order(&bureau).sign(&officer)?;
        let body = OfficialAccessBody { order };
        let requested: OfficialAccessRequested = bureau.session.post("/v1/official-accesses", &body).await?;
        self.common.show().result(&requested, |requested| {
            let id = &requested.id;
            format!("{id}\nAnother officer signs it with: cyberid authority countersign {id}")
        });
        Ok(ExitCode::SUCCESS)
    }

    fn order(&self, bureau: &Bureau) -> Order {
        let now = SystemClock.now();
        Order {
            aud: bureau.platform.issuer().into(),
            authority: bureau.client_id().clone(),
            network_number: self.number.clone(),
            client_id: self.client_id.clone(),
            sub: self.sub.clone(),
            fields: self.fields.clone(),
            case_reference: self.case_reference.clone(),
            legal_basis: self.legal_basis.clone(),
            iat: now,
            exp: now.plus(self.valid_for),
            notice_after: self.notice_delay.map(|delay| now.plus(delay)),
            enc_jkt: bureau.encryption_key().public_key().thumbprint(),
            jti: Nonce::random(&SystemRng),
        }
    }
}

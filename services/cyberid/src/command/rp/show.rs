//! `cyberid rp show`

use std::process::ExitCode;

use clap::Args;
use cyberid_client::{ClientError, KeyRole};
use cyberid_domain::check::Check;
use cyberid_domain::field::Field;
use cyberid_protocol::registration::{Registered, RegistrationCertificate};

use super::Common;
use super::party::Party;
use crate::command::Outcome;
use crate::command::outside::{moment, names};

const HELP: &str = "\
Examples:
  cyberid rp show";

/// Show where the registration stands, and fetch its certificates.
///
/// Each certificate is the platform's signed word on one purpose: what may be asked, on which basis, and until when.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct ShowRegistration {
    #[command(flatten)]
    common: Common,
}

/// The platform does not let the relying party in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the platform lets this relying party do nothing: a second operator has not approved it, or it is suspended"
)]
struct NotActive;

impl ShowRegistration {
    pub(super) async fn run(self) -> Outcome {
        let party = Party::open(&self.common)?;
        let path = format!("/v1/relying-parties/{}", party.rp.client_id());
        let registered: Registered = match party.rp.session().get(&path).await {
            Err(ClientError::TokenRefused { .. }) => return Err(NotActive.into()),
            answer => answer?,
        };
        let mut uses = String::new();
        for compact in &registered.registration_certificates {
            let opened = party.rp.platform().open(KeyRole::Registration, compact);
            uses.push_str(&use_words(&opened.await?));
        }
        party.keep_registration(&registered)?;
        self.common.show().result(&registered, |registered| {
            format!(
                "{} is {}.{uses}",
                registered.client_id,
                registered.status.as_str()
            )
        });
        Ok(ExitCode::SUCCESS)
    }
}

fn use_words(certificate: &RegistrationCertificate) -> String {
    let RegistrationCertificate {
        name,
        domain,
        intended_use,
        exp,
        ..
    } = certificate;
    let checks = names(&intended_use.checks, Check::as_str);
    let fields = names(&intended_use.fields, Field::as_str);
    format!(
        "\n{}: {name} ({domain}), until {}\n  checks: {checks}\n  plaintext: {}",
        intended_use.purpose,
        moment(*exp),
        if fields.is_empty() { "none" } else { &fields },
    )
}

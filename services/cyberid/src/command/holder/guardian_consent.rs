//! `cyberid holder guardian-consent`

use std::process::ExitCode;

use clap::Args;
use cyberid_domain::field::Field;
use cyberid_holder::{Holder, ReviewedRequest};
use cyberid_protocol::statement::Locale;
use serde_json::json;

use super::Common;
use super::device::Device;
use crate::command::Outcome;
use crate::command::outside::{Failure, fields};
use crate::terminal::{line, note};

const HELP: &str = "\
Examples:
  cyberid holder guardian-consent --ward-key 0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I > consent.jws
  cyberid holder guardian-consent --ward-key 0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I --release rel_Zm9vYmFyYmF6cXV4MTIzNA
  cyberid holder enrol --home child --sandbox-person 7 --guardian-consent consent.jws";

/// Agree, as a guardian, that a minor enrols with another device.
///
/// Prints a signed consent to hand over: good for that device key alone, once, for ten minutes. That you are the child's guardian
/// is your own word; no register confirms it.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct GuardianConsent {
    /// The thumbprint of the child's device key, as `cyberid holder key` prints it there.
    #[arg(long, value_name = "THUMBPRINT", allow_hyphen_values = true)]
    ward_key: String,
    /// Agree to this release of a ward under 14 instead: its address, or its id.
    #[arg(long, value_name = "REQUEST")]
    release: Option<String>,
    /// The fields of the release to agree to; without this, all that are asked.
    #[arg(long, value_delimiter = ',', value_parser = fields(), requires = "release")]
    fields: Vec<Field>,
    /// The language of the statement: `zh-CN` or `en`.
    #[arg(long, value_name = "TAG", default_value = "zh-CN")]
    locale: Locale,
    #[command(flatten)]
    common: Common,
}

impl GuardianConsent {
    pub(super) async fn run(self) -> Outcome {
        let holder = Device::open(&self.common)?.holder;
        let consent = match &self.release {
            Some(release) => self.to_release(&holder, release).await?,
            None => holder.guardian_consent(&self.ward_key)?,
        };
        if self.common.json {
            line(&json!({"guardian_consent": consent}).to_string());
        } else {
            note("Hand this to the child's device: it is good for ten minutes.");
            line(&consent);
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn to_release(&self, holder: &Holder, release: &str) -> Result<String, Failure> {
        let reviewed = holder.fetch_request(release, self.locale).await?;
        let ReviewedRequest::Release(release) = &reviewed else {
            return Err("this is a request for pass or fail: `cyberid holder wards` shows it".into());
        };
        note(release.statement());
        let asked = &release.request().fields;
        let agreed = if self.fields.is_empty() {
            asked
        } else {
            &self.fields
        };
        Ok(holder.guardian_release(release, &self.ward_key, agreed)?)
    }
}

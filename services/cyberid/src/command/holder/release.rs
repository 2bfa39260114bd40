//! `cyberid holder release`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use cyberid_domain::field::Field;
use cyberid_holder::{Consented, ReviewedRelease, ReviewedRequest};
use cyberid_protocol::statement::Locale;
use serde_json::{Value, json};

use super::Common;
use super::decision::{Answer, Decision, left_alone};
use super::device::Device;
use crate::command::Outcome;
use crate::command::outside::{NoTerminal, confirm, fields, names, read_text_of, terminal};
use crate::terminal::note;

const HELP: &str = "\
Examples:
  cyberid holder release rel_Zm9vYmFyYmF6cXV4MTIzNA
  cyberid holder release rel_Zm9vYmFyYmF6cXV4MTIzNA --fields name --yes";

/// Answer a service that asks for plaintext, field by field.
///
/// Shows the exact statement that you then sign: this text, these fields, this service, this encryption key. Each field
/// is off until you choose it. The consent is in the public ledger before this command ends; its receipt is checked and
/// kept.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Release {
    /// The request: its address, as from a link or a QR code, or its id.
    request: String,
    /// The fields to grant; with `--yes` and without this, all that are asked.
    #[arg(long, value_delimiter = ',', value_parser = fields(), conflicts_with = "decline")]
    fields: Vec<Field>,
    /// The agreement of a guardian, for whoever is under 14: what `cyberid holder guardian-consent --release` printed there.
    #[arg(long, value_name = "FILE", conflicts_with = "decline")]
    guardian_consent: Option<PathBuf>,
    /// The language of the statement: `zh-CN` or `en`.
    #[arg(long, value_name = "TAG", default_value = "zh-CN")]
    locale: Locale,
    #[command(flatten)]
    answer: Answer,
    #[command(flatten)]
    common: Common,
}

/// The request is of the other kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is a request for pass or fail: answer it with `cyberid holder approve`")]
struct NotARelease;

impl Release {
    pub(super) async fn run(self) -> Outcome {
        let device = Device::open(&self.common)?;
        let reviewed = device.holder.fetch_request(&self.request, self.locale).await?;
        let ReviewedRequest::Release(release) = &reviewed else {
            return Err(NotARelease.into());
        };
        note(release.statement());
        note(&format!(
            "The same code has to stand on its screen: {}.",
            release.comparison_code()
        ));
        let (decision, granted) = self.decide(release)?;
        let result = match decision {
            Decision::Leave => return Ok(left_alone()),
            Decision::Decline => {
                device.holder.decline(&reviewed).await?;
                json!({"id": reviewed.id(), "answer": "declined"})
            }
            Decision::Agree => {
                let guardian = self.guardian_consent.as_deref().map(read_text_of).transpose()?;
                let consented = device
                    .holder
                    .grant_release_with(release, &granted, guardian.as_deref())
                    .await?;
                let path = device.keep_receipt(&consented.receipt).await?;
                granted_result(&consented, &Device::place(path.as_deref()))
            }
        };
        self.common.show().result(&result, words);
        Ok(ExitCode::SUCCESS)
    }

    /// What the holder wants, and for which fields.
    fn decide(&self, release: &ReviewedRelease) -> Result<(Decision, Vec<Field>), NoTerminal> {
        let asked = &release.request().fields;
        if self.fields.is_empty() && !self.answer.yes() && !self.answer.decline() {
            let granted = choose(asked, terminal)?;
            let decision = if granted.is_empty() {
                Decision::Leave
            } else {
                Decision::Agree
            };
            return Ok((decision, granted));
        }
        let granted = if self.fields.is_empty() {
            asked
        } else {
            &self.fields
        };
        let question = format!("Sign this, and release {}?", names(granted, Field::as_str));
        Ok((self.answer.decide(&question)?, granted.clone()))
    }
}

/// Asks for each field on its own.
fn choose<T: std::io::BufRead>(
    asked: &[Field],
    terminal: impl FnOnce() -> Result<T, NoTerminal>,
) -> Result<Vec<Field>, NoTerminal> {
    let mut answers = terminal()?;
    let mut chosen = asked.to_vec();
    chosen.retain(|field| confirm(&format!("Release {}?", field.as_str()), &mut answers));
    Ok(chosen)
}

fn granted_result(consented: &Consented, path: &str) -> Value {
    let receipt = &consented.receipt;
    json!({
        "id": receipt.consent().request, "answer": "granted", "consent_id": consented.consent_id,
        "fields": receipt.consent().fields, "leaf_index": receipt.index(), "ledger_size": receipt.tree().size,
        "receipt": path,
    })
}

fn words(result: &Value) -> String {
    let text = |name: &str| result.get(name).and_then(Value::as_str).unwrap_or_default();
    let Some(index) = result.get("leaf_index").filter(|_| text("answer") == "granted") else {
        return "The request is declined.".into();
    };
    format!(
        "Granted. The consent {id} is leaf {index} of the ledger, and its receipt, checked, is in {path}.\n\
         To withdraw it: cyberid holder withdraw {id}",
        id = text("consent_id"),
        path = text("receipt"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_is_off_until_it_is_chosen() {
        let asked = [Field::Name, Field::DocumentNumber, Field::BirthDate];
        let chosen = |answers: &'static str| choose(&asked, || Ok(answers.as_bytes())).unwrap();
        assert_eq!(chosen("y\nn\nyes\n"), [Field::Name, Field::BirthDate]);
        assert_eq!(chosen("\n"), []);
    }

    #[test]
    fn nobody_chooses_where_there_is_no_terminal() {
        assert_eq!(
            choose::<&[u8]>(&[Field::Name], || Err(NoTerminal)),
            Err(NoTerminal)
        );
    }
}

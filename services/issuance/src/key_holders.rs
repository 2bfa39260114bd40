//! Issuance's commands to vault and custodian, each signed by the enrolment key.

use cyberid_client::{Client, ClientError};
use cyberid_crypto::{KeyFailure, PublicKey, base64url, hpke};
use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_domain::id::{Nonce, SubjectId};
use cyberid_domain::personal::Personal;
use cyberid_protocol::deposit::{
    CommandBody, Deposit, DepositedField, KeyHolder, MAX_LIFE, Outcome, RESERVATION_INFO, Reservation,
    ReservationAnswer, Settlement,
};
use cyberid_protocol::message::Message;
use cyberid_protocol::problem::ProblemType;
use cyberid_record::{Place, RecordSealer};
use zeroize::Zeroizing;

use crate::document::CheckedDocument;
use crate::{EnrolmentError, Issuance, calendar};

/// What each key holder is to keep of a record.
pub(crate) struct SealedRecord {
    /// Who it is, for the vault.
    pub(crate) person: String,
    vault: Vec<DepositedField>,
    /// Of each custodian.
    custodians: Vec<Vec<DepositedField>>,
}

/// What a new record is bound to.
pub(crate) struct Binds<'a> {
    pub(crate) subject: SubjectId,
    pub(crate) device: &'a PublicKey,
    pub(crate) number_commitment: &'a str,
}

impl Issuance {
    /// Asks the vault to reserve the person of `document`; `false` if the person is taken.
    pub(crate) async fn reserve(
        &self,
        subject: SubjectId,
        document: &CheckedDocument,
    ) -> Result<bool, EnrolmentError> {
        let (vault, aad, person) = (self.parts.vault_key.key(), subject.as_bytes(), person(document));
        let sealed = hpke::seal(&vault, RESERVATION_INFO, aad, person.as_bytes())?;
        let (iat, exp) = self.command_life();
        let command = self.command(&Reservation {
            aud: KeyHolder::Vault,
            subject,
            person_sealed: base64url::encode(&sealed),
            iat,
            exp,
            jti: Nonce::random(&*self.parts.rng),
        })?;
        let answer: ReservationAnswer = self.parts.vault.post("/v1/reservations", &command).await?;
        Ok(answer.reserved)
    }

    /// Seals every field of a record, and for the vault and the use `info` who it is: after this nothing here opens it.
    pub(crate) fn seal_record(
        &self,
        subject: SubjectId,
        document: &CheckedDocument,
        birth_date: time::Date,
        info: &[u8],
    ) -> Result<SealedRecord, KeyFailure> {
        let custodians = self.parts.custodians.iter();
        let custodians: Vec<PublicKey> = custodians.map(|custodian| custodian.key.key()).collect();
        let mut sealer = RecordSealer::new(self.parts.vault_key.key(), &custodians)?;
        let person = sealer.seal_to_vault(info, subject.as_bytes(), person(document).as_bytes())?;
        let mut record = SealedRecord {
            person: base64url::encode(&person),
            vault: Vec::new(),
            custodians: vec![Vec::new(); custodians.len()],
        };
        for field in Field::ALL {
            let value = value(field, document, birth_date);
            let new = sealer.seal(&Place { subject, field }, &value, &*self.parts.rng)?;
            let ciphertext = Some(base64url::encode(&new.ciphertext));
            record.vault.push(deposited(field, ciphertext, &new.vault_share));
            for (fields, share) in record.custodians.iter_mut().zip(&new.custodian_shares) {
                fields.push(deposited(field, None, share));
            }
        }
        Ok(record)
    }

    /// Has the vault reserve the person and keep its part of the record, in one step or neither, then each custodian its
    /// part; `false` if the vault bars the person. Nothing opens before all have confirmed.
    pub(crate) async fn deposit(
        &self,
        binds: &Binds<'_>,
        record: SealedRecord,
    ) -> Result<bool, EnrolmentError> {
        let SealedRecord {
            person,
            vault,
            custodians,
        } = record;
        let command = self.deposit_command(KeyHolder::Vault, binds, vault, Some(person))?;
        match self.parts.vault.post_no_content("/v1/deposits", &command).await {
            Err(error) if error.problem() == Some(ProblemType::Forbidden) => return Ok(false),
            kept => kept?,
        }
        for (client, shares) in self.key_holders(KeyHolder::Custodian).into_iter().zip(custodians) {
            let command = self.deposit_command(KeyHolder::Custodian, binds, shares, None)?;
            client.post_no_content("/v1/deposits", &command).await?;
        }
        Ok(true)
    }

    fn deposit_command(
        &self,
        aud: KeyHolder,
        binds: &Binds<'_>,
        fields: Vec<DepositedField>,
        person_sealed: Option<String>,
    ) -> Result<CommandBody, KeyFailure> {
        let (iat, exp) = self.command_life();
        self.command(&Deposit {
            aud,
            subject: binds.subject,
            device: *binds.device,
            number_commitment: binds.number_commitment.into(),
            fields,
            person_sealed,
            iat,
            exp,
            jti: Nonce::random(&*self.parts.rng),
        })
    }

    /// The part of each key holder, custodians first.
    pub(crate) fn parts_of(&self, record: SealedRecord) -> Vec<(KeyHolder, &Client, Vec<DepositedField>)> {
        let custodians = self.key_holders(KeyHolder::Custodian).into_iter();
        let custodians = custodians.zip(record.custodians);
        custodians
            .map(|(client, fields)| (KeyHolder::Custodian, client, fields))
            .chain([(KeyHolder::Vault, &self.parts.vault, record.vault)])
            .collect()
    }

    /// Tells all key holders how enrolments ended. Each is told, whatever the other says.
    pub(crate) async fn settle(
        &self,
        subjects: &[SubjectId],
        outcome: Outcome,
    ) -> Result<(), EnrolmentError> {
        let (custodian, vault) = tokio::join!(
            self.settle_with(KeyHolder::Custodian, subjects, outcome),
            self.settle_with(KeyHolder::Vault, subjects, outcome),
        );
        custodian.and(vault)
    }

    async fn settle_with(
        &self,
        aud: KeyHolder,
        subjects: &[SubjectId],
        outcome: Outcome,
    ) -> Result<(), EnrolmentError> {
        let Some((subject, others)) = subjects.split_first() else {
            return Ok(());
        };
        let (iat, exp) = self.command_life();
        let command = self.command(&Settlement {
            aud,
            subject: *subject,
            others: others.into(),
            outcome,
            iat,
            exp,
            jti: Nonce::random(&*self.parts.rng),
        })?;
        Ok(self.tell(aud, "/v1/settlements", &command).await?)
    }

    /// Tells the vault, or every custodian, the same. Each is told, whatever another says; the first failure is the answer.
    pub(crate) async fn tell(
        &self,
        aud: KeyHolder,
        path: &str,
        command: &CommandBody,
    ) -> Result<(), ClientError> {
        let mut told = Ok(());
        for client in self.key_holders(aud) {
            told = told.and(client.post_no_content(path, command).await);
        }
        told
    }

    fn key_holders(&self, which: KeyHolder) -> Vec<&Client> {
        match which {
            KeyHolder::Vault => vec![&self.parts.vault],
            KeyHolder::Custodian => {
                let custodians = self.parts.custodians.iter();
                custodians.map(|custodian| &custodian.client).collect()
            }
        }
    }

    pub(crate) fn command_life(&self) -> (UnixTime, UnixTime) {
        let now = self.now();
        (now, now.plus(MAX_LIFE))
    }

    pub(crate) fn command(&self, command: &impl Message) -> Result<CommandBody, KeyFailure> {
        let message = command.sign(&*self.parts.enrolment_key.current())?;
        Ok(CommandBody { message })
    }
}

/// Who it is, as the vault indexes people.
fn person(document: &CheckedDocument) -> Zeroizing<String> {
    Zeroizing::new(format!("{}|{}", document.kind.as_str(), document.number.expose()))
}

fn value(field: Field, document: &CheckedDocument, birth_date: time::Date) -> Personal {
    match field {
        Field::Name => document.name.clone(),
        Field::DocumentType => Personal::new(document.kind.as_str().to_owned()),
        Field::DocumentNumber => Personal::new(document.number.expose().to_owned()),
        Field::BirthDate => Personal::new(calendar::write(birth_date)),
        Field::ValidUntil => document.valid_until.clone(),
    }
}

fn deposited(field: Field, ciphertext: Option<String>, share: &[u8]) -> DepositedField {
    DepositedField {
        field,
        ciphertext,
        share: base64url::encode(share),
    }
}

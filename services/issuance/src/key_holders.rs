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
use cyberid_record::{Place, RecordSealer};
use zeroize::Zeroizing;

use crate::document::CheckedDocument;
use crate::{EnrolmentError, Issuance, calendar};

/// What each key holder is to keep of a record.
pub(crate) struct SealedRecord {
    vault: Vec<DepositedField>,
    /// Of each custodian.
    custodians: Vec<Vec<DepositedField>>,
}

impl Issuance {
    /// Asks the vault to reserve the person of `document`; `false` if the person is taken.
    pub(crate) async fn reserve(
        &self,
        subject: SubjectId,
        document: &CheckedDocument,
    ) -> Result<bool, EnrolmentError> {
        let person = Zeroizing::new(format!("{}|{}", document.kind.as_str(), document.number.expose()));
        let sealed = hpke::seal(
            &self.parts.vault_key.key(),
            RESERVATION_INFO,
            subject.as_bytes(),
            person.as_bytes(),
        )?;
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

    /// Seals every field of a record: after this nothing here opens it.
    pub(crate) fn seal_record(
        &self,
        subject: SubjectId,
        document: &CheckedDocument,
        birth_date: time::Date,
    ) -> Result<SealedRecord, KeyFailure> {
        let mut record = SealedRecord {
            vault: Vec::new(),
            custodians: self.parts.custodians.iter().map(|_| Vec::new()).collect(),
        };
        let custodians = self.parts.custodians.iter();
        let custodians: Vec<PublicKey> = custodians.map(|custodian| custodian.key.key()).collect();
        let mut sealer = RecordSealer::new(self.parts.vault_key.key(), &custodians)?;
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

    /// Hands each key holder its part of the record, custodians first: a record without shares opens nothing.
    pub(crate) async fn deposit(
        &self,
        subject: SubjectId,
        device: &PublicKey,
        number_commitment: &str,
        record: SealedRecord,
    ) -> Result<(), EnrolmentError> {
        for (aud, client, fields) in self.parts_of(record) {
            let (iat, exp) = self.command_life();
            let command = self.command(&Deposit {
                aud,
                subject,
                device: *device,
                number_commitment: number_commitment.into(),
                fields,
                iat,
                exp,
                jti: Nonce::random(&*self.parts.rng),
            })?;
            client.post_no_content("/v1/deposits", &command).await?;
        }
        Ok(())
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

    /// Tells all key holders how an enrolment ended. Each is told, whatever the other says.
    pub(crate) async fn settle(&self, subject: SubjectId, outcome: Outcome) -> Result<(), EnrolmentError> {
        let (custodian, vault) = tokio::join!(
            self.settle_with(KeyHolder::Custodian, subject, outcome),
            self.settle_with(KeyHolder::Vault, subject, outcome),
        );
        custodian.and(vault)
    }

    async fn settle_with(
        &self,
        aud: KeyHolder,
        subject: SubjectId,
        outcome: Outcome,
    ) -> Result<(), EnrolmentError> {
        let (iat, exp) = self.command_life();
        let command = self.command(&Settlement {
            aud,
            subject,
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

//! The transcript of a ceremony: what was signed, by whom, and what the keys were before and after.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use cyberid_crypto::{KeyFailure, Sign, digest, json, jws};
use cyberid_domain::UnixTime;
use cyberid_keystore::{RoleName, Step};
use cyberid_protocol::canonical;
use cyberid_protocol::message::{self, Message};
use serde::{Deserialize, Serialize};

use super::file::{CeremonyFile, FileError};
use super::signature::{CeremonySignature, NotSigned};
use crate::command::keys::row::{Row, words};
use crate::platform::KeyOperator;

/// Why a transcript is not written, or not believed.
#[derive(Debug, thiserror::Error)]
pub(in crate::command::keys) enum TranscriptError {
    #[error("the transcript cannot be read or written")]
    Io(#[from] std::io::Error),
    #[error("the transcript is not of the form")]
    Form,
    #[error(transparent)]
    Ceremony(#[from] FileError),
    #[error(transparent)]
    Signatures(#[from] NotSigned),
    #[error("the transcript names other operators than those who signed")]
    Operators,
    #[error("the transcript is not signed by the keystore's ceremony key")]
    NotSigned(#[source] Option<jws::InvalidJws>),
    #[error("the ceremony key could not be used")]
    Key(#[from] KeyFailure),
    #[error("the keys after the ceremony are not what its file makes of those before: {0}")]
    Keys(String),
    #[error("the ceremony was not held in its time")]
    Time,
}

/// A transcript.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Transcript {
    record: Record,
    /// A compact JWS over the record's digest, by the active `ceremony` key.
    signature: String,
}

/// What happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    /// The file, as it was signed.
    pub(super) ceremony: String,
    /// The operators' signatures of it.
    pub(super) signatures: Vec<String>,
    /// The operators' names.
    pub(super) operators: Vec<String>,
    /// The version of the program that held it.
    pub(super) program: String,
    pub(super) began: UnixTime,
    pub(super) ended: UnixTime,
    pub(super) before: Vec<Row>,
    pub(super) after: Vec<Row>,
}

/// The claims of a transcript's signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TranscriptClaims {
    /// The digest of the record in its canonical form.
    transcript: String,
    iat: UnixTime,
}

impl Message for TranscriptClaims {
    const TYP: &'static str = "cyberid-key-transcript+jwt";
}

impl Transcript {
    /// Makes the file, which is not there yet, before anything is done that could not be written down.
    pub(super) fn reserve(path: &Path) -> Result<File, TranscriptError> {
        Ok(OpenOptions::new().write(true).create_new(true).open(path)?)
    }

    /// Signs a record.
    pub(super) fn sign(record: Record, key: &dyn Sign) -> Result<Self, TranscriptError> {
        let claims = TranscriptClaims {
            transcript: record.digest()?,
            iat: record.ended,
        };
        let signature = claims.sign(key)?;
        Ok(Self { record, signature })
    }

    /// Writes it.
    pub(super) fn save(&self, mut file: File) -> Result<(), TranscriptError> {
        let mut text = serde_json::to_vec_pretty(self).map_err(|_| TranscriptError::Form)?;
        text.push(b'\n');
        file.write_all(&text)?;
        Ok(file.sync_all()?)
    }

    /// Reads one.
    pub(super) fn load(path: &Path) -> Result<Self, TranscriptError> {
        json::from_slice(&std::fs::read(path)?).map_err(|_| TranscriptError::Form)
    }

    /// Believes a transcript whose file two of these operators signed, whose keys became what the file says, and which the
    /// keystore's ceremony key signed.
    pub(super) fn verify(&self, operators: &[KeyOperator]) -> Result<(), TranscriptError> {
        let record = &self.record;
        let file = CeremonyFile::parse(record.ceremony.clone())?;
        let names = CeremonySignature::check_all(&file, &record.signatures, operators)?;
        if names != record.operators {
            return Err(TranscriptError::Operators);
        }
        if record.began > record.ended || file.require_in_time(record.began).is_err() {
            return Err(TranscriptError::Time);
        }
        record.require_meant(&file)?;
        for step in file.steps() {
            record.require_taken(&step)?;
        }
        self.require_signed()
    }

    pub(super) fn require_signed(&self) -> Result<(), TranscriptError> {
        let mut after = self.record.after.iter();
        let key = after.find(|row| row.is(RoleName::Ceremony.as_str(), "active"));
        let key = key.and_then(Row::key).ok_or(TranscriptError::NotSigned(None))?;
        let claims: TranscriptClaims =
            message::open(&self.signature, &key).map_err(|error| TranscriptError::NotSigned(Some(error)))?;
        if claims.transcript == self.record.digest()? {
            Ok(())
        } else {
            Err(TranscriptError::NotSigned(None))
        }
    }

    /// What happened, for people.
    pub(super) fn words(&self) -> String {
        let record = &self.record;
        format!(
            "held {} by {}\n{}",
            record.ended.date(),
            record.operators.join(" and "),
            words(&record.after)
        )
    }
}

impl Record {
    fn digest(&self) -> Result<String, TranscriptError> {
        let text = canonical::to_string(self).map_err(|_| TranscriptError::Form)?;
        Ok(digest::sha256_base64url(text.as_bytes()))
    }

    /// The keystore is the one that the file names.
    fn require_meant(&self, file: &CeremonyFile) -> Result<(), TranscriptError> {
        let role = RoleName::Ceremony.as_str();
        let was = self.before.iter().find(|row| row.is(role, "active"));
        if was.map(|row| row.id.as_str()) == file.keystore() {
            Ok(())
        } else {
            Err(TranscriptError::Keys("it is another keystore".to_owned()))
        }
    }

    fn require_taken(&self, step: &Step) -> Result<(), TranscriptError> {
        let taken = match step {
            Step::Make(role) => {
                self.before(*role, "active").is_none() && self.after(*role, "active").is_some()
            }
            Step::Prepare(role) => self.is_prepared(*role),
            Step::Rotate(role) => self.is_rotated(*role),
            Step::Revoke(id) => self.state_after(id) == Some("revoked"),
        };
        if taken {
            Ok(())
        } else {
            Err(TranscriptError::Keys(format!("{step:?}")))
        }
    }

    /// A next key is there, or it is the active one by now.
    fn is_prepared(&self, role: RoleName) -> bool {
        let moved = self.before(role, "active") != self.after(role, "active");
        self.after(role, "next").is_some() || moved
    }

    /// Another key is active, and the one that was is not forgotten.
    fn is_rotated(&self, role: RoleName) -> bool {
        let (was, is) = (self.before(role, "active"), self.after(role, "active"));
        let retired = was.is_none_or(|id| matches!(self.state_after(id), Some("retained" | "revoked")));
        is.is_some() && was != is && retired
    }

    fn before(&self, role: RoleName, state: &str) -> Option<&str> {
        id_of(&self.before, role, state)
    }

    fn after(&self, role: RoleName, state: &str) -> Option<&str> {
        id_of(&self.after, role, state)
    }

    fn state_after(&self, id: &str) -> Option<&str> {
        let row = self.after.iter().find(|row| row.id == id);
        row.map(|row| row.state.as_str())
    }
}

fn id_of<'a>(rows: &'a [Row], role: RoleName, state: &str) -> Option<&'a str> {
    let row = rows.iter().find(|row| row.is(role.as_str(), state));
    row.map(|row| row.id.as_str())
}

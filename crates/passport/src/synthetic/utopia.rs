//! Utopia, the country of the specimens: an authority, a document signer, and a passport for whoever asks.

use cyberid_domain::UnixTime;
use cyberid_domain::clock::DAY;
use der::Decode as _;
use time::Date;
use x509_cert::Certificate;

use super::authority::{Authority, Profile};
use super::document::{SodPlan, dg1, dg2, td3};
use super::key::{Digest, Key, KeyKind, SyntheticFault};
use super::revocation::revocation_list;
use crate::Chip;

/// For how many days its certificates are valid; and its revocation list, which nobody renews.
const DAYS: u64 = 15 * 365;

/// The country. Its authority's key is forgotten once the signer is certified.
#[derive(Debug)]
pub struct Utopia {
    signer: Authority,
}

/// A country that was just founded.
#[derive(Debug)]
pub struct Founded {
    /// The country.
    pub utopia: Utopia,
    /// The files of a folder of trust anchors that trusts it, each with its name.
    pub files: Vec<(String, Vec<u8>)>,
}

/// Whom a passport is for.
#[derive(Debug, Clone, Copy)]
pub struct Holder<'a> {
    /// Given names, then the surname last, in Latin letters.
    pub name: &'a str,
    /// The number without its check digit.
    pub number: &'a str,
    /// The date of birth.
    pub birth_date: Date,
    /// The last valid day.
    pub valid_until: Date,
}

impl Holder<'_> {
    /// The machine-readable zone of their passport.
    pub fn zone(&self) -> String {
        td3(
            "UTO",
            &name(self.name),
            self.number,
            &digits(self.birth_date),
            &digits(self.valid_until),
        )
    }
}

impl Utopia {
    /// Founds the country.
    pub fn found(now: UnixTime) -> Result<Founded, SyntheticFault> {
        let (from, to) = (now.day_start(), now.day_start().plus(DAYS * DAY));
        let key = || Key::make(KeyKind::P256, Digest::Sha256);
        let authority = Authority::self_signed(&Profile::authority("UT", from, to), key()?)?;
        let signer = authority.certify(&Profile::signer("UT", from, to), key()?)?;
        let files = vec![
            ("utopia.cer".to_owned(), authority.der()?),
            (
                "utopia.crl".to_owned(),
                revocation_list(&authority, &[], from, to)?,
            ),
        ];
        let utopia = Self { signer };
        Ok(Founded { utopia, files })
    }

    /// The country as it was kept: the signer's certificate, and its key as PEM.
    pub fn resume(certificate: &[u8], key: &[u8]) -> Result<Self, SyntheticFault> {
        let (certificate, key) = (Certificate::from_der(certificate)?, Key::from_pem(key)?);
        Ok(Self {
            signer: Authority { certificate, key },
        })
    }

    /// What is kept of the country: the signer's certificate, and its key as PEM.
    pub fn kept(&self) -> Result<(Vec<u8>, Vec<u8>), SyntheticFault> {
        Ok((self.signer.der()?, self.signer.key.to_pem()?))
    }

    /// The chip of somebody's passport.
    pub fn issue(&self, holder: &Holder<'_>) -> Result<Chip, SyntheticFault> {
        self.issue_zone(&holder.zone())
    }

    /// The chip of the document with this machine-readable zone, whatever document that is.
    pub fn issue_zone(&self, zone: &str) -> Result<Chip, SyntheticFault> {
        let (dg1, dg2) = (dg1(zone), dg2(b"a picture that shows nobody"));
        let plan = SodPlan::new(vec![(1, dg1.clone()), (2, dg2.clone())]);
        Ok(Chip {
            sod: plan.sign(&self.signer)?,
            dg1,
            dg2: Some(dg2),
        })
    }
}

/// `ANNA MARIA ERIKSSON` as `ERIKSSON<<ANNA<MARIA`.
fn name(name: &str) -> String {
    let (given, surname) = name.rsplit_once(' ').unwrap_or(("", name));
    format!("{surname}<<{}", given.replace(' ', "<"))
}

/// `YYMMDD`.
fn digits(date: Date) -> String {
    let text = date.to_string().replace('-', "");
    text.get(2..).unwrap_or_default().to_owned()
}

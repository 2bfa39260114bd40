//! Certificates: a country's authority, and whom it has sign.

use std::str::FromStr as _;
use std::time::Duration;

use cyberid_domain::UnixTime;
use der::asn1::{BitString, OctetString, UtcTime};
use der::{Encode as _, EncodePem as _, pem::LineEnding};
use x509_cert::certificate::{Certificate, TbsCertificate, Version};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectKeyIdentifier,
};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::{Time, Validity};

use super::key::{Key, SyntheticFault, oid};
use crate::certificate::MASTER_LIST_SIGNER;

/// Somebody with a certificate and the key of it.
#[derive(Debug, Clone)]
pub struct Authority {
    /// The certificate.
    pub certificate: Certificate,
    /// The key.
    pub key: Key,
}

/// What a certificate says, right for a document signer of Utopia unless it is changed.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The subject, by RFC 4514.
    pub subject: String,
    /// The serial number.
    pub serial: u8,
    /// The first valid moment.
    pub from: UnixTime,
    /// The last valid moment.
    pub to: UnixTime,
    /// Whether it is an authority's.
    pub authority: bool,
    /// What the key may do.
    pub usages: Vec<KeyUsages>,
    /// The extended key usage.
    pub extended: Vec<&'static str>,
    /// Other extensions: identifier, critical, value.
    pub others: Vec<(&'static str, bool, Vec<u8>)>,
    /// The version.
    pub version: Version,
}

impl Profile {
    /// A document signer of this country.
    pub fn signer(country: &str, from: UnixTime, to: UnixTime) -> Self {
        Self {
            subject: format!("CN=Document Signer 1,O=Synthetic,C={country}"),
            serial: 7,
            from,
            to,
            authority: false,
            usages: vec![KeyUsages::DigitalSignature],
            extended: Vec::new(),
            others: Vec::new(),
            version: Version::V3,
        }
    }

    /// A master list signer of this country.
    pub fn list_signer(country: &str, from: UnixTime, to: UnixTime) -> Self {
        Self {
            subject: format!("CN=Master List Signer,O=Synthetic,C={country}"),
            serial: 9,
            extended: vec!["2.23.136.1.1.3"],
            ..Self::signer(country, from, to)
        }
    }

    /// The authority of this country.
    pub fn authority(country: &str, from: UnixTime, to: UnixTime) -> Self {
        Self {
            subject: format!("CN=Country Signing CA,O=Synthetic,C={country}"),
            serial: 1,
            authority: true,
            usages: vec![KeyUsages::KeyCertSign, KeyUsages::CRLSign],
            ..Self::signer(country, from, to)
        }
    }
}

impl Authority {
    /// Somebody who vouches for themselves.
    pub fn self_signed(profile: &Profile, key: Key) -> Result<Self, SyntheticFault> {
        let subject = Name::from_str(&profile.subject)?;
        let certificate = certificate(profile, &key, &subject, &key)?;
        Ok(Self { certificate, key })
    }

    /// Somebody whom this authority vouches for.
    pub fn certify(&self, profile: &Profile, key: Key) -> Result<Self, SyntheticFault> {
        let issuer = &self.certificate.tbs_certificate.subject;
        let certificate = certificate(profile, &key, issuer, &self.key)?;
        Ok(Self { certificate, key })
    }

    /// The certificate's bytes.
    pub fn der(&self) -> Result<Vec<u8>, SyntheticFault> {
        Ok(self.certificate.to_der()?)
    }

    /// The certificate as PEM.
    pub fn pem(&self) -> Result<String, SyntheticFault> {
        Ok(self.certificate.to_pem(LineEnding::LF)?)
    }
}

fn certificate(profile: &Profile, key: &Key, issuer: &Name, by: &Key) -> Result<Certificate, SyntheticFault> {
    let tbs = TbsCertificate {
        version: profile.version,
        serial_number: SerialNumber::new(&[profile.serial])?,
        signature: by.algorithm()?,
        issuer: issuer.clone(),
        validity: Validity {
            not_before: time(profile.from)?,
            not_after: time(profile.to)?,
        },
        subject: Name::from_str(&profile.subject)?,
        subject_public_key_info: key.public()?,
        issuer_unique_id: None,
        subject_unique_id: None,
        extensions: Some(extensions(profile, key, by)?),
    };
    Ok(Certificate {
        signature: BitString::from_bytes(&by.sign(&tbs.to_der()?)?)?,
        signature_algorithm: tbs.signature.clone(),
        tbs_certificate: tbs,
    })
}

fn extensions(profile: &Profile, key: &Key, by: &Key) -> Result<Vec<Extension>, SyntheticFault> {
    let mut all = vec![
        extension("2.5.29.14", false, SubjectKeyIdentifier(key_id(key)?).to_der()?)?,
        extension("2.5.29.35", false, authority_key_id(by)?.to_der()?)?,
    ];
    if let Some((first, others)) = profile.usages.split_first() {
        let mut usages = KeyUsage((*first).into());
        others.iter().for_each(|usage| usages.0 |= *usage);
        all.push(extension("2.5.29.15", true, usages.to_der()?)?);
    }
    if profile.authority {
        let constraints = BasicConstraints {
            ca: true,
            path_len_constraint: Some(0),
        };
        all.push(extension("2.5.29.19", true, constraints.to_der()?)?);
    }
    if !profile.extended.is_empty() {
        let extended = ExtendedKeyUsage(profile.extended.iter().map(|text| oid(text)).collect());
        let critical = extended.0.contains(&MASTER_LIST_SIGNER);
        all.push(extension("2.5.29.37", critical, extended.to_der()?)?);
    }
    for (id, critical, value) in &profile.others {
        all.push(extension(id, *critical, value.clone())?);
    }
    Ok(all)
}

pub(super) fn extension(id: &str, critical: bool, value: Vec<u8>) -> Result<Extension, SyntheticFault> {
    Ok(Extension {
        extn_id: oid(id),
        critical,
        extn_value: OctetString::new(value)?,
    })
}

fn authority_key_id(by: &Key) -> Result<AuthorityKeyIdentifier, SyntheticFault> {
    Ok(AuthorityKeyIdentifier {
        key_identifier: Some(key_id(by)?),
        authority_cert_issuer: None,
        authority_cert_serial_number: None,
    })
}

/// The first twenty bytes of the key's SHA-256 (RFC 7093, section 2).
fn key_id(key: &Key) -> Result<OctetString, SyntheticFault> {
    let mut id = super::Digest::Sha256.of(key.public()?.subject_public_key.raw_bytes())?;
    id.truncate(20);
    Ok(OctetString::new(id)?)
}

pub(super) fn time(moment: UnixTime) -> Result<Time, SyntheticFault> {
    Ok(Time::UtcTime(UtcTime::from_unix_duration(Duration::from_secs(
        moment.0,
    ))?))
}

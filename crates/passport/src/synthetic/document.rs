//! The files of a chip, signed: right, or wrong in one way.

use cms::cert::{CertificateChoices, IssuerAndSerialNumber};
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{
    CertificateSet, EncapsulatedContentInfo, SignedData, SignerIdentifier, SignerInfo, SignerInfos,
};
use cyberid_domain::document::icao9303_check;
use der::asn1::{OctetString, OctetStringRef, PrintableStringRef, SetOfVec};
use der::{Any, AnyRef, Decode as _, Encode as _, Sequence};
use x509_cert::Certificate;
use x509_cert::attr::Attribute;

use super::authority::Authority;
use super::key::{Digest, SyntheticFault, oid};
use crate::lds::{GroupHash, RawSecurityObject};
use crate::master_list::RawMasterList;
use crate::mrz::{DG1, ZONE};
use crate::sod::TAG;
use crate::tlv::wrap;

/// The signed attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attributes {
    /// Content type and digest.
    Whole,
    /// None at all.
    None,
    /// The digest alone.
    WithoutContentType,
    /// Another type than the content's.
    OtherContentType,
    /// The content type alone.
    WithoutDigest,
    /// The digest of something else.
    OtherDigest,
    /// Two digests.
    TwoDigests,
}

/// What a security object is made of, right unless it is changed.
#[derive(Debug, Clone)]
pub struct SodPlan {
    /// The version of the security object.
    pub lds_version: u8,
    /// Whether it tells its LDS version.
    pub version_info: bool,
    /// The hash of groups.
    pub group_digest: Digest,
    /// The hash of the content.
    pub content_digest: Digest,
    /// Each group's number and file.
    pub groups: Vec<(u64, Vec<u8>)>,
    /// The type of the content.
    pub content_type: &'static str,
    /// The type of the whole.
    pub outer_type: &'static str,
    /// The signed attributes.
    pub attributes: Attributes,
    /// Certificates beside the signer's.
    pub more_certificates: Vec<Certificate>,
    /// Whether the signer's certificate is inside.
    pub with_certificate: bool,
    /// Whether it is signed twice.
    pub signed_twice: bool,
}

#[derive(Sequence)]
struct VersionInfo<'a> {
    lds: PrintableStringRef<'a>,
    unicode: PrintableStringRef<'a>,
}

impl SodPlan {
    /// A right security object over these groups.
    pub fn new(groups: Vec<(u64, Vec<u8>)>) -> Self {
        Self {
            lds_version: 0,
            version_info: false,
            group_digest: Digest::Sha256,
            content_digest: Digest::Sha256,
            groups,
            content_type: "2.23.136.1.1.1",
            outer_type: "1.2.840.113549.1.7.2",
            attributes: Attributes::Whole,
            more_certificates: Vec::new(),
            with_certificate: true,
            signed_twice: false,
        }
    }

    /// EF.SOD by this signer.
    pub fn sign(&self, signer: &Authority) -> Result<Vec<u8>, SyntheticFault> {
        Ok(wrap(&[TAG], &self.signed_data(signer, &self.content()?)?))
    }

    /// A master list by this signer.
    pub fn master_list(signer: &Authority, listed: &[Vec<u8>]) -> Result<Vec<u8>, SyntheticFault> {
        let certificates: Result<Vec<_>, _> = listed.iter().map(|der| Any::from_der(der)).collect();
        let list = RawMasterList {
            version: 0,
            certificates: SetOfVec::try_from(certificates?)?,
        };
        let plan = Self {
            content_type: "2.23.136.1.1.2",
            ..Self::new(Vec::new())
        };
        plan.signed_data(signer, &list.to_der()?)
    }

    /// The security object's bytes.
    pub fn content(&self) -> Result<Vec<u8>, SyntheticFault> {
        let values: Result<Vec<_>, _> = self
            .groups
            .iter()
            .map(|(_, file)| self.group_digest.of(file))
            .collect();
        let values = values?;
        let mut hashes = Vec::new();
        for ((number, _), value) in self.groups.iter().zip(&values) {
            let value = OctetStringRef::new(value)?;
            hashes.push(GroupHash {
                number: *number,
                value,
            });
        }
        let info = VersionInfo {
            lds: PrintableStringRef::new("0108")?,
            unicode: PrintableStringRef::new("040000")?,
        };
        let info = info.to_der()?;
        let object = RawSecurityObject {
            version: self.lds_version,
            hash_algorithm: self.group_digest.algorithm(),
            hashes,
            version_info: self.version_info.then(|| AnyRef::from_der(&info)).transpose()?,
        };
        Ok(object.to_der()?)
    }

    fn signed_data(&self, signer: &Authority, content: &[u8]) -> Result<Vec<u8>, SyntheticFault> {
        let mut infos = vec![self.signer_info(signer, content)?];
        if self.signed_twice {
            let mut second = infos.clone();
            second.iter_mut().for_each(|info| info.version = CmsVersion::V3);
            infos.append(&mut second);
        }
        let own = self.with_certificate.then(|| signer.certificate.clone());
        let certificates: Vec<_> = own
            .into_iter()
            .chain(self.more_certificates.iter().cloned())
            .map(CertificateChoices::Certificate)
            .collect();
        let data = SignedData {
            version: CmsVersion::V3,
            digest_algorithms: SetOfVec::try_from(vec![self.content_digest.algorithm()])?,
            encap_content_info: EncapsulatedContentInfo {
                econtent_type: oid(self.content_type),
                econtent: Some(Any::encode_from(&OctetStringRef::new(content)?)?),
            },
            certificates: Some(CertificateSet::try_from(certificates)?),
            crls: None,
            signer_infos: SignerInfos::try_from(infos)?,
        };
        let whole = ContentInfo {
            content_type: oid(self.outer_type),
            content: Any::encode_from(&data)?,
        };
        Ok(whole.to_der()?)
    }

    fn signer_info(&self, signer: &Authority, content: &[u8]) -> Result<SignerInfo, SyntheticFault> {
        let attributes = self.signed_attributes(content)?;
        let covered = match &attributes {
            Some(attributes) => attributes.to_der()?,
            None => content.to_vec(),
        };
        let tbs = &signer.certificate.tbs_certificate;
        Ok(SignerInfo {
            version: CmsVersion::V1,
            sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
                issuer: tbs.issuer.clone(),
                serial_number: tbs.serial_number.clone(),
            }),
            digest_alg: self.content_digest.algorithm(),
            signed_attrs: attributes,
            signature_algorithm: signer.key.algorithm()?,
            signature: OctetString::new(signer.key.sign(&covered)?)?,
            unsigned_attrs: None,
        })
    }

    fn signed_attributes(&self, content: &[u8]) -> Result<Option<SetOfVec<Attribute>>, SyntheticFault> {
        let digest = self.content_digest.of(content)?;
        let other = self.content_digest.of(b"something else")?;
        let content_type = |text| attribute("1.2.840.113549.1.9.3", Any::encode_from(&oid(text))?);
        let message_digest = |value: &[u8]| {
            attribute(
                "1.2.840.113549.1.9.4",
                Any::encode_from(&OctetStringRef::new(value)?)?,
            )
        };
        let named = content_type(self.content_type)?;
        let attributes = match self.attributes {
            Attributes::None => return Ok(None),
            Attributes::Whole => vec![named, message_digest(&digest)?],
            Attributes::WithoutContentType => vec![message_digest(&digest)?],
            Attributes::OtherContentType => {
                vec![content_type("1.2.840.113549.1.7.1")?, message_digest(&digest)?]
            }
            Attributes::WithoutDigest => vec![named],
            Attributes::OtherDigest => vec![named, message_digest(&other)?],
            Attributes::TwoDigests => vec![named, message_digest(&digest)?, message_digest(&other)?],
        };
        Ok(Some(SetOfVec::try_from(attributes)?))
    }
}

fn attribute(id: &str, value: Any) -> Result<Attribute, SyntheticFault> {
    Ok(Attribute {
        oid: oid(id),
        values: SetOfVec::try_from(vec![value])?,
    })
}

/// EF.DG1 with this zone.
pub fn dg1(zone: &str) -> Vec<u8> {
    wrap(&DG1, &wrap(&ZONE, zone.as_bytes()))
}

/// EF.DG2 with a picture that shows nobody.
pub fn dg2(picture: &[u8]) -> Vec<u8> {
    wrap(&[0x75], &wrap(&[0x7F, 0x61], picture))
}

/// A zone of a passport (part 4, section 4.2.2): `number` of nine characters, days as `YYMMDD`.
pub fn td3(state: &str, name: &str, number: &str, birth: &str, expiry: &str) -> String {
    let check = |text: &str| icao9303_check(text).unwrap_or_default();
    let (number, personal) = (format!("{number:<<9}"), "<".repeat(14));
    let [number, birth, expiry, personal] =
        [number.as_str(), birth, expiry, &personal].map(|text| format!("{text}{}", check(text)));
    let composite = check(&[number.as_str(), &birth, &expiry, &personal].concat());
    let first: String = format!("P<{state:<<3}{name:<<39}").chars().take(44).collect();
    format!("{first}{number}{state:<<3}{birth}<{expiry}{personal}{composite}")
}

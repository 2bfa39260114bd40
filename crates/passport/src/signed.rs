//! CMS `SignedData` (RFC 5652, section 5) as part 10 and part 12 profile it: one signature, over attributes that name the
//! content's type and digest, by a certificate that is inside. Who vouches for that certificate is not asked here.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use cms::cert::CertificateChoices;
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{SignedAttributes, SignedData, SignerIdentifier, SignerInfo};
use der::asn1::{ObjectIdentifier, OctetStringRef};
use der::{Any, Decode as _, Encode as _};
use x509_cert::Certificate;

use crate::algorithm::{Hash, Key, Scheme};
use crate::certificate::own_key_id;
use crate::{File, Refusal};

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");

/// Content with the certificate whose key signed it.
pub(crate) struct Signed {
    pub(crate) content: Vec<u8>,
    pub(crate) signer: Certificate,
}

/// How many certificates may be inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inside {
    /// The signer's alone.
    OnlySigner,
    /// Others as well, which are not looked at.
    Others,
}

/// Opens signed content of this type.
pub(crate) fn open(der: &[u8], content_type: ObjectIdentifier, inside: Inside) -> Result<Signed, Refusal> {
    let data = read(der)?;
    if data.encap_content_info.econtent_type != content_type {
        return Err(Refusal::NotASecurityObject);
    }
    let content = content(&data)?;
    let [info] = data.signer_infos.0.as_slice() else {
        return Err(Refusal::Signatures);
    };
    let signer = signer(&data, info, inside)?;
    let digest = Hash::of(&info.digest_alg)?;
    let attributes = info.signed_attrs.as_ref().ok_or(Refusal::NoSignedAttributes)?;
    check_attributes(attributes, content_type, &digest.of_bytes(&content))?;
    let scheme = Scheme::of(&info.signature_algorithm, Some(digest))?;
    let covered = attributes.to_der().map_err(|_| Refusal::Malformed(File::Sod))?;
    let key = Key::of(&signer.tbs_certificate.subject_public_key_info)?;
    key.verify(
        scheme,
        &covered,
        info.signature.as_bytes(),
        Refusal::ObjectSignature,
    )?;
    Ok(Signed { content, signer })
}

fn read(der: &[u8]) -> Result<SignedData, Refusal> {
    let info = ContentInfo::from_der(der).map_err(|_| Refusal::Malformed(File::Sod))?;
    if info.content_type != SIGNED_DATA {
        return Err(Refusal::NotSignedData);
    }
    let data: SignedData = info
        .content
        .decode_as()
        .map_err(|_| Refusal::Malformed(File::Sod))?;
    // Version 3: the content is not plain data (RFC 5652, section 5.1).
    (data.version == CmsVersion::V3)
        .then_some(data)
        .ok_or(Refusal::NotSignedData)
}

fn content(data: &SignedData) -> Result<Vec<u8>, Refusal> {
    let content = data.encap_content_info.econtent.as_ref();
    let content = content.and_then(|any| any.decode_as::<OctetStringRef<'_>>().ok());
    content
        .map(|octets| octets.as_bytes().to_vec())
        .ok_or(Refusal::Malformed(File::Sod))
}

/// The certificate that the signature names.
fn signer(data: &SignedData, info: &SignerInfo, inside: Inside) -> Result<Certificate, Refusal> {
    let choices = data.certificates.as_ref().ok_or(Refusal::Certificates)?;
    let certificates: Vec<&Certificate> = choices
        .0
        .iter()
        .filter_map(|choice| match choice {
            CertificateChoices::Certificate(certificate) => Some(certificate),
            CertificateChoices::Other(_) => None,
        })
        .collect();
    let alone = choices.0.len() == 1 && certificates.len() == 1;
    if inside == Inside::OnlySigner && !alone {
        return Err(Refusal::Certificates);
    }
    let named = certificates
        .into_iter()
        .find(|certificate| is_named(&info.sid, certificate));
    named.cloned().ok_or(Refusal::OtherSigner)
}

fn is_named(signer: &SignerIdentifier, certificate: &Certificate) -> bool {
    let tbs = &certificate.tbs_certificate;
    match signer {
        SignerIdentifier::IssuerAndSerialNumber(named) => {
            named.issuer == tbs.issuer && named.serial_number == tbs.serial_number
        }
        SignerIdentifier::SubjectKeyIdentifier(id) => {
            own_key_id(certificate).is_some_and(|own| own == id.0.as_bytes())
        }
    }
}

/// The two attributes without which a signature says nothing of the content (RFC 5652, section 5.3), each once with one value.
fn check_attributes(
    attributes: &SignedAttributes,
    content_type: ObjectIdentifier,
    digest: &[u8],
) -> Result<(), Refusal> {
    let named = only(attributes, CONTENT_TYPE).and_then(|any| any.decode_as().ok());
    if named != Some(content_type) {
        return Err(Refusal::SignedContentType);
    }
    let signed = only(attributes, MESSAGE_DIGEST).ok_or(Refusal::NoMessageDigest)?;
    let signed: OctetStringRef<'_> = signed.decode_as().map_err(|_| Refusal::NoMessageDigest)?;
    verify_slices_are_equal(signed.as_bytes(), digest).map_err(|_| Refusal::MessageDigest)
}

fn only(attributes: &SignedAttributes, oid: ObjectIdentifier) -> Option<&Any> {
    let mut found = attributes.iter().filter(|attribute| attribute.oid == oid);
    let (Some(attribute), None) = (found.next(), found.next()) else {
        return None;
    };
    match attribute.values.as_slice() {
        [value] => Some(value),
        _ => None,
    }
}

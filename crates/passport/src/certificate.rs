//! X.509 certificates as part 12, section 7.1 profiles them for document signers and country signing authorities.

use cyberid_domain::UnixTime;
use der::asn1::{ObjectIdentifier, SetOfVec};
use der::{Any, Decode as _, Encode as _, Sequence};
use x509_cert::Certificate;
use x509_cert::certificate::Version;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectKeyIdentifier,
};
use x509_cert::name::Name;

use crate::algorithm::{Key, Scheme};
use crate::{Cert, File, Refusal};

/// The extended key usage of a master list signer, the one that is known here.
pub(crate) const MASTER_LIST_SIGNER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.136.1.1.3");

const COUNTRY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.6");
const DOCUMENT_TYPES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.136.1.1.6.2");

/// The critical extensions whose meaning is followed here: basic constraints, key usage, extended key usage.
const FOLLOWED: [&str; 3] = ["2.5.29.19", "2.5.29.15", "2.5.29.37"];

/// What a certificate below an authority signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Security objects: it says no extended key usage.
    Documents,
    /// Master lists.
    MasterLists,
}

/// `DocumentTypeListSyntax` (part 12, section 7.1.1.6).
#[derive(Sequence)]
struct DocumentTypes {
    version: u8,
    types: SetOfVec<Any>,
}

/// Reads one certificate, whole and with nothing after it.
pub(crate) fn read(der: &[u8]) -> Result<Certificate, Refusal> {
    Certificate::from_der(der).map_err(|_| Refusal::Malformed(File::Sod))
}

/// Accepts a certificate that may sign for `purpose` and nothing else.
pub(crate) fn check_signer(certificate: &Certificate, purpose: Purpose) -> Result<(), Refusal> {
    let tbs = &certificate.tbs_certificate;
    if same_name(&tbs.issuer, &tbs.subject) {
        return Err(Refusal::SelfSigned);
    }
    check_extensions(certificate, Cert::Signer)?;
    let malformed = |_| Refusal::Malformed(File::Sod);
    let authority = tbs.get::<BasicConstraints>().map_err(malformed)?;
    let usage = tbs.get::<KeyUsage>().map_err(malformed)?;
    let extended = tbs.get::<ExtendedKeyUsage>().map_err(malformed)?;
    let signs = usage.is_some_and(|(_, usage)| usage.digital_signature() && !usage.key_cert_sign());
    let purposes = extended.map(|(_, extended)| extended.0);
    let for_this = match purpose {
        Purpose::Documents => purposes.is_none(),
        Purpose::MasterLists => purposes.is_some_and(|all| all == [MASTER_LIST_SIGNER]),
    };
    let leaf = authority.is_none_or(|(_, constraints)| !constraints.ca);
    (signs && leaf && for_this)
        .then_some(())
        .ok_or(Refusal::NotForThis(Cert::Signer))
}

/// Accepts a certificate that may sign certificates.
pub(crate) fn check_authority(certificate: &Certificate) -> Result<(), Refusal> {
    check_extensions(certificate, Cert::Authority)?;
    let tbs = &certificate.tbs_certificate;
    let malformed = |_| Refusal::Malformed(File::Sod);
    let constraints = tbs.get::<BasicConstraints>().map_err(malformed)?;
    let usage = tbs.get::<KeyUsage>().map_err(malformed)?;
    let authority = constraints.is_some_and(|(_, constraints)| constraints.ca)
        && usage.is_some_and(|(_, usage)| usage.key_cert_sign());
    authority
        .then_some(())
        .ok_or(Refusal::NotForThis(Cert::Authority))
}

/// Accepts a certificate whose time it is.
pub(crate) fn check_time(certificate: &Certificate, now: UnixTime, which: Cert) -> Result<(), Refusal> {
    let validity = &certificate.tbs_certificate.validity;
    let (from, to) = (
        validity.not_before.to_unix_duration().as_secs(),
        validity.not_after.to_unix_duration().as_secs(),
    );
    (from..=to)
        .contains(&now.0)
        .then_some(())
        .ok_or(Refusal::NotNow(which))
}

/// Whether the holder of `key` signed this certificate, with one algorithm in and around it.
pub(crate) fn check_signed_by(certificate: &Certificate, key: &Key) -> Result<(), Refusal> {
    if certificate.signature_algorithm != certificate.tbs_certificate.signature {
        return Err(Refusal::UnknownAlgorithm);
    }
    let scheme = Scheme::of(&certificate.signature_algorithm, None)?;
    let unknown = Refusal::UnknownAuthority;
    let signed = certificate.tbs_certificate.to_der().map_err(|_| unknown)?;
    let signature = certificate.signature.as_bytes().ok_or(unknown)?;
    key.verify(scheme, &signed, signature, unknown)
}

/// Whether the signer may sign documents of this code; one that says nothing may sign all.
pub(crate) fn check_document_type(certificate: &Certificate, code: &str) -> Result<(), Refusal> {
    let extensions = certificate.tbs_certificate.extensions.iter().flatten();
    for extension in extensions.filter(|extension| extension.extn_id == DOCUMENT_TYPES) {
        let listed = DocumentTypes::from_der(extension.extn_value.as_bytes());
        let listed = listed.map_err(|_| Refusal::Malformed(File::Sod))?;
        let first = code.get(..1).unwrap_or_default();
        let named = |any: &Any| [code, first].map(str::as_bytes).contains(&any.value());
        if listed.version != 0 || !listed.types.iter().any(named) {
            return Err(Refusal::OtherDocumentType);
        }
    }
    Ok(())
}

/// Whether two names are the same but for the case of letters and the kind of string (RFC 5280, section 7.1, in short).
/// This only selects who may have signed: the signature decides.
pub(crate) fn same_name(one: &Name, other: &Name) -> bool {
    plain(one) == plain(other)
}

/// The country of a name, in capitals.
pub(crate) fn country(name: &Name) -> Option<String> {
    let mut attributes = name.0.iter().flat_map(|part| part.0.iter());
    let country = attributes.find(|attribute| attribute.oid == COUNTRY)?;
    let text = str::from_utf8(country.value.value()).ok()?;
    Some(text.to_ascii_uppercase())
}

/// The identifier of a certificate's own key.
pub(crate) fn own_key_id(certificate: &Certificate) -> Option<Vec<u8>> {
    let found = certificate.tbs_certificate.get::<SubjectKeyIdentifier>().ok()?;
    found.map(|(_, id)| id.0.as_bytes().to_vec())
}

/// The identifier of the key that signed a certificate.
pub(crate) fn issuer_key_id(certificate: &Certificate) -> Option<Vec<u8>> {
    let found = certificate.tbs_certificate.get::<AuthorityKeyIdentifier>().ok()?;
    let (_, identifier) = found?;
    identifier.key_identifier.map(|id| id.as_bytes().to_vec())
}

fn check_extensions(certificate: &Certificate, which: Cert) -> Result<(), Refusal> {
    let tbs = &certificate.tbs_certificate;
    if tbs.version != Version::V3 {
        return Err(Refusal::NotForThis(which));
    }
    let mut critical = tbs.extensions.iter().flatten().filter(|it| it.critical);
    critical
        .all(|it| FOLLOWED.contains(&it.extn_id.to_string().as_str()))
        .then_some(())
        .ok_or(Refusal::CriticalExtension(which))
}

/// Each part of a name with its attributes, as text in small letters.
fn plain(name: &Name) -> Vec<Vec<(ObjectIdentifier, Vec<u8>)>> {
    let part = |attributes: &x509_cert::name::RelativeDistinguishedName| {
        let mut plain: Vec<_> = attributes
            .0
            .iter()
            .map(|attribute| (attribute.oid, attribute.value.value().to_ascii_lowercase()))
            .collect();
        plain.sort();
        plain
    };
    name.0.iter().map(part).collect()
}

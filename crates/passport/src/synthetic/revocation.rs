//! Revocation lists.

use cyberid_domain::UnixTime;
use der::Encode as _;
use der::asn1::BitString;
use x509_cert::certificate::Version;
use x509_cert::crl::{CertificateList, RevokedCert, TbsCertList};
use x509_cert::ext::Extension;
use x509_cert::serial_number::SerialNumber;

use super::authority::{Authority, extension, time};
use super::key::SyntheticFault;

/// A list of this authority that revokes these serial numbers.
pub fn revocation_list(
    authority: &Authority,
    serials: &[u8],
    from: UnixTime,
    to: UnixTime,
) -> Result<Vec<u8>, SyntheticFault> {
    extended_revocation_list(authority, serials, from, to, [&[], &[]])
}

/// The same, with extensions of the list and of each entry: identifier, critical, value.
pub fn extended_revocation_list(
    authority: &Authority,
    serials: &[u8],
    from: UnixTime,
    to: UnixTime,
    [of_list, of_entries]: [&[(&str, bool, Vec<u8>)]; 2],
) -> Result<Vec<u8>, SyntheticFault> {
    let (of_list, of_entries) = (extensions(of_list)?, extensions(of_entries)?);
    let revoked: Result<Vec<_>, SyntheticFault> = serials
        .iter()
        .map(|serial| {
            Ok(RevokedCert {
                serial_number: SerialNumber::new(&[*serial])?,
                revocation_date: time(from)?,
                crl_entry_extensions: of_entries.clone(),
            })
        })
        .collect();
    let revoked = revoked?;
    let tbs = TbsCertList {
        version: Version::V2,
        signature: authority.key.algorithm()?,
        issuer: authority.certificate.tbs_certificate.subject.clone(),
        this_update: time(from)?,
        next_update: Some(time(to)?),
        revoked_certificates: (!revoked.is_empty()).then_some(revoked),
        crl_extensions: of_list,
    };
    let list = CertificateList {
        signature: BitString::from_bytes(&authority.key.sign(&tbs.to_der()?)?)?,
        signature_algorithm: tbs.signature.clone(),
        tbs_cert_list: tbs,
    };
    Ok(list.to_der()?)
}

fn extensions(all: &[(&str, bool, Vec<u8>)]) -> Result<Option<Vec<Extension>>, SyntheticFault> {
    let all: Result<Vec<_>, _> = all
        .iter()
        .map(|(id, critical, value)| extension(id, *critical, value.clone()))
        .collect();
    Ok(Some(all?).filter(|all| !all.is_empty()))
}

//! The country signing authorities that the platform pinned: a folder of certificates, master lists that one of these
//! vouches for, and revocation lists. A file that is not understood is a fault, so that nothing is trusted, or left out, by
//! accident.

use cyberid_domain::UnixTime;
use der::{Decode as _, DecodePem as _, Encode as _};
use x509_cert::Certificate;
use x509_cert::crl::CertificateList;
use x509_cert::name::Name;

use crate::algorithm::{Key, Scheme};
use crate::certificate::{self, Purpose, same_name};
use crate::master_list::MasterList;
use crate::{Cert, Refusal};

/// The pinned authorities, with what they revoked.
#[derive(Default)]
pub struct TrustAnchors {
    authorities: Vec<Authority>,
    revocations: Vec<Revocations>,
    left_out: usize,
}

/// One authority.
struct Authority {
    certificate: Certificate,
    key: Key,
}

/// The newest list of an authority's name.
struct Revocations {
    issuer: Name,
    made: u64,
    next: Option<u64>,
    serials: Vec<Vec<u8>>,
}

/// Why a folder of trust anchors cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnchorFault {
    /// A file of a kind that is not known: neither `.cer`, `.crt`, `.der`, `.pem`, nor `.ml`, nor `.crl`.
    #[error(
        "{0}: not a certificate (.cer, .crt, .der, .pem), a master list (.ml) or a revocation list (.crl)"
    )]
    UnknownFile(String),
    /// A certificate that cannot be read, or is no authority's.
    #[error("{0}: {1}")]
    Certificate(String, Refusal),
    /// A master list that none of the pinned authorities vouches for.
    #[error("{0}: {1}")]
    MasterList(String, Refusal),
    /// A revocation list that cannot be read, or that no pinned authority signed.
    #[error("{0}: not a revocation list that a pinned authority signed")]
    RevocationList(String),
    /// Nobody is pinned.
    #[error("not one authority that can be used")]
    Nobody,
}

impl TrustAnchors {
    /// The anchors of these files, each with its name, at this time.
    pub fn read(files: &[(String, Vec<u8>)], now: UnixTime) -> Result<Self, AnchorFault> {
        let mut anchors = Self::default();
        let of = |kinds: &'static [&str]| files.iter().filter(|(name, _)| kinds.contains(&extension(name)));
        if let Some((name, _)) = files.iter().find(|(name, _)| !KINDS.contains(&extension(name))) {
            return Err(AnchorFault::UnknownFile(name.clone()));
        }
        for (name, bytes) in of(&CERTIFICATES) {
            let fault = |refusal| AnchorFault::Certificate(name.clone(), refusal);
            let certificate = read_certificate(bytes).map_err(fault)?;
            certificate::check_authority(&certificate).map_err(fault)?;
            anchors.pin(certificate);
        }
        for (name, bytes) in of(&["ml"]) {
            let list = anchors.master_list(bytes, now);
            let list = list.map_err(|refusal| AnchorFault::MasterList(name.clone(), refusal))?;
            anchors.left_out += list.left_out;
            list.authorities.into_iter().for_each(|it| anchors.pin(it));
        }
        for (name, bytes) in of(&["crl"]) {
            let list = anchors.revocation_list(bytes);
            let list = list.ok_or_else(|| AnchorFault::RevocationList(name.clone()))?;
            anchors.revocations.push(list);
        }
        if anchors.authorities.is_empty() {
            return Err(AnchorFault::Nobody);
        }
        Ok(anchors)
    }

    /// How many authorities are pinned.
    pub fn len(&self) -> usize {
        self.authorities.len()
    }

    /// Whether nobody is pinned.
    pub fn is_empty(&self) -> bool {
        self.authorities.is_empty()
    }

    /// How many certificates were left out, because their key or form is not known: their passports are refused.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// The country whose authority vouches for this signer at this time, in capitals.
    pub(crate) fn vouched(
        &self,
        signer: &Certificate,
        purpose: Purpose,
        now: UnixTime,
    ) -> Result<String, Refusal> {
        certificate::check_signer(signer, purpose)?;
        if self.authorities.iter().any(|known| known.certificate == *signer) {
            return Err(Refusal::SelfSigned);
        }
        let authority = self.authority_of(signer)?;
        certificate::check_time(signer, now, Cert::Signer)?;
        certificate::check_time(&authority.certificate, now, Cert::Authority)?;
        self.check_revocation(signer, now)?;
        let (mine, theirs) = (
            certificate::country(&signer.tbs_certificate.subject),
            certificate::country(&authority.certificate.tbs_certificate.subject),
        );
        theirs
            .filter(|country| mine.as_ref() == Some(country))
            .ok_or(Refusal::OtherCountry)
    }

    /// The authority whose key signed this certificate: several may have its name, each with a key of its own.
    fn authority_of(&self, signer: &Certificate) -> Result<&Authority, Refusal> {
        Scheme::of(&signer.signature_algorithm, None)?;
        let named = certificate::issuer_key_id(signer);
        let mut candidates = self.authorities.iter().filter(|authority| {
            let tbs = &authority.certificate.tbs_certificate;
            let own = certificate::own_key_id(&authority.certificate);
            same_name(&tbs.subject, &signer.tbs_certificate.issuer)
                && (named.is_none() || own.is_none() || named == own)
        });
        candidates
            .find(|authority| certificate::check_signed_by(signer, &authority.key).is_ok())
            .ok_or(Refusal::UnknownAuthority)
    }

    /// Where the authority gave out a list, it has to be of this time and may not name the certificate.
    fn check_revocation(&self, signer: &Certificate, now: UnixTime) -> Result<(), Refusal> {
        let tbs = &signer.tbs_certificate;
        let lists = self
            .revocations
            .iter()
            .filter(|list| same_name(&list.issuer, &tbs.issuer));
        let mut current = None;
        for list in lists {
            if list
                .serials
                .iter()
                .any(|serial| serial == tbs.serial_number.as_bytes())
            {
                return Err(Refusal::Revoked);
            }
            current = current.max(Some((list.made, list.next)));
        }
        match current {
            Some((_, next)) if next.is_none_or(|next| next < now.0) => Err(Refusal::StaleRevocation),
            _ => Ok(()),
        }
    }

    /// A master list whose signer one of the authorities pinned so far vouches for.
    fn master_list(&self, bytes: &[u8], now: UnixTime) -> Result<MasterList, Refusal> {
        let list = MasterList::read(bytes)?;
        self.vouched(&list.signer, Purpose::MasterLists, now)?;
        Ok(list)
    }

    fn revocation_list(&self, bytes: &[u8]) -> Option<Revocations> {
        let list = CertificateList::from_der(bytes).ok()?;
        let tbs = &list.tbs_cert_list;
        let scheme = Scheme::of(&list.signature_algorithm, None).ok()?;
        let signed = tbs.to_der().ok()?;
        let signature = list.signature.as_bytes()?;
        let mut named = self
            .authorities
            .iter()
            .filter(|it| same_name(&it.certificate.tbs_certificate.subject, &tbs.issuer));
        let signed_by = |authority: &Authority| {
            let wrong = Refusal::UnknownAuthority;
            authority.key.verify(scheme, &signed, signature, wrong).is_ok()
        };
        let plain = list.signature_algorithm == tbs.signature && !has_critical(&list);
        (plain && named.any(signed_by)).then(|| Revocations {
            issuer: tbs.issuer.clone(),
            made: tbs.this_update.to_unix_duration().as_secs(),
            next: tbs.next_update.map(|next| next.to_unix_duration().as_secs()),
            serials: serials(&list),
        })
    }

    /// Pins an authority; one whose key or usage is not known is left out and counted.
    fn pin(&mut self, certificate: Certificate) {
        let key = certificate::check_authority(&certificate)
            .and_then(|()| Key::of(&certificate.tbs_certificate.subject_public_key_info));
        match key {
            Ok(key) => self.authorities.push(Authority { certificate, key }),
            Err(_) => self.left_out += 1,
        }
    }
}

impl std::fmt::Debug for TrustAnchors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TrustAnchors({})", self.authorities.len())
    }
}

const CERTIFICATES: [&str; 4] = ["cer", "crt", "der", "pem"];
const KINDS: [&str; 6] = ["cer", "crt", "der", "pem", "ml", "crl"];

fn extension(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

fn read_certificate(bytes: &[u8]) -> Result<Certificate, Refusal> {
    Certificate::from_pem(bytes).or_else(|_| certificate::read(bytes))
}

/// A critical extension narrows what a list says (RFC 5280, section 5.2.5): none is followed here.
fn has_critical(list: &CertificateList) -> bool {
    let tbs = &list.tbs_cert_list;
    let entries = tbs.revoked_certificates.iter().flatten();
    let of_entries = entries.flat_map(|entry| entry.crl_entry_extensions.iter().flatten());
    let of_list = tbs.crl_extensions.iter().flatten();
    of_list.chain(of_entries).any(|extension| extension.critical)
}

fn serials(list: &CertificateList) -> Vec<Vec<u8>> {
    let revoked = list.tbs_cert_list.revoked_certificates.iter().flatten();
    revoked
        .map(|entry| entry.serial_number.as_bytes().to_vec())
        .collect()
}

//! The LDS security object: which hash the state signed of which data group (part 10, section 4.6.2.3).

use aws_lc_rs::constant_time::verify_slices_are_equal;
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode as _, Sequence};
use x509_cert::spki::AlgorithmIdentifierOwned;

use crate::algorithm::Hash;
use crate::{File, Refusal};

/// `id-icao-mrtd-security-ldsSecurityObject`.
pub(crate) const LDS_SECURITY_OBJECT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.136.1.1.1");

/// `LDSSecurityObject`.
#[derive(Sequence)]
pub(crate) struct RawSecurityObject<'a> {
    pub(crate) version: u8,
    pub(crate) hash_algorithm: AlgorithmIdentifierOwned,
    pub(crate) hashes: Vec<GroupHash<'a>>,
    #[asn1(optional = "true")]
    pub(crate) version_info: Option<AnyRef<'a>>,
}

/// `DataGroupHash`.
#[derive(Sequence)]
pub(crate) struct GroupHash<'a> {
    pub(crate) number: u64,
    pub(crate) value: OctetStringRef<'a>,
}

/// What the state signed of each data group.
pub(crate) struct SecurityObject {
    hash: Hash,
    hashes: Vec<(u8, Vec<u8>)>,
}

impl SecurityObject {
    /// Reads the signed content.
    pub(crate) fn read(content: &[u8]) -> Result<Self, Refusal> {
        let raw = RawSecurityObject::from_der(content).map_err(|_| Refusal::Malformed(File::Sod))?;
        match (raw.version, raw.version_info) {
            (0, None) | (1, Some(_)) => {}
            _ => return Err(Refusal::LdsVersion),
        }
        let hash = Hash::of(&raw.hash_algorithm)?;
        let mut hashes: Vec<(u8, Vec<u8>)> = Vec::new();
        for group in raw.hashes {
            let number = group_number(group.number)?;
            if hashes.iter().any(|(known, _)| *known == number) {
                return Err(Refusal::Group(group.number));
            }
            hashes.push((number, group.value.as_bytes().to_vec()));
        }
        Ok(Self { hash, hashes })
    }

    /// Whether `file` is the data group that the state signed.
    pub(crate) fn check(&self, number: u8, file: &[u8]) -> Result<(), Refusal> {
        let signed = self.hashes.iter().find(|(known, _)| *known == number);
        let (_, signed) = signed.ok_or(Refusal::GroupMissing(number))?;
        verify_slices_are_equal(signed, &self.hash.of_bytes(file)).map_err(|_| Refusal::GroupAltered(number))
    }
}

fn group_number(number: u64) -> Result<u8, Refusal> {
    u8::try_from(number)
        .ok()
        .filter(|number| (1..=16).contains(number))
        .ok_or(Refusal::Group(number))
}

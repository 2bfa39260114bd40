//! Entries as bytes: a kind, then members in order, each of a fixed length or after its length (4 bytes, big-endian).

use cyberid_domain::UnixTime;
use cyberid_domain::check::{Check, Factor};
use cyberid_storage::journal::Visit;
use cyberid_storage::verification::{Verification, VerificationState};

use crate::entry::{Entry, UsedProof};

/// Bytes are not entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not entries of a journal")]
pub(crate) struct Malformed;

const ASKED: u8 = 1;
const OPENED: u8 = 2;
const AGREED: u8 = 3;
const CONCLUDED: u8 = 4;
const CONCLUDED_DIRECT: u8 = 5;

const PENDING: u8 = 0;
const PASSED: u8 = 1;
const FAILED: u8 = 2;
const DECLINED: u8 = 3;

/// Appends an entry.
pub(crate) fn write(entry: &Entry, to: &mut Vec<u8>) {
    let mut out = Out(to);
    match entry {
        Entry::Asked(row) => {
            out.number(ASKED);
            out.verification(row);
        }
        Entry::Opened { id, opener } => {
            out.number(OPENED);
            out.bytes(id.as_str().as_bytes());
            out.0.extend(opener);
        }
        Entry::Agreed { id } => {
            out.number(AGREED);
            out.bytes(id.as_str().as_bytes());
        }
        Entry::Concluded {
            id,
            state,
            opener,
            proof,
            visit,
        } => {
            out.number(CONCLUDED);
            out.bytes(id.as_str().as_bytes());
            out.state(state);
            out.maybe(opener.as_ref(), |out, opener| out.0.extend(opener));
            out.maybe(proof.as_ref(), Out::proof);
            out.maybe(visit.as_ref(), Out::visit);
        }
        Entry::ConcludedDirect { proof, visit } => {
            out.number(CONCLUDED_DIRECT);
            out.proof(proof);
            out.visit(visit);
        }
    }
}

/// The entries that were written one after another.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Entry>, Malformed> {
    let mut entries = Vec::new();
    let mut rest = In(bytes);
    while !rest.0.is_empty() {
        entries.push(rest.entry()?);
    }
    Ok(entries)
}

struct Out<'a>(&'a mut Vec<u8>);

impl Out<'_> {
    fn number(&mut self, number: u8) {
        self.0.push(number);
    }

    fn time(&mut self, time: UnixTime) {
        self.0.extend(time.0.to_be_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        // Nothing that is written comes near 4 GiB; a longer one would not read back, and its group not open.
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.0.extend(length.to_be_bytes());
        self.0.extend(bytes);
    }

    fn names(&mut self, names: &[&str]) {
        self.bytes(names.join(",").as_bytes());
    }

    fn maybe<T>(&mut self, value: Option<&T>, write: impl FnOnce(&mut Self, &T)) {
        self.number(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn state(&mut self, state: &VerificationState) {
        match state {
            VerificationState::Pending => self.number(PENDING),
            VerificationState::Passed { attestation } => {
                self.number(PASSED);
                self.bytes(attestation.as_bytes());
            }
            VerificationState::Failed { attestation } => {
                self.number(FAILED);
                self.bytes(attestation.as_bytes());
            }
            VerificationState::Declined => self.number(DECLINED),
        }
    }

    fn proof(&mut self, proof: &UsedProof) {
        self.0.extend(proof.digest);
        self.time(proof.forget_at);
    }

    fn visit(&mut self, visit: &Visit) {
        self.time(visit.day);
        self.0.extend(visit.tag);
        self.bytes(&visit.sealed);
    }

    fn verification(&mut self, row: &Verification) {
        self.bytes(row.id.as_str().as_bytes());
        self.bytes(row.client_id.as_str().as_bytes());
        self.bytes(row.purpose.as_bytes());
        self.names(&row.checks.iter().map(|check| check.as_str()).collect::<Vec<_>>());
        self.names(
            &row.factors
                .iter()
                .map(|factor| factor.as_str())
                .collect::<Vec<_>>(),
        );
        self.bytes(row.nonce.as_str().as_bytes());
        self.maybe(row.sub.as_ref(), |out, sub| out.bytes(sub.as_bytes()));
        self.time(row.created_at);
        self.time(row.expires_at);
        self.maybe(row.opener.as_ref(), |out, opener| out.0.extend(opener));
        self.number(u8::from(row.guardian_agreed));
        self.state(&row.state);
    }
}

struct In<'a>(&'a [u8]);

impl<'a> In<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (first, rest) = self.0.split_first_chunk().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*first)
    }

    fn number(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[number]| number)
    }

    fn flag(&mut self) -> Result<bool, Malformed> {
        match self.number()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }

    fn time(&mut self) -> Result<UnixTime, Malformed> {
        self.array().map(|bytes| UnixTime(u64::from_be_bytes(bytes)))
    }

    fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let length = u32::from_be_bytes(self.array()?);
        let length = usize::try_from(length).map_err(|_| Malformed)?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed)
    }

    fn parsed<T: std::str::FromStr>(&mut self) -> Result<T, Malformed> {
        self.text()?.parse().map_err(|_| Malformed)
    }

    fn named<T>(&mut self, find: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, Malformed> {
        let names = self.text()?.split(',').filter(|name| !name.is_empty());
        names.map(|name| find(name).ok_or(Malformed)).collect()
    }

    fn maybe<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Malformed> {
        Ok(if self.flag()? { Some(read(self)?) } else { None })
    }

    fn entry(&mut self) -> Result<Entry, Malformed> {
        match self.number()? {
            ASKED => Ok(Entry::Asked(self.verification()?)),
            OPENED => Ok(Entry::Opened {
                id: self.parsed()?,
                opener: self.array()?,
            }),
            AGREED => Ok(Entry::Agreed { id: self.parsed()? }),
            CONCLUDED => Ok(Entry::Concluded {
                id: self.parsed()?,
                state: self.state()?,
                opener: self.maybe(Self::array)?,
                proof: self.maybe(Self::proof)?,
                visit: self.maybe(Self::visit)?,
            }),
            CONCLUDED_DIRECT => Ok(Entry::ConcludedDirect {
                proof: self.proof()?,
                visit: self.visit()?,
            }),
            _ => Err(Malformed),
        }
    }

    fn state(&mut self) -> Result<VerificationState, Malformed> {
        Ok(match self.number()? {
            PENDING => VerificationState::Pending,
            PASSED => VerificationState::Passed {
                attestation: self.text()?.into(),
            },
            FAILED => VerificationState::Failed {
                attestation: self.text()?.into(),
            },
            DECLINED => VerificationState::Declined,
            _ => return Err(Malformed),
        })
    }

    fn proof(&mut self) -> Result<UsedProof, Malformed> {
        Ok(UsedProof {
            digest: self.array()?,
            forget_at: self.time()?,
        })
    }

    fn visit(&mut self) -> Result<Visit, Malformed> {
        Ok(Visit {
            day: self.time()?,
            tag: self.array()?,
            sealed: self.bytes()?.to_vec(),
        })
    }

    fn verification(&mut self) -> Result<Verification, Malformed> {
        let check = |name: &str| Check::ALL.into_iter().find(|check| check.as_str() == name);
        let factor = |name: &str| Factor::ALL.into_iter().find(|factor| factor.as_str() == name);
        Ok(Verification {
            id: self.parsed()?,
            client_id: self.parsed()?,
            purpose: self.text()?.into(),
            checks: self.named(check)?,
            factors: self.named(factor)?,
            nonce: self.parsed()?,
            sub: self.maybe(|from| from.text().map(str::to_owned))?,
            created_at: self.time()?,
            expires_at: self.time()?,
            opener: self.maybe(Self::array)?,
            guardian_agreed: self.flag()?,
            state: self.state()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn every_kind_of_entry_reads_back_and_no_part_of_one_does() {
        let entries = sample::entries();
        let mut all = Vec::new();
        for entry in &entries {
            let mut bytes = Vec::new();
            write(entry, &mut bytes);
            assert_eq!(read(&bytes), Ok(vec![entry.clone()]));
            for length in 1..bytes.len() {
                assert_eq!(read(&bytes[..length]), Err(Malformed), "{entry:?} {length}");
            }
            all.extend(bytes);
        }
        assert_eq!(read(&all), Ok(entries));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            if let Ok(entries) = read(&bytes) {
                let mut again = Vec::new();
                entries.iter().for_each(|entry| write(entry, &mut again));
                proptest::prop_assert_eq!(read(&again), Ok(entries));
            }
        }
    }
}

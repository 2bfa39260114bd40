//! The authenticator data: what the authenticator says of itself, of the site and of its user (section 6.1).

use cyberid_crypto::PublicKey;

use super::PasskeyRefused;

/// The flags (section 6.1).
const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const CREDENTIAL: u8 = 1 << 6;
const EXTENSIONS: u8 = 1 << 7;

/// The authenticator's model, which nobody here asks for.
const AAGUID: usize = 16;

/// Before and between the coordinates of an ES256 key in COSE, which has one encoding only (section 6.5.1.1; RFC 9053,
/// sections 2.1 and 7.1.1): `{1: 2, 3: -7, -1: 1, -2: x, -3: y}`.
const COSE_X: &[u8] = &[0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
const COSE_Y: &[u8] = &[0x22, 0x58, 0x20];

pub(super) struct AuthenticatorData<'a> {
    pub(super) rp_id_hash: [u8; 32],
    pub(super) sign_count: u32,
    flags: u8,
    rest: &'a [u8],
}

impl<'a> AuthenticatorData<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, PasskeyRefused> {
        let (rp_id_hash, bytes) = bytes.split_first_chunk().ok_or(PasskeyRefused::Form)?;
        let (&[flags], bytes) = bytes.split_first_chunk().ok_or(PasskeyRefused::Form)?;
        let (count, rest) = bytes.split_first_chunk().ok_or(PasskeyRefused::Form)?;
        let data = Self {
            rp_id_hash: *rp_id_hash,
            sign_count: u32::from_be_bytes(*count),
            flags,
            rest,
        };
        let more = data.has(CREDENTIAL) || data.has(EXTENSIONS);
        if more == rest.is_empty() {
            return Err(PasskeyRefused::Form);
        }
        Ok(data)
    }

    pub(super) fn backup_eligible(&self) -> bool {
        self.has(BACKUP_ELIGIBLE)
    }

    /// Somebody was there, and the authenticator knows who.
    pub(super) fn require_user(&self) -> Result<(), PasskeyRefused> {
        if !self.has(USER_PRESENT) {
            return Err(PasskeyRefused::NotPresent);
        }
        if !self.has(USER_VERIFIED) {
            return Err(PasskeyRefused::NotVerified);
        }
        if self.has(BACKED_UP) && !self.has(BACKUP_ELIGIBLE) {
            return Err(PasskeyRefused::Flags);
        }
        Ok(())
    }

    /// An assertion says nothing of a new credential (section 6.1).
    pub(super) fn require_no_attestation(&self) -> Result<(), PasskeyRefused> {
        let none = !self.has(CREDENTIAL);
        none.then_some(()).ok_or(PasskeyRefused::Flags)
    }

    /// It tells of a new credential of this id and this key (section 6.5.1).
    pub(super) fn attests(&self, id: &[u8], key: &PublicKey) -> Result<(), PasskeyRefused> {
        if !self.has(CREDENTIAL) {
            return Err(PasskeyRefused::Flags);
        }
        let named = self.rest.get(AAGUID..).ok_or(PasskeyRefused::Form)?;
        let (length, named) = named.split_first_chunk().ok_or(PasskeyRefused::Form)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (named, cose) = named.split_at_checked(length).ok_or(PasskeyRefused::Form)?;
        if named != id {
            return Err(PasskeyRefused::Form);
        }
        let extensions = cose.strip_prefix(cose_key(key).as_slice());
        let extensions = extensions.ok_or(PasskeyRefused::Key)?;
        if self.has(EXTENSIONS) == extensions.is_empty() {
            return Err(PasskeyRefused::Form);
        }
        Ok(())
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// The one COSE encoding of a key.
pub(super) fn cose_key(key: &PublicKey) -> Vec<u8> {
    let (x, y) = key.as_sec1().split_at(33);
    // The first byte says that the point is not compressed.
    let x = x.split_first().map_or(x, |(_, x)| x);
    [COSE_X, x, COSE_Y, y].concat()
}

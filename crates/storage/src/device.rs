//! The devices of a holder beside the first: added, cooling off, revoked; what the holder is told of that; and the PIN that
//! goes with them.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::device::AlertKind;
use cyberid_domain::id::SubjectId;

use crate::Result;
use crate::subject::{HashedPin, SubjectDevice};

/// The most devices that a holder has at once.
pub const MOST: u32 = 5;

/// The most devices that a holder revokes within a day and has another added after: what is revoked is kept for ever, and a
/// holder who went on and on would fill every store. A recovery in the place of all others is never held up by it.
pub const MOST_REVOKED_A_DAY: u32 = 10;

/// The most alerts of a holder that are kept; older ones go.
pub const MOST_ALERTS: u32 = 100;

/// For how many seconds what was tried in vain is told once only.
pub const TOLD_ONCE: u64 = 3_600;

/// A device key that is about to be bound at the key holders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeginningDevice {
    /// Whose.
    pub subject: SubjectId,
    /// The key's thumbprint.
    pub jkt: String,
    /// The key: `04 || x || y`.
    pub key: [u8; 65],
    /// When it begins.
    pub now: UnixTime,
    /// From this moment on it can no longer be added, and is unbound again.
    pub undo_at: UnixTime,
    /// Whether it takes the place of all others, however many there are.
    pub replaces_all: bool,
}

/// How the beginning went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// It has begun.
    Now,
    /// The key is or was somebody's, or is about to be bound.
    Taken,
    /// The holder has [`MOST`] devices, or has revoked [`MOST_REVOKED_A_DAY`] within a day.
    Full,
}

/// A device that is added, with what goes with it.
#[derive(Debug, Clone)]
pub struct NewDevice {
    /// Whose.
    pub subject: SubjectId,
    /// The device.
    pub device: SubjectDevice,
    /// The moment from which it may release plaintext.
    pub release_from: UnixTime,
    /// Whether all others are revoked with it.
    pub revoke_others: bool,
    /// The PIN that is set with it.
    pub pin: Option<HashedPin>,
    /// What the holder is told.
    pub alert: AlertKind,
}

/// A device as its holder sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedDevice {
    /// The device.
    pub device: SubjectDevice,
    /// The moment from which it may release plaintext.
    pub release_from: UnixTime,
}

/// A device key that is or was somebody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownDevice {
    /// Whose.
    pub subject: SubjectId,
    /// The key: `04 || x || y`; none for a device that was revoked before keys were kept.
    pub key: Option<[u8; 65]>,
    /// The moment from which it may release plaintext.
    pub release_from: UnixTime,
    /// When it was revoked.
    pub revoked_at: Option<UnixTime>,
}

/// How a revocation went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoked {
    /// It is revoked.
    Now,
    /// The holder has no such device.
    NotThere,
    /// It is the holder's last one, which stays.
    Last,
    /// The holder's cancellation was taken and needs the device that signed it.
    Ending,
}

/// A device key that the key holders have to unbind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unbinding {
    /// Whose it was, or was to be.
    pub subject: SubjectId,
    /// The key's thumbprint.
    pub jkt: String,
    /// The key: `04 || x || y`.
    pub key: [u8; 65],
}

/// What a holder is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// When it happened.
    pub time: UnixTime,
    /// What.
    pub kind: AlertKind,
    /// The thumbprint of the device that it is about.
    pub device: Option<String>,
}

/// The devices of holders.
///
/// Whoever edits these rows gives an identifier a device that answers verifications; no key holder opens a record for it.
#[async_trait]
pub trait Devices: Send + Sync {
    /// Keeps that a device is about to be bound: unless it is added before `undo_at`, it is unbound again. The same device
    /// may begin again while it can still be added.
    async fn begin_device(&self, device: &BeginningDevice) -> Result<Begun>;

    /// In one transaction: adds a device that has begun, revokes the others if that is asked, sets the PIN if there is
    /// one, and tells the holder. `false`, and nothing written, if it has not begun, its time is over, another device was
    /// revoked since it began, or the holder has [`MOST`] by now. The same again is fine.
    async fn add_device(&self, new: &NewDevice) -> Result<bool>;

    /// In one transaction: revokes a device for good, has it unbound with whatever has begun and is not added, and tells the
    /// holder. A lost device may have approved what has begun.
    async fn revoke_device(&self, subject: &SubjectId, jkt: &str, now: UnixTime) -> Result<Revoked>;

    /// The devices of a subject, oldest first.
    async fn listed_devices(&self, subject: &SubjectId) -> Result<Vec<ListedDevice>>;

    /// A device that is or was somebody's.
    async fn known_device(&self, jkt: &str) -> Result<Option<KnownDevice>>;

    /// The keys that are to be unbound by `now`, at most `limit`: they were revoked, or were never added.
    async fn unbindings_due(&self, now: UnixTime, limit: u32) -> Result<Vec<Unbinding>>;

    /// Keeps that both key holders have unbound a key. Again is fine.
    async fn end_unbinding(&self, jkt: &str) -> Result<()>;

    /// In one transaction: sets a subject's PIN, forgets failures, and tells the holder. `false` if there is no such
    /// subject.
    async fn set_pin(&self, subject: &SubjectId, pin: &HashedPin, alert: &Alert) -> Result<bool>;

    /// Tells a holder something, once within [`TOLD_ONCE`] seconds for each kind.
    async fn tell(&self, subject: &SubjectId, alert: &Alert) -> Result<()>;

    /// What a holder was told, the latest first.
    async fn alerts(&self, subject: &SubjectId) -> Result<Vec<Alert>>;

    /// The subject of a person, by the tag of the identity source's handle.
    async fn subject_of_person(&self, person_tag: &[u8; 32]) -> Result<Option<SubjectId>>;
}

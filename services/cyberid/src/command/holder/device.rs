//! A device's directory: its key, its enrolment, what it pinned of the platform and saw of the ledger, its receipts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cyberid_client::Client;
use cyberid_crypto::Suite;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::id::ConsentId;
use cyberid_domain::rng::SystemRng;
use cyberid_holder::{DeviceKey, Holder, Pins, Platform, Tree, VerifiedReceipt};
use cyberid_protocol::enrolment::Enrolled;
use cyberid_protocol::leaf::LeafKind;
use cyberid_protocol::receipt::Receipt;

use super::Common;
use crate::command::outside::{Failure, Home, Server};

const PARTY: &str = "holder";
const STATION: &str = "counter";
const KEY: &str = "device.jwk";
const ENROLMENT: &str = "enrolment.json";
const PLATFORM: &str = "platform.json";
const LEDGER: &str = "ledger.json";
const RECEIPTS: &str = "receipts";

/// Why a directory is not the one that is needed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum DeviceError {
    /// Nobody has enrolled with it.
    #[error("nobody has enrolled in {}: begin with `cyberid holder enrol`", home.display())]
    NotEnrolled {
        /// The directory.
        home: PathBuf,
    },
    /// Somebody has enrolled with it.
    #[error("somebody has enrolled in {} already: another device is another `--home DIR`", home.display())]
    Enrolled {
        /// The directory.
        home: PathBuf,
    },
    /// A code is presented where no station speaks with a platform yet.
    #[error("no station is ready in {}: begin with `cyberid counter ready`", home.display())]
    NotReady {
        /// The directory.
        home: PathBuf,
    },
    /// A code is presented for what makes a device.
    #[error("this is for a device: a code acts once, and becomes none")]
    NotForCodes,
}

/// An enrolled device.
pub(super) struct Device {
    /// Its state.
    pub(super) home: Home,
    /// The device in front of its platform.
    pub(super) holder: Holder,
    /// Whether a code on paper stands in its place: the directory is a station's then.
    paper: bool,
}

impl Device {
    /// The device that enrolled in this directory.
    pub(super) fn open(common: &Common) -> Result<Self, Failure> {
        let party = if common.paper.is_there() { STATION } else { PARTY };
        let home = Home::open(common.home.as_deref(), party)?;
        let missing = || match (home.folder().to_owned(), common.paper.is_there()) {
            (home, true) => DeviceError::NotReady { home },
            (home, false) => DeviceError::NotEnrolled { home },
        };
        let pins: Pins = home.load(PLATFORM)?.ok_or_else(missing)?;
        let client = common.server.client(Some(&pins))?;
        let platform = Platform::pinned(client, pins, Arc::new(SystemClock))?;
        let seen: Tree = home.load(LEDGER)?.unwrap_or_default();
        let key = match common.paper.key(platform.suite())? {
            Some(code) => code,
            None => DeviceKey::load(&home.path(KEY))?.signer(),
        };
        let paper = common.paper.is_there();
        let holder = Holder::resume(platform, seen, key, Arc::new(SystemClock), Arc::new(SystemRng))?;
        Ok(Self { home, holder, paper })
    }

    /// A device that is about to enrol. Its key is durable before anybody hears of it; a key from an attempt that came
    /// to nothing is used again.
    pub(super) async fn begin(common: &Common) -> Result<Self, Failure> {
        if common.paper.is_there() {
            return Err(DeviceError::NotForCodes.into());
        }
        let home = Home::open(common.home.as_deref(), PARTY)?;
        if home.load::<Enrolled>(ENROLMENT)?.is_some() {
            return Err(DeviceError::Enrolled {
                home: home.folder().to_owned(),
            }
            .into());
        }
        let client: Client = common.server.client(None)?;
        let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
        let platform = Platform::contact(client, clock.clone()).await?;
        let key = own_key(&home, platform.suite())?;
        let holder = Holder::resume(platform, Tree::default(), key.signer(), clock, rng)?;
        Ok(Self {
            home,
            holder,
            paper: false,
        })
    }

    /// The key of this directory's device, enrolled or not; made of this suite, and durable, if there is none.
    pub(super) fn key(common: &Common, suite: Suite) -> Result<DeviceKey, Failure> {
        if common.paper.is_there() {
            return Err(DeviceError::NotForCodes.into());
        }
        own_key(&Home::open(common.home.as_deref(), PARTY)?, suite)
    }

    /// Pins the platform, which is about to know this device.
    pub(super) fn begun(&self) -> Result<(), Failure> {
        Ok(self.home.save(PLATFORM, self.holder.platform().pins())?)
    }

    /// Where a receipt is, in words.
    pub(super) fn place(receipt: Option<&Path>) -> String {
        receipt.map_or_else(
            || "nobody's hands here: the person fetches it again with another code".into(),
            |path| path.display().to_string(),
        )
    }

    /// Keeps an enrolment, and pins the platform that gave it.
    pub(super) fn enrolled(&self, enrolled: &Enrolled) -> Result<(), Failure> {
        self.home.save(PLATFORM, self.holder.platform().pins())?;
        Ok(self.home.save(ENROLMENT, enrolled)?)
    }

    /// Keeps a receipt, and what was seen of the ledger; says in which file the receipt is. A station keeps no receipt: the
    /// person can fetch it again with another code.
    pub(super) async fn keep_receipt(&self, receipt: &VerifiedReceipt) -> Result<Option<PathBuf>, Failure> {
        if self.paper {
            self.home.save(LEDGER, &self.holder.ledger().last().await)?;
            return Ok(None);
        }
        let name = receipt_file(receipt.receipt().record.id(), receipt.leaf().kind);
        self.home
            .save(&name, &receipt.to_file(self.holder.platform().anchors()))?;
        self.home.save(LEDGER, &self.holder.ledger().last().await)?;
        Ok(Some(self.home.path(&name)))
    }

    /// The kept receipts, by file.
    pub(super) fn receipts(&self) -> Result<Vec<(PathBuf, Receipt)>, Failure> {
        let mut receipts = Vec::new();
        for name in self.home.list(RECEIPTS)? {
            if let Some(receipt) = self.home.load(&name)? {
                receipts.push((self.home.path(&name), receipt));
            }
        }
        Ok(receipts)
    }
}

/// The platform that a station pinned in its directory, now or before.
pub(in crate::command) async fn station(server: &Server, home: &Home) -> Result<Platform, Failure> {
    if let Some(pins) = home.load::<Pins>(PLATFORM)? {
        let client = server.client(Some(&pins))?;
        return Ok(Platform::pinned(client, pins, Arc::new(SystemClock))?);
    }
    let platform = Platform::contact(server.client(None)?, Arc::new(SystemClock)).await?;
    home.save(PLATFORM, platform.pins())?;
    Ok(platform)
}

/// A device's directory that is there.
pub(super) fn found(named: Option<&Path>) -> Option<Home> {
    Home::find(named, PARTY)
}

/// What the device in this directory pinned of its platform; nothing where nobody enrolled.
pub(in crate::command) fn pins(named: Option<&Path>) -> Result<Option<Pins>, Failure> {
    let home = Home::find(named, PARTY);
    let pins = home.map(|home| home.load(PLATFORM)).transpose()?;
    Ok(pins.flatten())
}

fn own_key(home: &Home, suite: Suite) -> Result<DeviceKey, Failure> {
    let path = home.path(KEY);
    if path.exists() {
        return Ok(DeviceKey::load(&path)?);
    }
    let key = DeviceKey::make_of(suite, &SystemRng)?;
    key.save(&path)?;
    Ok(key)
}

/// A consent and its withdrawal are two receipts.
fn receipt_file(consent: &ConsentId, kind: LeafKind) -> String {
    match kind {
        LeafKind::ConsentGranted => format!("{RECEIPTS}/{consent}.json"),
        kind => format!("{RECEIPTS}/{consent}.{}.json", kind.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        common: Common,
    }

    #[test]
    fn a_directory_in_which_nobody_enrolled_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap();
        let line = Line::parse_from(["holder", "--home", home]);
        let refused = Device::open(&line.common).err().unwrap();
        let refused = refused.downcast::<DeviceError>().unwrap();
        assert!(matches!(*refused, DeviceError::NotEnrolled { .. }));
    }

    #[tokio::test]
    async fn a_directory_in_which_somebody_enrolled_is_not_enrolled_over() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(Some(folder.path()), PARTY).unwrap();
        let enrolled = serde_json::json!({
            "network_number": cyberid_domain::number::NetworkNumber::random(&SystemRng),
            "credential": "c", "credential_expires_at": 1, "status": "active",
        });
        home.save(ENROLMENT, &enrolled).unwrap();
        let line = Line::parse_from(["holder", "--home", folder.path().to_str().unwrap()]);
        let refused = Device::begin(&line.common).await.err().unwrap();
        let refused = refused.downcast::<DeviceError>().unwrap();
        assert!(matches!(*refused, DeviceError::Enrolled { .. }));
        assert!(!folder.path().join(KEY).exists());
    }

    #[test]
    fn the_receipt_of_a_withdrawal_does_not_replace_the_one_of_the_consent() {
        let consent = "con_c2FtcGxlLWNvbnNlbnQtaQ".parse().unwrap();
        let granted = receipt_file(&consent, LeafKind::ConsentGranted);
        let withdrawn = receipt_file(&consent, LeafKind::ConsentWithdrawn);
        assert_eq!(granted, "receipts/con_c2FtcGxlLWNvbnNlbnQtaQ.json");
        assert_eq!(
            withdrawn,
            "receipts/con_c2FtcGxlLWNvbnNlbnQtaQ.consent.withdrawn.json"
        );
    }
}

//! The port [`Devices`] in front of a store, beside the holders in memory: a device that is revoked answers nothing from
//! the moment on at which the revocation begins.

use std::sync::Arc;

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::id::SubjectId;
use cyberid_storage::Result;
use cyberid_storage::device::{
    Alert, BeginningDevice, Begun, Devices, KnownDevice, ListedDevice, NewDevice, Revoked, Unbinding,
};
use cyberid_storage::subject::HashedPin;

use crate::CachedSubjects;

/// Devices in a store; what is written of them is read back into memory.
pub struct CachedDevices {
    subjects: Arc<CachedSubjects>,
    store: Arc<dyn Devices>,
    /// A device that is added while all others are revoked would be read back as it stood before.
    adding: tokio::sync::Mutex<()>,
}

impl CachedDevices {
    /// The devices of `store`, which `subjects` keeps in memory.
    pub fn new(subjects: Arc<CachedSubjects>, store: Arc<dyn Devices>) -> Arc<Self> {
        Arc::new(Self {
            subjects,
            store,
            adding: tokio::sync::Mutex::default(),
        })
    }
}

#[async_trait]
impl Devices for CachedDevices {
    async fn begin_device(&self, device: &BeginningDevice) -> Result<Begun> {
        self.store.begin_device(device).await
    }

    async fn add_device(&self, new: &NewDevice) -> Result<bool> {
        let _alone = self.adding.lock().await;
        let own = self.store.listed_devices(&new.subject).await?;
        let own = own.into_iter().map(|listed| listed.device.jkt);
        let changing: Vec<_> = own.chain([new.device.jkt.clone()]).collect();
        self.subjects
            .while_written(changing, self.store.add_device(new))
            .await
    }

    async fn revoke_device(&self, subject: &SubjectId, jkt: &str, now: UnixTime) -> Result<Revoked> {
        let revoked = self.store.revoke_device(subject, jkt, now);
        self.subjects.while_written(vec![jkt.to_owned()], revoked).await
    }

    async fn listed_devices(&self, subject: &SubjectId) -> Result<Vec<ListedDevice>> {
        self.store.listed_devices(subject).await
    }

    async fn known_device(&self, jkt: &str) -> Result<Option<KnownDevice>> {
        self.store.known_device(jkt).await
    }

    async fn unbindings_due(&self, now: UnixTime, limit: u32) -> Result<Vec<Unbinding>> {
        self.store.unbindings_due(now, limit).await
    }

    async fn end_unbinding(&self, jkt: &str) -> Result<()> {
        self.store.end_unbinding(jkt).await
    }

    async fn set_pin(&self, subject: &SubjectId, pin: &HashedPin, alert: &Alert) -> Result<bool> {
        self.store.set_pin(subject, pin, alert).await
    }

    async fn tell(&self, subject: &SubjectId, alert: &Alert) -> Result<()> {
        self.store.tell(subject, alert).await
    }

    async fn alerts(&self, subject: &SubjectId) -> Result<Vec<Alert>> {
        self.store.alerts(subject).await
    }

    async fn subject_of_person(&self, person_tag: &[u8; 32]) -> Result<Option<SubjectId>> {
        self.store.subject_of_person(person_tag).await
    }
}

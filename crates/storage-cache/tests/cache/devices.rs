//! A device that is added or revoked is so in memory too, from the moment on at which the writer is answered.

use std::sync::Arc;

use cyberid_domain::device::AlertKind;
use cyberid_storage::device::{BeginningDevice, Begun, Devices, NewDevice, Revoked};
use cyberid_storage::subject::{NewSubject, Subjects};
use cyberid_storage_cache::{CachedDevices, CachedSubjects};
use cyberid_storage_sqlite::RegistryDb;

use crate::store::{NOW, new_subject};

struct Scene {
    subjects: Arc<CachedSubjects>,
    devices: Arc<CachedDevices>,
    first: NewSubject,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let registry = RegistryDb::open(folder.path().join("registry.db")).await.unwrap();
        let registry = Arc::new(registry);
        let first = new_subject();
        registry.begin_enrolment(&first.subject, NOW).await.unwrap();
        assert!(registry.commit_enrolment(&first).await.unwrap());
        let subjects = CachedSubjects::new(registry.clone(), 1_000);
        let loading = Arc::clone(&subjects);
        tokio::spawn(async move { loading.keep_loaded().await });
        while !subjects.is_whole() {
            tokio::task::yield_now().await;
        }
        Self {
            devices: CachedDevices::new(Arc::clone(&subjects), registry),
            subjects,
            first,
            _folder: folder,
        }
    }

    async fn is_known(&self, jkt: &str) -> bool {
        assert!(self.subjects.is_whole());
        self.subjects.holder(jkt).await.unwrap().is_some()
    }

    async fn add(&self, revoke_others: bool) -> String {
        let device = new_subject().device;
        assert!(!self.is_known(&device.jkt).await);
        let beginning = BeginningDevice {
            subject: self.first.subject,
            jkt: device.jkt.clone(),
            key: device.key,
            now: NOW,
            undo_at: NOW.plus(600),
            replaces_all: revoke_others,
        };
        assert_eq!(self.devices.begin_device(&beginning).await.unwrap(), Begun::Now);
        let new = NewDevice {
            subject: self.first.subject,
            device: device.clone(),
            release_from: NOW,
            revoke_others,
            pin: None,
            alert: AlertKind::DeviceAdded,
        };
        assert!(self.devices.add_device(&new).await.unwrap());
        device.jkt
    }
}

#[tokio::test]
async fn memory_knows_an_added_device_and_forgets_a_revoked_one_at_once() {
    let scene = Scene::start().await;
    let first = scene.first.device.jkt.clone();
    assert!(scene.is_known(&first).await);
    let second = scene.add(false).await;
    assert!(scene.is_known(&second).await && scene.is_known(&first).await);
    let revoked = scene.devices.revoke_device(&scene.first.subject, &first, NOW);
    assert_eq!(revoked.await.unwrap(), Revoked::Now);
    assert!(!scene.is_known(&first).await && scene.is_known(&second).await);
    let third = scene.add(true).await;
    assert!(scene.is_known(&third).await && !scene.is_known(&second).await);
}

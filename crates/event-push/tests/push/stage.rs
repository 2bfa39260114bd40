//! A store with relying parties, pushing on it, and a clock that stands still.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::clock::{Clock as _, ManualClock};
use cyberid_domain::field::Field;
use cyberid_domain::id::{ClientId, ConsentId, Nonce, ReleaseId};
use cyberid_domain::release::ReleaseStatus;
use cyberid_domain::relying_party::RegistrationStatus;
use cyberid_domain::rng::SystemRng;
use cyberid_domain::secret::SecretBytes;
use cyberid_event_push::{Lookup, Parts, Push, Reach, Sender, Settings};
use cyberid_keystore::{KdfCost, Keystore, RoleName, role};
use cyberid_protocol::event::{ConsentWithdrawn, Event, SecurityEvent};
use cyberid_protocol::message::Message as _;
use cyberid_storage::event::NewEvent;
use cyberid_storage::release::{Release, Releases as _, Step, Stepped};
use cyberid_storage::relying_party::{RelyingParties as _, RelyingParty};
use cyberid_storage_sqlite::RegistryDb;
use serde_json::json;

use crate::receiver::{Authority, HOST, Receiver};

pub(crate) const NOW: UnixTime = UnixTime(1_800_000_000);
pub(crate) const ISSUER: &str = "https://id.example";

/// Answers every name with the same addresses, and counts.
#[derive(Default)]
pub(crate) struct Names {
    pub(crate) addresses: Mutex<Vec<IpAddr>>,
    pub(crate) asked: AtomicUsize,
}

#[async_trait]
impl Lookup for Names {
    async fn addresses(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(self.addresses.lock().unwrap().clone())
    }
}

impl Names {
    pub(crate) fn answer(&self, addresses: &[&str]) {
        *self.addresses.lock().unwrap() = addresses.iter().map(|address| address.parse().unwrap()).collect();
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

pub(crate) struct Stage {
    pub(crate) authority: Authority,
    pub(crate) names: Arc<Names>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) db: RegistryDb,
    pub(crate) keys: Keystore,
    reach: Reach,
    folder: tempfile::TempDir,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        Self::reaching(Reach::Anywhere).await
    }

    pub(crate) async fn reaching(reach: Reach) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(NOW));
        let passphrase = SecretBytes::from("correct horse battery".to_owned());
        let keys = Keystore::create(
            &folder.path().join("keys"),
            &passphrase,
            KdfCost::INSECURE,
            clock.clone(),
            Arc::new(SystemRng),
        )
        .unwrap();
        keys.ensure(&[RoleName::Event]).unwrap();
        let names = Arc::new(Names::default());
        names.answer(&["127.0.0.1"]);
        Self {
            authority: Authority::make(),
            names,
            clock,
            db: RegistryDb::open(folder.path().join("registry.db")).await.unwrap(),
            keys,
            reach,
            folder,
        }
    }

    /// A receiver under the authority.
    pub(crate) async fn receiver(&self) -> Arc<Receiver> {
        Receiver::start(&self.authority).await
    }

    /// An approved relying party whose events go there.
    pub(crate) async fn party(&self, receiver: &Receiver) -> ClientId {
        let uri = format!("https://{HOST}:{}/events", receiver.port);
        self.party_at(Some(&uri), RegistrationStatus::Approved).await
    }

    pub(crate) async fn party_at(&self, uri: Option<&str>, status: RegistrationStatus) -> ClientId {
        let client_id = ClientId::random(&SystemRng);
        let row = RelyingParty {
            client_id: client_id.clone(),
            revision: 0,
            registration: json!({"name": "ISP", "events_uri": uri}).to_string(),
            status,
            applied_by: ClientId::random(&SystemRng),
            applied_at: NOW,
            expires_at: Some(NOW.plus(400 * 86_400)),
            certificates: Vec::new(),
            leaf: None,
            waiting_keys: None,
            renewal: None,
        };
        self.db.apply(&row).await.unwrap();
        client_id
    }

    /// Pushing, as a process begins it.
    pub(crate) fn push(&self) -> Arc<Push> {
        self.push_within(Duration::from_millis(500))
    }

    pub(crate) fn push_within(&self, total: Duration) -> Arc<Push> {
        self.push_of(&self.db, total)
    }

    pub(crate) fn push_of(&self, db: &RegistryDb, total: Duration) -> Arc<Push> {
        let settings = Settings {
            reach: self.reach,
            lookup: self.names.clone(),
            ca: Some(self.authority.pem()),
            total: Some(total),
        };
        let store = Arc::new(db.clone());
        Push::new(Parts {
            issuer: ISSUER.into(),
            clock: self.clock.clone(),
            rng: Arc::new(SystemRng),
            events: store.clone(),
            pushes: store.clone(),
            relying_parties: store,
            event_key: self.keys.signer::<role::Event>().unwrap(),
            sender: Sender::new(settings).unwrap(),
        })
    }

    /// The store as the next process opens it.
    pub(crate) async fn reopened(&self) -> RegistryDb {
        RegistryDb::open(self.folder.path().join("registry.db"))
            .await
            .unwrap()
    }

    /// Writes an event into the feed; its `jti`.
    pub(crate) async fn happen(&self, client_id: &ClientId) -> String {
        let jti = Nonce::random(&SystemRng);
        let event = SecurityEvent {
            iss: ISSUER.into(),
            aud: client_id.clone(),
            iat: self.clock.now(),
            jti: jti.clone(),
            events: Event::ConsentWithdrawn(ConsentWithdrawn {
                consent: ConsentId::random(&SystemRng),
                release: ReleaseId::random(&SystemRng),
                erase_by: NOW.plus(1),
            }),
        };
        let key = self.keys.signer::<role::Event>().unwrap().current();
        let event = NewEvent {
            client_id: client_id.clone(),
            token: event.sign(&*key).unwrap(),
        };
        let release = release(client_id);
        self.db.request(&release).await.unwrap();
        let step = Step {
            id: &release.id,
            from: ReleaseStatus::Requested,
            to: ReleaseStatus::Declined,
            leaf: None,
            event: Some(&event),
            uses: None,
        };
        assert_eq!(self.db.step(&step).await.unwrap(), Stepped::Now);
        jti.as_str().to_owned()
    }

    pub(crate) async fn happen_thrice(&self, client_id: &ClientId) -> [String; 3] {
        [
            self.happen(client_id).await,
            self.happen(client_id).await,
            self.happen(client_id).await,
        ]
    }
}

/// A release that is only there for its event.
fn release(client_id: &ClientId) -> Release {
    Release {
        id: ReleaseId::random(&SystemRng),
        client_id: client_id.clone(),
        sub: "a pseudonym".into(),
        purpose: "delivery".into(),
        fields: vec![Field::Name],
        nonce: Nonce::random(&SystemRng),
        created_at: NOW,
        expires_at: NOW.plus(300),
        status: ReleaseStatus::Requested,
        grant: None,
        leaves: Vec::new(),
    }
}

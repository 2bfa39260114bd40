//! A few threads, each with a session of its own: calls of the token block them, and nobody else for long.
//!
//! A caller on a thread of the asynchronous runtime gives its place there away while it waits, so that the others go on;
//! and no caller waits for longer than [`PATIENCE`].

use std::collections::HashMap;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use cryptoki::error::{Error, RvError};
use cryptoki::object::{Attribute, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::RawAuthPin;
use cyberid_domain::secret::SecretBytes;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::error::TokenError;
use super::module::Place;

/// How many calls the token works on at once.
const SESSIONS: usize = 4;

/// For how long a caller waits for the token.
const PATIENCE: Duration = Duration::from_secs(10);

type Work = Box<dyn FnOnce(&mut Worker) + Send>;

/// The sessions of one keystore.
pub(super) struct Sessions(Sender<Work>);

impl Sessions {
    /// Starts the threads; each opens its session with its first call. `label` is that of the keystore's objects.
    pub(super) fn start(place: &Place, pin: &SecretBytes, label: &str) -> Result<Self, TokenError> {
        let (queue, work) = mpsc::channel();
        let work = Arc::new(Mutex::new(work));
        let refused = Arc::new(OnceLock::new());
        for _ in 0..SESSIONS {
            let worker = Worker {
                place: place.clone(),
                pin: pin.clone(),
                label: label.to_owned(),
                refused: Arc::clone(&refused),
                desk: None,
            };
            let work = Arc::clone(&work);
            let thread = std::thread::Builder::new().name("token".into());
            let started = thread.spawn(move || worker.serve(&work));
            started.map_err(|error| TokenError::Refused(error.to_string()))?;
        }
        Ok(Self(queue))
    }

    /// Has some session do the work, which is done anew in a fresh session if the token refuses it once.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Desk) -> Result<T, TokenError> + Send + 'static,
    ) -> Result<T, TokenError> {
        let (tell, told) = mpsc::sync_channel(1);
        let work: Work = Box::new(move |worker| {
            // A caller who lost patience is told nothing any more.
            let _ = tell.send(worker.run(&work));
        });
        self.0.send(work).map_err(|_| TokenError::Unanswered)?;
        waiting(|| told.recv_timeout(PATIENCE)).unwrap_or(Err(TokenError::Unanswered))
    }
}

/// Waits; on a thread of a runtime that has more than one, others go on meanwhile.
fn waiting<T>(wait: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(wait),
        _ => wait(),
    }
}

struct Worker {
    place: Place,
    pin: SecretBytes,
    label: String,
    /// Set once the token has refused the PIN: a token locks itself after a few wrong ones.
    refused: Arc<OnceLock<TokenError>>,
    desk: Option<Desk>,
}

impl Worker {
    fn serve(mut self, work: &Mutex<Receiver<Work>>) {
        loop {
            let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
            match next {
                Ok(work) => work(&mut self),
                Err(mpsc::RecvError) => return,
            }
        }
    }

    fn run<T>(&mut self, work: &impl Fn(&mut Desk) -> Result<T, TokenError>) -> Result<T, TokenError> {
        match self.attempt(work) {
            Err(TokenError::Refused(_)) => {
                self.desk = None;
                self.attempt(work)
            }
            done => done,
        }
    }

    fn attempt<T>(&mut self, work: &impl Fn(&mut Desk) -> Result<T, TokenError>) -> Result<T, TokenError> {
        if self.desk.is_none() {
            self.desk = Some(self.open()?);
        }
        self.desk.as_mut().map_or(Err(TokenError::Unanswered), work)
    }

    fn open(&self) -> Result<Desk, TokenError> {
        if let Some(refused) = self.refused.get() {
            return Err(refused.clone());
        }
        let session = self.place.module.open_rw_session(self.place.slot)?;
        let pin = RawAuthPin::from(Box::new(self.pin.expose().to_vec()));
        match session.login_with_raw(UserType::User, &pin) {
            // The login is the application's, whichever session it came by.
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(error) => {
                let error = TokenError::from(error);
                if matches!(error, TokenError::Pin(_)) {
                    // The first refusal stays.
                    let _ = self.refused.set(error.clone());
                }
                return Err(error);
            }
        }
        Ok(Desk {
            session,
            label: self.label.clone(),
            found: HashMap::new(),
        })
    }
}

/// A session, and the keystore's objects that it has met.
pub(super) struct Desk {
    pub(super) session: Session,
    label: String,
    found: HashMap<String, ObjectHandle>,
}

impl Desk {
    /// The attributes by which this keystore's object of an id is found.
    pub(super) fn named(&self, id: &str) -> [Attribute; 2] {
        [
            Attribute::Label(self.label.clone().into_bytes()),
            Attribute::Id(id.as_bytes().to_vec()),
        ]
    }

    /// The private or secret key of an id.
    pub(super) fn key(&mut self, id: &str) -> Result<ObjectHandle, TokenError> {
        if let Some(&found) = self.found.get(id) {
            return Ok(found);
        }
        for class in [ObjectClass::PRIVATE_KEY, ObjectClass::SECRET_KEY] {
            let wanted = [&self.named(id)[..], &[Attribute::Class(class)]].concat();
            if let Some(&key) = self.session.find_objects(&wanted)?.first() {
                self.found.insert(id.to_owned(), key);
                return Ok(key);
            }
        }
        Err(TokenError::NoObject(id.to_owned()))
    }

    /// The private keys of this keystore.
    pub(super) fn private_keys(&self) -> Result<Vec<ObjectHandle>, TokenError> {
        let wanted = [
            Attribute::Label(self.label.clone().into_bytes()),
            Attribute::Class(ObjectClass::PRIVATE_KEY),
        ];
        Ok(self.session.find_objects(&wanted)?)
    }

    /// Destroys a key.
    pub(super) fn destroy(&mut self, key: ObjectHandle) -> Result<(), TokenError> {
        self.found.retain(|_, known| *known != key);
        Ok(self.session.destroy_object(key)?)
    }
}

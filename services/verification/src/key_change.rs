//! A relying party changes its keys, by a message that one of its keys in force signs.
//!
//! The change is in the log at once, and in force only after a cooling-off: whoever stole a key can announce others, and
//! is stopped by an operator before they count.

use cyberid_crypto::digest;
use cyberid_domain::clock::SKEW;
use cyberid_domain::id::{ClientId, LeafId};
use cyberid_domain::relying_party::RegistrationAct;
use cyberid_protocol::leaf::LeafKind;
use cyberid_protocol::message::{check_life, unverified};
use cyberid_protocol::registration::{KeyChange, Registered, Registration};
use cyberid_storage::StorageError;
use cyberid_storage::relying_party::{RelyingParty, WaitingKeys};
use cyberid_storage::single_use::SingleUse;

use crate::Verification;
use crate::leaf::{leaf, name};
use crate::onboarding::{Change, allowed};
use crate::party::ActiveParty;
use crate::refusal::Refusal;
use crate::registration::{CheckedRegistration, signing_keys};

/// The longest life of a key change in seconds.
const MAX_KEY_CHANGE_LIFE: u64 = 300;

/// How many matured changes are written down at a time.
const PAGE: u32 = 100;

impl Verification {
    /// Has the keys of a key change wait until they are in force. The same message again waits for the leaf of the
    /// first.
    pub(crate) async fn change_keys(
        &self,
        client_id: &ClientId,
        message: &str,
    ) -> Result<Registered, Refusal> {
        // No quota: anybody may send here, and would spend what the relying party saved up.
        let party = self.announcing_party(client_id).await?;
        // By its words: they have a second signature that anybody can make of the first (ECDSA's `n - s`).
        let words = message.rsplit_once('.').map_or(message, |(words, _)| words);
        let digest = digest::sha256(words.as_bytes());
        let leaf_id = name(
            LeafKind::RpKeyChanged,
            client_id,
            &cyberid_crypto::base64url::encode(&digest),
        )?;
        // The key that signed may be gone by its own message: what was done is recognised before it is looked for.
        if !self.is_promised(&leaf_id).await? {
            let change = self.key_change(&party, message)?;
            let single_use = SingleUse {
                digest,
                forget_at: change.exp.plus(SKEW + 1),
            };
            if self.parts.single_uses.use_once(&single_use).await? {
                self.change(client_id, |was| self.with_keys(was, message, &leaf_id).map(Some))
                    .await?;
            }
        }
        self.placed(&leaf_id).await?;
        self.registered(client_id).await
    }

    /// Drops keys that wait, for an operator. Where none do, the registration stands as it stood.
    pub(crate) async fn cancel_keys(&self, client_id: &ClientId) -> Result<Registered, Refusal> {
        let row = self
            .change(client_id, |was| {
                allowed(was.standing(self.now()), RegistrationAct::CancelKeys)?;
                if was.waiting_keys.is_none() {
                    return Ok(None);
                }
                let next = RelyingParty {
                    waiting_keys: None,
                    ..was.clone()
                };
                self.with_leaf(next, LeafKind::RpKeyChanged).map(Some)
            })
            .await?;
        self.recorded(row, LeafKind::RpRegistered).await
    }

    /// Writes down which keys have come into force. They are in force without this: every reader counts by the clock.
    pub(crate) async fn settle_keys(&self) -> Result<(), StorageError> {
        let store = &self.parts.relying_parties;
        for row in store.keys_due(self.now(), PAGE).await? {
            // Where another change came between, that one has written them down.
            store.replace(&row, &row, None).await?;
            self.kept_parties.forget(&row.client_id);
        }
        Ok(())
    }

    async fn announcing_party(&self, client_id: &ClientId) -> Result<ActiveParty, Refusal> {
        let store = &self.parts.relying_parties;
        let row = store.relying_party(client_id, self.now()).await?;
        ActiveParty::of(row.ok_or(Refusal::Inactive)?, self.now())
    }

    fn key_change(&self, party: &ActiveParty, message: &str) -> Result<KeyChange, Refusal> {
        let parsed = unverified::<KeyChange>(message);
        let parsed = parsed.map_err(|_| Refusal::Message("not a compact JWS of its type"))?;
        let keys = signing_keys(&party.registration).into_iter();
        let change: KeyChange = keys
            .filter(|key| parsed.kid() == Ok(key.thumbprint().as_str()))
            .find_map(|key| parsed.clone().verify(&key).ok())
            .ok_or(Refusal::Message(
                "not signed by a key of this relying party that is in force",
            ))?;
        if change.aud != self.parts.issuer || change.iss != party.row.client_id {
            return Err(Refusal::Message("`aud` or `iss` is another"));
        }
        check_life(change.iat, change.exp, MAX_KEY_CHANGE_LIFE, self.now())?;
        CheckedRegistration::new(with(&party.registration, &change), self.suite())?;
        Ok(change)
    }

    /// The row with the keys of this message waiting, in the place of any that waited.
    fn with_keys(&self, was: &RelyingParty, message: &str, leaf_id: &LeafId) -> Result<Change, Refusal> {
        let now = self.now();
        allowed(was.standing(now), RegistrationAct::ChangeKeys)?;
        let party = ActiveParty::of(was.clone(), now)?;
        let change = self.key_change(&party, message)?;
        let checked = CheckedRegistration::new(with(&party.registration, &change), self.suite())?;
        let (registration, in_force_at) = (checked.to_text()?, now.plus(self.parts.key_cooling_off));
        let expires_at = was.expires_at.unwrap_or(now);
        let kind = LeafKind::RpKeyChanged;
        let leaf = leaf(leaf_id, kind, &was.client_id, &registration, now)?;
        let waiting_keys = WaitingKeys {
            certificates: self.certify(&was.client_id, checked.get(), in_force_at, expires_at)?,
            registration,
            in_force_at,
        };
        let next = RelyingParty {
            waiting_keys: Some(waiting_keys),
            ..was.clone()
        };
        Ok(Change {
            next,
            leaf: Some(leaf),
        })
    }
}

fn with(registration: &Registration, change: &KeyChange) -> Registration {
    Registration {
        jwks: change.jwks.clone(),
        ..registration.clone()
    }
}

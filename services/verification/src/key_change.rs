//! A relying party changes its keys, by a message that one of its keys in force signs.

use cyberid_crypto::digest;
use cyberid_domain::clock::SKEW;
use cyberid_domain::id::ClientId;
use cyberid_protocol::leaf::LeafKind;
use cyberid_protocol::message::{check_life, unverified};
use cyberid_protocol::registration::{KeyChange, Registered, Registration};
use cyberid_storage::single_use::SingleUse;

use crate::Verification;
use crate::leaf::{leaf, name};
use crate::party::ActiveParty;
use crate::refusal::Refusal;
use crate::registration::{CheckedRegistration, signing_keys};

/// The longest life of a key change in seconds.
const MAX_KEY_CHANGE_LIFE: u64 = 300;

impl Verification {
    /// Puts the keys of a key change into force. The same message again waits for the leaf of the first.
    pub(crate) async fn change_keys(
        &self,
        client_id: &ClientId,
        message: &str,
    ) -> Result<Registered, Refusal> {
        // No quota: anybody may send here, and would spend what the relying party saved up.
        let party = self.active_party(client_id).await?;
        let digest = digest::sha256(message.as_bytes());
        let leaf_id = name(
            LeafKind::RpKeyChanged,
            client_id,
            &cyberid_crypto::base64url::encode(&digest),
        )?;
        // The key that signed may be gone by its own message: what was done is recognised before it is looked for.
        if !self.is_promised(&leaf_id).await? {
            let change = self.key_change(&party, message)?;
            let message = SingleUse {
                digest,
                forget_at: change.exp.plus(SKEW + 1),
            };
            if self.parts.single_uses.use_once(&message).await? {
                self.put_into_force(&party, change, &leaf_id).await?;
            }
        }
        self.placed(&leaf_id).await?;
        self.registered(client_id).await
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
        Ok(change)
    }

    async fn put_into_force(
        &self,
        party: &ActiveParty,
        change: KeyChange,
        leaf_id: &cyberid_domain::id::LeafId,
    ) -> Result<(), Refusal> {
        let checked = CheckedRegistration::new(Registration {
            jwks: change.jwks,
            ..party.registration.clone()
        })?;
        let (row, now) = (&party.row, self.now());
        let expires_at = row.expires_at.unwrap_or(now);
        let force = self.in_force(&row.client_id, checked.get(), now, expires_at)?;
        let leaf = leaf(
            leaf_id,
            LeafKind::RpKeyChanged,
            &row.client_id,
            &force.registration,
            now,
        )?;
        let store = &self.parts.relying_parties;
        let changed = store
            .change_keys(&row.client_id, &row.registration, &force, &leaf)
            .await?;
        changed.then_some(()).ok_or(Refusal::Replayed)
    }
}

//! The first officer's order: kept with its leaf, or refused with its leaves.

use cyberid_crypto::digest;
use cyberid_domain::clock::SKEW;
use cyberid_domain::id::{ClientId, OfficialAccessId};
use cyberid_domain::official::{OfficialRefusal, OfficialStatus};
use cyberid_domain::rng::random;
use cyberid_protocol::leaf::{Leaf, LeafKind};
use cyberid_protocol::message::Message as _;
use cyberid_protocol::official::{
    MAX_LIFE, OfficialAccessRequested, Order, OrderRefused, OrderedBy, open_order, subject_commitment,
    words_sha256,
};
use cyberid_storage::official::OfficialAccess;
use cyberid_storage::release::Stepped;
use cyberid_storage::single_use::SingleUse;

use crate::message::use_of;
use crate::{Consent, ConsentError, Refusal};

impl Consent {
    /// Keeps an officer's order, and answers once its leaf is in the log. Nothing is looked up yet: whether the subject
    /// exists is nothing that one officer learns.
    pub(crate) async fn order_official(
        &self,
        client_id: &ClientId,
        compact: &str,
    ) -> Result<OfficialAccessRequested, ConsentError> {
        // 1.
        let authority = self.authority(client_id)?;
        let ordered = match open_order(compact, authority, &self.parts.issuer) {
            Ok(ordered) => ordered,
            Err(OrderRefused::TooWide) => return self.refuse_wide(client_id, compact).await,
            Err(_) => return Err(Refusal::InvalidMessage.into()),
        };
        let order = &ordered.order;
        self.now_within(order.iat, order.exp, MAX_LIFE)?;
        let salt = random(&*self.parts.rng);
        let access = self.ordered(&ordered, compact, salt);
        let leaf = Leaf {
            subject_commitment: Some(subject_commitment(&salt, &ordered.subject)),
            fields: Some(order.fields.clone()),
            enc_jkt: Some(order.enc_jkt.clone()),
            ..self.requested_leaf(&access)
        };
        let uses = use_of::<Order>(&ordered.officer.key.thumbprint(), &order.jti, order.exp);
        self.keep_order(&access, &leaf, &uses).await?;
        // 2.
        self.keep_official_leaves(&access.id, LeafKind::OfficialRequested)
            .await?;
        Ok(OfficialAccessRequested {
            id: access.id,
            status: access.status,
        })
    }

    /// Records that an officer asked for more than one subject: both leaves, and never any plaintext.
    async fn refuse_wide(
        &self,
        client_id: &ClientId,
        compact: &str,
    ) -> Result<OfficialAccessRequested, ConsentError> {
        let now = self.parts.clock.now();
        let access = OfficialAccess {
            id: OfficialAccessId::random(&*self.parts.rng),
            authority: client_id.clone(),
            order: compact.into(),
            countersignature: None,
            salt: random(&*self.parts.rng),
            created_at: now,
            expires_at: now,
            notice_after: now,
            status: OfficialStatus::Requested,
            subject: None,
            refusal: None,
            leaves: Vec::new(),
        };
        // Housekeeping would refuse it too, as over, between its two leaves.
        let _turn = self.official_turns.of(&access.id).await;
        // Such an order need not have a name of its own: its words are its name.
        let uses = SingleUse {
            digest: digest::hmac_parts(b"", &[Order::TYP.as_bytes(), words_sha256(compact).as_bytes()]),
            forget_at: now.plus(MAX_LIFE + SKEW),
        };
        self.keep_order(&access, &self.requested_leaf(&access), &uses)
            .await?;
        self.refuse_official(&access.id, OfficialRefusal::TooWide).await?;
        Err(Refusal::OrderTooWide.into())
    }

    fn ordered(&self, ordered: &OrderedBy<'_>, compact: &str, salt: [u8; 32]) -> OfficialAccess {
        let (order, now) = (&ordered.order, self.parts.clock.now());
        OfficialAccess {
            id: OfficialAccessId::random(&*self.parts.rng),
            authority: order.authority.clone(),
            order: compact.into(),
            countersignature: None,
            salt,
            created_at: now,
            expires_at: order.exp,
            notice_after: order.notice_after.unwrap_or(now).max(now),
            status: OfficialStatus::Requested,
            subject: None,
            refusal: None,
            leaves: Vec::new(),
        }
    }

    /// What every first leaf says: who ordered, and the hash of what.
    fn requested_leaf(&self, access: &OfficialAccess) -> Leaf {
        Leaf {
            official: Some(access.id.clone()),
            authority: Some(access.authority.clone()),
            order_sha256: Some(words_sha256(&access.order)),
            ..Leaf::new(LeafKind::OfficialRequested, self.parts.clock.now())
        }
    }

    async fn keep_order(
        &self,
        access: &OfficialAccess,
        leaf: &Leaf,
        uses: &SingleUse,
    ) -> Result<(), ConsentError> {
        let leaf = self.named(leaf)?;
        match self.parts.officials.order(access, &leaf, uses).await? {
            Stepped::Now => Ok(()),
            Stepped::Elsewhere | Stepped::Replayed => Err(Refusal::ReplayedMessage.into()),
        }
    }
}

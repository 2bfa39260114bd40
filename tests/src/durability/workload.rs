//! What is asked of a platform: registrations and suspensions, consents, releases and withdrawals, by several at once,
//! with everything remembered that was acknowledged.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cyberid_client::ledger::Tree;
use cyberid_client::{ClientError, Session};
use cyberid_domain::check::Check;
use cyberid_domain::field::Field;
use cyberid_domain::id::{ClientId, ConsentId, ReleaseId};
use cyberid_domain::relying_party::IntendedUse;
use cyberid_domain::rng::SystemRng;
use cyberid_holder::{Holder, HolderError, ReviewedRequest, VerifiedReceipt};
use cyberid_protocol::leaf::{Leaf, LeafKind};
use cyberid_protocol::registration::Registered;
use cyberid_protocol::statement::Locale;
use cyberid_relying_party::{
    Particulars, PendingRelease, RelyingParty, RelyingPartyError, RpKeys, registration,
};

use tokio::task::JoinSet;

use super::Progress;
use super::dice::Dice;

/// Whoever waits longer than this for a refusal was kept hanging: just below a client's patience.
const PATIENCE: Duration = Duration::from_secs(9);

/// Everybody in front of one server.
pub(super) struct Cast {
    pub(super) operators: [Session; 2],
    pub(super) party: RelyingParty,
    /// Each with the name that the relying party knows them by.
    pub(super) citizens: Vec<(Holder, String)>,
}

/// What was acknowledged, with what the answer says that no earlier answer said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Acknowledged {
    pub(super) fact: Fact,
    pub(super) says: [String; 2],
}

/// Something that the platform has said is so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fact {
    /// This leaf is in this place.
    Leaf { index: u64, text: String },
    /// This leaf, an intent, is in this place, and plaintext was delivered because of it.
    Delivered { index: u64, text: String },
    /// The log has, or will have, one leaf of this kind about this relying party.
    About { kind: LeafKind, rp: ClientId },
}

/// Why something was not acknowledged. Whether it happened is not known.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Holder(#[from] HolderError),
    #[error(transparent)]
    Party(#[from] RelyingPartyError),
    #[error("an answer that was not asked for")]
    Unexpected,
}

/// One who asks, and what they have under way; both outlive a server.
pub(super) struct Worker {
    dice: Dice,
    citizen: usize,
    registered: Vec<ClientId>,
    granted: Vec<(PendingRelease, ConsentId)>,
    delivered: Vec<ConsentId>,
    /// Releases that were tried and refused once.
    tried: HashSet<ReleaseId>,
    pub(super) done: Done,
}

/// What came of one's work.
#[derive(Debug, Clone, Default)]
pub(super) struct Done {
    pub(super) operations: usize,
    pub(super) refused: usize,
    pub(super) hung: usize,
    pub(super) last_refusal: Option<String>,
    pub(super) acknowledged: Vec<Acknowledged>,
    /// The last checkpoint that was believed.
    pub(super) seen: Tree,
}

impl Worker {
    /// The one of this number.
    pub(super) fn new(dice: &Dice, number: usize) -> Self {
        Self {
            dice: dice.split(number),
            citizen: number,
            registered: Vec::new(),
            granted: Vec::new(),
            delivered: Vec::new(),
            tried: HashSet::new(),
            done: Done::default(),
        }
    }

    /// One append and one release, each step if the one before was acknowledged.
    pub(super) async fn append_and_release(&mut self, cast: &Cast) {
        let since = Instant::now();
        let appended = self.register(cast).await;
        self.note(since, appended);
        let since = Instant::now();
        let granted = self.grant(cast).await;
        self.note(since, granted);
        let since = Instant::now();
        if let Some(release) = self.granted.pop() {
            let redeemed = self.redeem(cast, release).await;
            self.note(since, redeemed);
        }
        self.remember(cast).await;
    }

    /// Does whatever the dice say.
    pub(super) async fn act(&mut self, cast: &Cast) {
        let since = Instant::now();
        let acted = self.one(cast).await;
        self.note(since, acted);
        self.remember(cast).await;
    }

    async fn one(&mut self, cast: &Cast) -> Result<Acknowledged, Refused> {
        match self.dice.below(100) {
            0..35 if !self.granted.is_empty() => {
                let at = self.dice.below(self.granted.len());
                let release = self.granted.swap_remove(at);
                self.redeem(cast, release).await
            }
            35..50 if !self.delivered.is_empty() => {
                let at = self.dice.below(self.delivered.len());
                let consent = self.delivered.swap_remove(at);
                self.withdraw(cast, &consent).await
            }
            50..60 if !self.registered.is_empty() => {
                let at = self.dice.below(self.registered.len());
                let rp = self.registered.swap_remove(at);
                suspend(cast, rp).await
            }
            50..75 => self.register(cast).await,
            _ => self.grant(cast).await,
        }
    }

    fn note(&mut self, since: Instant, acted: Result<Acknowledged, Refused>) {
        self.done.operations += 1;
        match acted {
            Ok(acknowledged) => self.done.acknowledged.push(acknowledged),
            Err(refused) => {
                self.done.refused += 1;
                self.done.hung += usize::from(since.elapsed() > PATIENCE);
                self.done.last_refusal = Some(refused.to_string());
            }
        }
    }

    /// One operator applies in a relying party's place, and the other approves.
    async fn register(&mut self, cast: &Cast) -> Result<Acknowledged, Refused> {
        let keys = RpKeys::make_of(crate::suite(), &SystemRng).map_err(|_| Refused::Unexpected)?;
        let body = registration(particulars(&mut self.dice), &keys);
        let [one, another] = &cast.operators;
        let applied: Registered = one.post("/v1/relying-parties", &body).await?;
        let rp = applied.client_id;
        let approve = format!("/v1/relying-parties/{rp}/approve");
        let _: Registered = another.post_empty(&approve, &[]).await?;
        self.registered.push(rp.clone());
        Ok(about(LeafKind::RpRegistered, rp, "approved"))
    }

    /// The relying party asks for plaintext, and the citizen grants it.
    async fn grant(&mut self, cast: &Cast) -> Result<Acknowledged, Refused> {
        let (holder, sub) = self.citizen(cast)?;
        let fields = [Field::Name, Field::BirthDate];
        let pending = cast.party.request_release(sub, "deliver", &fields).await?;
        let reviewed = holder
            .fetch_request(&pending.request_uri, Locale::English)
            .await?;
        let ReviewedRequest::Release(reviewed) = reviewed else {
            return Err(Refused::Unexpected);
        };
        let consented = holder.grant_release(&reviewed, &[Field::Name]).await?;
        let consent = consented.consent_id;
        self.granted.push((pending, consent.clone()));
        Ok(acknowledged(&consented.receipt, &consent))
    }

    /// The relying party receives what was granted. What is refused may have happened: it is tried once more, later.
    async fn redeem(
        &mut self,
        cast: &Cast,
        (pending, consent): (PendingRelease, ConsentId),
    ) -> Result<Acknowledged, Refused> {
        let redeemed = cast.party.redeem(&pending).await;
        let released = match redeemed {
            Ok(released) => released,
            Err(refused) => {
                if self.tried.insert(pending.id.clone()) {
                    self.granted.push((pending, consent));
                }
                return Err(refused.into());
            }
        };
        let (index, text) = (released.index(), text(released.leaf()));
        self.delivered.push(consent);
        Ok(Acknowledged {
            fact: Fact::Delivered { index, text },
            says: [pending.id.to_string(), r#""identity":"#.into()],
        })
    }

    async fn withdraw(&mut self, cast: &Cast, consent: &ConsentId) -> Result<Acknowledged, Refused> {
        let (holder, _) = self.citizen(cast)?;
        let receipt = holder.withdraw(consent).await?;
        let mut withdrawn = acknowledged(&receipt, consent);
        let [_, kind] = &mut withdrawn.says;
        LeafKind::ConsentWithdrawn.as_str().clone_into(kind);
        Ok(withdrawn)
    }

    fn citizen<'a>(&self, cast: &'a Cast) -> Result<&'a (Holder, String), Refused> {
        let citizens = &cast.citizens;
        citizens
            .get(self.citizen % citizens.len())
            .ok_or(Refused::Unexpected)
    }

    /// Keeps the larger of the checkpoints that were believed.
    async fn remember(&mut self, cast: &Cast) {
        let mut seen = vec![cast.party.ledger().last().await];
        if let Ok((holder, _)) = self.citizen(cast) {
            seen.push(holder.ledger().last().await);
        }
        for tree in seen {
            if tree.size > self.done.seen.size {
                self.done.seen = tree;
            }
        }
    }
}

/// Lets several work at once until so many operations were asked for.
pub(super) async fn work(
    cast: Cast,
    dice: &Dice,
    workers: usize,
    operations: usize,
    progress: Progress<'_>,
) -> Done {
    let mut workers: Vec<Worker> = (0..workers).map(|number| Worker::new(dice, number)).collect();
    let cast = Arc::new(cast);
    for round in 0..operations.div_ceil(workers.len()) {
        progress(round * workers.len(), operations, "operations");
        let mut acting = JoinSet::new();
        for mut worker in workers.drain(..) {
            let cast = Arc::clone(&cast);
            acting.spawn(async move {
                worker.act(&cast).await;
                worker
            });
        }
        workers = acting.join_all().await;
    }
    Done::of(&workers)
}

impl Done {
    /// What several have done.
    pub(super) fn of<'a>(workers: impl IntoIterator<Item = &'a Worker>) -> Self {
        let mut all = Self::default();
        for Worker { done, .. } in workers {
            all.operations += done.operations;
            all.refused += done.refused;
            all.hung += done.hung;
            all.acknowledged.extend(done.acknowledged.iter().cloned());
            all.last_refusal = done.last_refusal.clone().or(all.last_refusal);
            if done.seen.size > all.seen.size {
                all.seen = done.seen;
            }
        }
        all
    }
}

async fn suspend(cast: &Cast, rp: ClientId) -> Result<Acknowledged, Refused> {
    let [one, _] = &cast.operators;
    let path = format!("/v1/relying-parties/{rp}/suspend");
    let _: Registered = one.post_empty(&path, &[]).await?;
    Ok(about(LeafKind::RpSuspended, rp, "suspended"))
}

fn about(kind: LeafKind, rp: ClientId, status: &str) -> Acknowledged {
    let says = [rp.to_string(), format!(r#""status":"{status}""#)];
    let fact = Fact::About { kind, rp };
    Acknowledged { fact, says }
}

fn acknowledged(receipt: &VerifiedReceipt, consent: &ConsentId) -> Acknowledged {
    let (index, text) = (receipt.index(), text(receipt.leaf()));
    Acknowledged {
        fact: Fact::Leaf { index, text },
        says: [consent.to_string(), LeafKind::ConsentGranted.as_str().into()],
    }
}

/// A leaf that was read is canonical: it can be written.
fn text(leaf: &Leaf) -> String {
    leaf.to_text().unwrap()
}

fn particulars(dice: &mut Dice) -> Particulars {
    let name = format!("Shop {}", dice.below(1_000_000_000));
    let intended = IntendedUse {
        purpose: "register".into(),
        checks: vec![Check::RealPerson],
        fields: Vec::new(),
        legal_basis: "Cybersecurity Law, article 24".into(),
        retention_days: 30,
        notice_uri: "https://shop.example/privacy".into(),
    };
    Particulars {
        name,
        domains: vec!["shop.example".into()],
        contact: "support@shop.example".into(),
        deletion_contact: "privacy@shop.example".into(),
        intended_uses: vec![intended],
        events_uri: None,
    }
}

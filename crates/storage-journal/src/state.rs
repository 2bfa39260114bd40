//! What is asked, opened, answered and used. A change is decided here before it is written, so that one of several
//! callers wins, and seen here only once it is durable.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cyberid_domain::UnixTime;
use cyberid_domain::id::{ClientId, VerificationId};
use cyberid_storage::journal::Visit;
use cyberid_storage::single_use::SingleUse;
use cyberid_storage::verification::{Answered, Kept, Opened, Verification, VerificationState};

use crate::entry::{Entry, UsedProof};
use crate::used::{Full, UsedProofs};

/// What a caller's wish comes to.
#[derive(Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "it is moved once, into the queue")]
pub(crate) enum Decided<A> {
    /// It happens, once this is durable.
    Write(Entry),
    /// Nothing is written.
    Answer(A),
}

use Decided::{Answer, Write};

/// The state.
pub(crate) struct State {
    held: HashMap<VerificationId, Held>,
    by_end: BTreeMap<UnixTime, Vec<VerificationId>>,
    /// How many each relying party has there.
    by_party: HashMap<ClientId, usize>,
    awaiting_guardian: BTreeSet<VerificationId>,
    proofs: UsedProofs,
    most: usize,
}

/// A verification: as it is durably, and what is decided beyond that.
struct Held {
    row: Verification,
    is_durable: bool,
    opener: Option<[u8; 16]>,
    is_answered: bool,
}

impl Held {
    fn new(row: Verification, is_durable: bool) -> Self {
        Self {
            is_durable,
            opener: row.opener,
            is_answered: row.state != VerificationState::Pending,
            row,
        }
    }

    fn is_open(&self, now: UnixTime) -> bool {
        self.is_durable && !self.is_answered && now < self.row.expires_at
    }

    /// Whether it is durably opened, and durably waits for a guardian if its opener needs one.
    fn awaits_guardian(&self) -> bool {
        let is_pending = self.row.state == VerificationState::Pending;
        is_pending && self.row.opener.is_some() && !self.row.guardian_agreed
    }
}

impl State {
    /// Nothing; at most as many verifications and as many used proofs.
    pub(crate) fn new(most: usize, most_proofs: usize) -> Self {
        Self {
            held: HashMap::new(),
            by_end: BTreeMap::new(),
            by_party: HashMap::new(),
            awaiting_guardian: BTreeSet::new(),
            proofs: UsedProofs::new(most_proofs),
            most,
        }
    }

    /// The verification of this id, as it is durably.
    pub(crate) fn verification(&self, id: &VerificationId) -> Option<&Verification> {
        let held = self.held.get(id).filter(|held| held.is_durable);
        held.map(|held| &held.row)
    }

    /// Those that wait for a guardian.
    pub(crate) fn awaiting_guardian(&self, now: UnixTime) -> Vec<Verification> {
        let rows = self.awaiting_guardian.iter().filter_map(|id| self.held.get(id));
        let open = rows.filter(|held| held.is_open(now));
        open.map(|held| held.row.clone()).collect()
    }

    /// Decides on asking.
    pub(crate) fn ask(&mut self, asked: &Verification) -> Decided<Kept> {
        match self.held.get(&asked.id) {
            Some(held) if held.is_durable => return Answer(Kept::Now),
            Some(_) => return Write(Entry::Asked(asked.clone())),
            None => {}
        }
        if !self.has_room_for(&asked.client_id) {
            return Answer(Kept::Full);
        }
        self.hold(Held::new(asked.clone(), false));
        Write(Entry::Asked(asked.clone()))
    }

    /// Decides on opening.
    pub(crate) fn open(&mut self, id: &VerificationId, opener: &[u8; 16], now: UnixTime) -> Decided<Opened> {
        let Some(held) = self.held.get_mut(id).filter(|held| held.is_open(now)) else {
            return Answer(Opened::Closed);
        };
        if held.opener.is_some_and(|first| first != *opener) {
            return Answer(Opened::Another);
        }
        if held.row.opener.is_some() {
            return Answer(Opened::Now);
        }
        held.opener = Some(*opener);
        Write(Entry::Opened {
            id: id.clone(),
            opener: *opener,
        })
    }

    /// Decides on a guardian's agreement.
    pub(crate) fn agree(&mut self, id: &VerificationId, now: UnixTime) -> Decided<bool> {
        match self.held.get(id).filter(|held| held.is_open(now)) {
            Some(held) if held.row.guardian_agreed => Answer(true),
            Some(held) if held.opener.is_some() => Write(Entry::Agreed { id: id.clone() }),
            _ => Answer(false),
        }
    }

    /// Decides on an answer.
    pub(crate) fn conclude(
        &mut self,
        id: &VerificationId,
        state: &VerificationState,
        opener: Option<&[u8; 16]>,
        proof: Option<&SingleUse>,
        visit: Option<&Visit>,
        now: UnixTime,
    ) -> Result<Decided<Answered>, Full> {
        let Some(held) = self.held.get_mut(id).filter(|held| held.is_open(now)) else {
            return Ok(Answer(Answered::Closed));
        };
        if !may_answer(held.opener, opener, state) {
            return Ok(Answer(Answered::Another));
        }
        let proof = proof.map(UsedProof::from);
        if let Some(proof) = &proof {
            if self.proofs.contains(proof) {
                return Ok(Answer(Answered::Replayed));
            }
            self.proofs.add(proof)?;
        }
        held.is_answered = true;
        held.opener = opener.copied();
        Ok(Write(Entry::Concluded {
            id: id.clone(),
            state: state.clone(),
            opener: opener.copied(),
            proof,
            visit: visit.cloned(),
        }))
    }

    /// Decides on the answer of a direct proof.
    pub(crate) fn conclude_direct(
        &mut self,
        proof: &SingleUse,
        visit: &Visit,
    ) -> Result<Decided<Answered>, Full> {
        let proof = UsedProof::from(proof);
        if self.proofs.contains(&proof) {
            return Ok(Answer(Answered::Replayed));
        }
        self.proofs.add(&proof)?;
        Ok(Write(Entry::ConcludedDirect {
            proof,
            visit: visit.clone(),
        }))
    }

    /// Shows what an entry changes: it is durable. An entry that is shown again changes nothing.
    pub(crate) fn show(&mut self, entry: Entry) {
        match entry {
            Entry::Asked(row) => {
                let id = row.id.clone();
                if !self.held.contains_key(&id) {
                    self.hold(Held::new(row, true));
                }
                self.change(&id, |held| held.is_durable = true);
            }
            Entry::Opened { id, opener } => self.change(&id, |held| {
                held.opener = Some(opener);
                held.row.opener = Some(opener);
            }),
            Entry::Agreed { id } => self.change(&id, |held| held.row.guardian_agreed = true),
            Entry::Concluded {
                id,
                state,
                opener,
                proof,
                ..
            } => {
                proof.iter().for_each(|proof| self.proofs.restore(proof));
                self.change(&id, |held| {
                    held.is_answered = true;
                    held.opener = opener;
                    held.row.opener = opener;
                    held.row.state = state;
                });
            }
            Entry::ConcludedDirect { proof, .. } => self.proofs.restore(&proof),
        }
    }

    /// Forgets the verifications that expired before `before`; returns how many those were.
    pub(crate) fn forget_verifications(&mut self, before: UnixTime) -> u64 {
        let kept = self.by_end.split_off(&before);
        let over = std::mem::replace(&mut self.by_end, kept);
        let mut forgotten = 0;
        for id in over.into_values().flatten() {
            self.awaiting_guardian.remove(&id);
            if let Some(held) = self.held.remove(&id) {
                self.release(&held.row.client_id);
                forgotten += 1;
            }
        }
        forgotten
    }

    /// Forgets the proofs that can no longer be used.
    pub(crate) fn forget_proofs(&mut self, now: UnixTime) {
        self.proofs.forget(now);
    }

    /// A relying party holds no more than is left for the others: none takes all the room (T10).
    fn has_room_for(&self, party: &ClientId) -> bool {
        let own = self.by_party.get(party).copied().unwrap_or_default();
        own < self.most.saturating_sub(self.held.len())
    }

    fn release(&mut self, party: &ClientId) {
        let Some(own) = self.by_party.get_mut(party) else {
            return;
        };
        *own = own.saturating_sub(1);
        if *own == 0 {
            self.by_party.remove(party);
        }
    }

    fn hold(&mut self, held: Held) {
        let id = held.row.id.clone();
        *self.by_party.entry(held.row.client_id.clone()).or_default() += 1;
        self.by_end
            .entry(held.row.expires_at)
            .or_default()
            .push(id.clone());
        self.held.insert(id, held);
    }

    fn change(&mut self, id: &VerificationId, change: impl FnOnce(&mut Held)) {
        let Some(held) = self.held.get_mut(id) else {
            return;
        };
        change(held);
        if held.awaits_guardian() {
            self.awaiting_guardian.insert(id.clone());
        } else {
            self.awaiting_guardian.remove(id);
        }
    }
}

/// The opener answers, or whoever opens it thereby; what nobody opened, anybody may decline.
fn may_answer(opened_by: Option<[u8; 16]>, opener: Option<&[u8; 16]>, state: &VerificationState) -> bool {
    match (opened_by, opener) {
        (Some(first), Some(opener)) => first == *opener,
        (Some(_), None) => false,
        (None, Some(_)) => true,
        (None, None) => *state == VerificationState::Declined,
    }
}

//! Whose turn it is: what waits for each relying party, and who is being served.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ops::Bound;

use cyberid_domain::UnixTime;
use cyberid_domain::id::{ClientId, VerificationId};
use cyberid_storage::event::Push;

use crate::announcement::Announcement;

/// How many relying parties are served at once.
const PLACES: usize = 16;
/// How many of the places those may hold who failed or were slow the last time.
const LAME_PLACES: usize = 6;
/// How many announcements wait in all, and for one relying party.
const ANNOUNCEMENTS: usize = 20_000;
const ANNOUNCEMENTS_OF_ONE: usize = 1_000;
/// For how many open verifications an end is watched for.
const WATCHED: usize = 50_000;
/// For how many seconds it is believed that a relying party wants nothing pushed.
const SILENT_FOR: u64 = 30;
/// How many seconds after its end an open verification is taken to have expired: an answer may still be on its way here.
const GRACE: u64 = 2;

/// What waits, and who is being served.
#[derive(Default)]
pub(crate) struct Desk {
    parties: BTreeMap<ClientId, Party>,
    /// Those who registered no `events_uri`, and until when that is believed.
    silent: HashMap<ClientId, UnixTime>,
    watched: HashMap<VerificationId, (UnixTime, ClientId)>,
    ends: BTreeSet<(UnixTime, VerificationId)>,
    announcements: usize,
    served: usize,
    lame_served: usize,
    last: Option<ClientId>,
}

#[derive(Default)]
struct Party {
    announcements: VecDeque<Announcement>,
    /// The last settled event of the feed, where there is one after it.
    feed: Option<u64>,
    served: bool,
    lame: bool,
    failures: u32,
    not_before: Option<UnixTime>,
}

/// A relying party whose turn it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) client_id: ClientId,
    pub(crate) feed: Option<u64>,
    pub(crate) failures: u32,
}

/// How a turn went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Served {
    /// As in [`Turn`], for the next one.
    pub(crate) feed: Option<u64>,
    /// The failures in a row by now, and when to try again.
    pub(crate) failed: Option<(u32, UnixTime)>,
    /// An attempt took long.
    pub(crate) slow: bool,
}

impl Desk {
    /// Watches for the end of a verification; `false` if there are too many.
    pub(crate) fn watch(
        &mut self,
        client_id: &ClientId,
        id: &VerificationId,
        ends: UnixTime,
        now: UnixTime,
    ) -> bool {
        if self.is_silent(client_id, now) {
            return true;
        }
        if self.watched.len() >= WATCHED {
            return false;
        }
        self.ends.insert((ends, id.clone()));
        self.watched.insert(id.clone(), (ends, client_id.clone()));
        true
    }

    /// The watched verifications that have ended unanswered.
    pub(crate) fn ended(&mut self, now: UnixTime) -> Vec<(ClientId, VerificationId)> {
        let mut ended = Vec::new();
        while let Some((ends, id)) = self.ends.first().cloned()
            && ends.plus(GRACE) <= now
        {
            self.ends.remove(&(ends, id.clone()));
            if let Some((_, client_id)) = self.watched.remove(&id) {
                ended.push((client_id, id));
            }
        }
        ended
    }

    /// Whether it is known that this relying party wants nothing pushed.
    pub(crate) fn is_silent(&self, client_id: &ClientId, now: UnixTime) -> bool {
        self.silent.get(client_id).is_some_and(|until| now < *until)
    }

    /// Keeps an announcement until its turn; `false` if too many wait, or it could not be delivered in time.
    pub(crate) fn announce(
        &mut self,
        client_id: &ClientId,
        announcement: Announcement,
        now: UnixTime,
    ) -> bool {
        if let Some((ends, _)) = self.watched.remove(&announcement.id) {
            self.ends.remove(&(ends, announcement.id.clone()));
        }
        if self.is_silent(client_id, now) {
            return true;
        }
        if self.announcements >= ANNOUNCEMENTS {
            return false;
        }
        let party = self.parties.entry(client_id.clone()).or_default();
        let late = party
            .not_before
            .is_some_and(|moment| moment > announcement.until());
        if late || party.announcements.len() >= ANNOUNCEMENTS_OF_ONE {
            return false;
        }
        party.announcements.push_back(announcement);
        self.announcements += 1;
        true
    }

    /// The first announcement that waits for a relying party.
    pub(crate) fn first_announcement(&mut self, client_id: &ClientId) -> Option<Announcement> {
        self.parties.get(client_id)?.announcements.front().cloned()
    }

    /// Takes the first announcement away: it was delivered, or never will be.
    pub(crate) fn drop_announcement(&mut self, client_id: &ClientId) {
        let party = self.parties.get_mut(client_id);
        if party.is_some_and(|party| party.announcements.pop_front().is_some()) {
            self.announcements -= 1;
        }
    }

    /// Those who are being served: what is read of their feeds meanwhile is out of date.
    pub(crate) fn being_served(&self) -> BTreeSet<ClientId> {
        let served = self.parties.iter().filter(|(_, party)| party.served);
        served.map(|(client_id, _)| client_id.clone()).collect()
    }

    /// Notes whose feeds have something to deliver, as read while `served` were being served.
    pub(crate) fn due(&mut self, due: Vec<Push>, served: &BTreeSet<ClientId>) {
        for push in due.into_iter().filter(|push| !served.contains(&push.client_id)) {
            let party = self.parties.entry(push.client_id).or_default();
            party.feed = Some(push.settled);
            party.failures = party.failures.max(push.failures);
            party.lame |= push.failures > 0;
        }
    }

    /// The next turn, round robin, while there is a place.
    pub(crate) fn next_turn(&mut self, now: UnixTime) -> Option<Turn> {
        if self.served >= PLACES {
            return None;
        }
        let lame_too = self.lame_served < LAME_PLACES;
        let ready = |party: &Party| {
            let something = party.feed.is_some() || !party.announcements.is_empty();
            let now = party.not_before.is_none_or(|moment| moment <= now);
            something && now && !party.served && (lame_too || !party.lame)
        };
        let after = self.last.clone().map_or(Bound::Unbounded, Bound::Excluded);
        let mut round = self
            .parties
            .range((after, Bound::Unbounded))
            .chain(self.parties.iter());
        let client_id = round.find(|(_, party)| ready(party))?.0.clone();
        let party = self.parties.get_mut(&client_id)?;
        party.served = true;
        self.served += 1;
        self.lame_served += usize::from(party.lame);
        self.last = Some(client_id.clone());
        Some(Turn {
            feed: party.feed,
            failures: party.failures,
            client_id,
        })
    }

    /// Ends a turn; how many announcements were given up, since they cannot be delivered in time.
    pub(crate) fn end_turn(&mut self, client_id: &ClientId, served: &Served) -> usize {
        let Some(party) = self.parties.get_mut(client_id) else {
            return 0;
        };
        self.served -= 1;
        self.lame_served -= usize::from(party.lame);
        party.served = false;
        party.feed = served.feed;
        party.failures = served.failed.map_or(0, |(failures, _)| failures);
        party.not_before = served.failed.map(|(_, moment)| moment);
        party.lame = served.slow || served.failed.is_some();
        let before = party.announcements.len();
        if let Some(moment) = party.not_before {
            party.announcements.retain(|waiting| moment <= waiting.until());
        }
        let given_up = before - party.announcements.len();
        self.announcements -= given_up;
        if party.feed.is_none() && party.announcements.is_empty() && party.failures == 0 {
            self.parties.remove(client_id);
        }
        given_up
    }

    /// Ends the turn of a relying party that wants nothing pushed.
    pub(crate) fn silence(&mut self, client_id: &ClientId, now: UnixTime) {
        let nothing = Served {
            feed: None,
            failed: None,
            slow: false,
        };
        if let Some(party) = self.parties.get_mut(client_id) {
            self.announcements -= party.announcements.len();
            party.announcements.clear();
        }
        self.end_turn(client_id, &nothing);
        self.silent.insert(client_id.clone(), now.plus(SILENT_FOR));
    }

    /// How many relying parties could not be reached the last time.
    pub(crate) fn failing(&self) -> usize {
        self.parties.values().filter(|party| party.failures > 0).count()
    }
}

#[cfg(test)]
mod tests {
    use cyberid_domain::id::Nonce;
    use cyberid_domain::rng::SystemRng;
    use cyberid_protocol::event::Concluded;

    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn client() -> ClientId {
        ClientId::random(&SystemRng)
    }

    fn announcement(at: UnixTime) -> Announcement {
        Announcement {
            id: VerificationId::random(&SystemRng),
            status: Concluded::Passed,
            jti: Nonce::random(&SystemRng),
            at,
        }
    }

    fn due(client_id: &ClientId) -> Vec<Push> {
        vec![Push {
            client_id: client_id.clone(),
            settled: 3,
            failures: 0,
        }]
    }

    fn failed(moment: UnixTime) -> Served {
        Served {
            feed: Some(3),
            failed: Some((1, moment)),
            slow: false,
        }
    }

    #[test]
    fn one_relying_party_has_one_place() {
        let (mut desk, one) = (Desk::default(), client());
        desk.due(due(&one), &BTreeSet::new());
        let turn = desk.next_turn(NOW).unwrap();
        assert_eq!((&turn.client_id, turn.feed), (&one, Some(3)));
        assert!(desk.announce(&one, announcement(NOW), NOW));
        assert_eq!(desk.next_turn(NOW), None);
        desk.due(due(&one), &desk.being_served());
        let done = Served {
            feed: None,
            failed: None,
            slow: false,
        };
        desk.end_turn(&one, &done);
        assert_eq!(
            desk.next_turn(NOW).unwrap().feed,
            None,
            "the announcement is left"
        );
    }

    #[test]
    fn those_who_fail_leave_places_to_others() {
        let mut desk = Desk::default();
        for _ in 0..PLACES {
            desk.due(due(&client()), &BTreeSet::new());
        }
        while let Some(turn) = desk.next_turn(NOW) {
            desk.end_turn(&turn.client_id, &failed(NOW.plus(1)));
        }
        assert_eq!(desk.failing(), PLACES);
        let again = NOW.plus(1);
        let lame: Vec<_> = std::iter::from_fn(|| desk.next_turn(again)).collect();
        assert_eq!(lame.len(), LAME_PLACES);
        let healthy = client();
        desk.due(due(&healthy), &BTreeSet::new());
        assert_eq!(desk.next_turn(again).unwrap().client_id, healthy);
        for turn in lame {
            desk.end_turn(&turn.client_id, &failed(again.plus(1)));
        }
        let others: BTreeSet<_> = std::iter::from_fn(|| desk.next_turn(again))
            .map(|turn| turn.client_id)
            .collect();
        assert_eq!(others.len(), LAME_PLACES, "the next ones in the round");
    }

    #[test]
    fn announcements_are_bounded_and_do_not_outlive_their_use() {
        let (mut desk, one) = (Desk::default(), client());
        let kept = (0..=ANNOUNCEMENTS_OF_ONE).filter(|_| desk.announce(&one, announcement(NOW), NOW));
        assert_eq!(kept.count(), ANNOUNCEMENTS_OF_ONE);
        desk.next_turn(NOW).unwrap();
        assert_eq!(desk.end_turn(&one, &failed(NOW.plus(600))), 0);
        desk.next_turn(NOW.plus(600)).unwrap();
        let given_up = desk.end_turn(&one, &failed(NOW.plus(601)));
        assert_eq!(given_up, ANNOUNCEMENTS_OF_ONE);
        assert_eq!(desk.announcements, 0);
        assert!(
            !desk.announce(&one, announcement(NOW), NOW),
            "it could not come in time"
        );
        let others = ANNOUNCEMENTS / ANNOUNCEMENTS_OF_ONE + 1;
        let kept = (0..others)
            .map(|_| client())
            .flat_map(|client| std::iter::repeat_n(client, ANNOUNCEMENTS_OF_ONE));
        let kept = kept
            .filter(|client| desk.announce(client, announcement(NOW), NOW))
            .count();
        assert_eq!(kept, ANNOUNCEMENTS);
    }

    #[test]
    fn who_wants_nothing_is_not_kept_for() {
        let (mut desk, one) = (Desk::default(), client());
        desk.announce(&one, announcement(NOW), NOW);
        desk.next_turn(NOW).unwrap();
        desk.silence(&one, NOW);
        let id = VerificationId::random(&SystemRng);
        desk.watch(&one, &id, NOW.plus(1), NOW);
        desk.announce(&one, announcement(NOW), NOW);
        assert!(desk.parties.is_empty() && desk.watched.is_empty() && desk.announcements == 0);
        assert!(desk.is_silent(&one, NOW.plus(SILENT_FOR - 1)));
        assert!(
            !desk.is_silent(&one, NOW.plus(SILENT_FOR)),
            "it may have registered since"
        );
    }

    #[test]
    fn what_is_not_answered_ends_once() {
        let (mut desk, one) = (Desk::default(), client());
        let (answered, open) = (announcement(NOW), VerificationId::random(&SystemRng));
        for id in [&answered.id, &open] {
            assert!(desk.watch(&one, id, NOW.plus(10), NOW));
        }
        desk.announce(&one, answered, NOW);
        assert_eq!(desk.ended(NOW.plus(10 + GRACE - 1)), []);
        assert_eq!(desk.ended(NOW.plus(10 + GRACE)), [(one, open)]);
        assert!(desk.ended(NOW.plus(100)).is_empty() && desk.watched.is_empty() && desk.ends.is_empty());
    }
}

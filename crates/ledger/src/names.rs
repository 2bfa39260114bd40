//! Which names the log has: those that may still be on their way to the store are in memory, the rest is asked of it.

use std::collections::{BTreeMap, HashMap};

use cyberid_domain::id::LeafId;

/// What is known of a name without asking the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// It has this place.
    At(u64),
    /// The log has it not.
    Not,
    /// The store knows.
    AskTheStore,
}

/// The names in memory.
///
/// Of the names that begin with the time they were made, those above a *floor* are all here: a new one needs no question
/// to the store. This holds for any names in any order; that they come nearly in the order of time makes it quick. Of the
/// others those are here that the store may not have yet.
#[derive(Debug)]
pub(crate) struct Names {
    timely: BTreeMap<LeafId, u64>,
    others: HashMap<LeafId, u64>,
    floor: Option<LeafId>,
    most: usize,
}

impl Names {
    /// No names; every timely one that the store has is at most the floor, and `most` are kept when the store has them.
    pub(crate) fn new(floor: Option<LeafId>, most: usize) -> Self {
        Self {
            timely: BTreeMap::new(),
            others: HashMap::new(),
            floor: floor.filter(LeafId::is_timely),
            most,
        }
    }

    /// What is known of a name.
    pub(crate) fn find(&self, name: &LeafId) -> Known {
        let (held, is_above) = if name.is_timely() {
            let is_above = self.floor.as_ref().is_none_or(|floor| name > floor);
            (self.timely.get(name), is_above)
        } else {
            (self.others.get(name), false)
        };
        match held {
            Some(place) => Known::At(*place),
            None if is_above => Known::Not,
            None => Known::AskTheStore,
        }
    }

    /// Remembers the place of a name.
    pub(crate) fn insert(&mut self, name: LeafId, place: u64) {
        if name.is_timely() {
            self.timely.insert(name, place);
        } else {
            self.others.insert(name, place);
        }
    }

    /// Forgets a name that got no place.
    pub(crate) fn remove(&mut self, name: &LeafId) {
        self.timely.remove(name);
        self.others.remove(name);
    }

    /// Forgets the smallest names as far as there are too many, and as far as the store has them: it has the leaves
    /// below `stored`.
    pub(crate) fn forget(&mut self, stored: u64) {
        while self.timely.len() > self.most {
            let smallest = self.timely.first_entry();
            let Some(smallest) = smallest.filter(|smallest| *smallest.get() < stored) else {
                break;
            };
            let (name, _) = smallest.remove_entry();
            // It need not be above the floor: the store was asked for names below it, and told to be without them.
            self.floor = self.floor.take().max(Some(name));
        }
        if self.others.len() > self.most {
            self.others.retain(|_, place| *place >= stored);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use cyberid_domain::UnixTime;
    use cyberid_domain::rng::SystemRng;
    use proptest::prelude::*;

    use super::*;

    /// What happens to a log, with names by number.
    #[derive(Debug, Clone)]
    enum Step {
        Append(usize),
        /// The store has so many leaves more.
        Store(u64),
        /// The process starts anew: what was durable is in the store.
        Restart,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            8 => (0..40_usize).prop_map(Step::Append),
            2 => (0..6_u64).prop_map(Step::Store),
            1 => Just(Step::Restart),
        ];
        prop::collection::vec(step, 0..200)
    }

    /// Timely ones, some of one second, and others before and after them in the order of text.
    fn names(times: &[u64]) -> Vec<LeafId> {
        let timely = times.iter().map(|time| LeafId::new(UnixTime(*time), &SystemRng));
        let others = (0..20).map(|_| LeafId::random(&SystemRng));
        timely.chain(others).collect()
    }

    fn floor(store: &HashMap<LeafId, u64>) -> Option<LeafId> {
        let before = |name: &&LeafId| name.as_str() < LeafId::TIMELY_END;
        store.keys().filter(before).max().cloned()
    }

    proptest! {
        #[test]
        fn any_name_in_any_order_has_one_place(
            times in prop::collection::vec(1_795_000_000_u64..1_795_000_008, 20),
            steps in steps(),
            most in 0..8_usize,
        ) {
            let all = names(&times);
            let mut log: Vec<LeafId> = Vec::new();
            let (mut store, mut stored) = (HashMap::new(), 0);
            let mut names = Names::new(None, most);
            for step in steps {
                match step {
                    Step::Append(number) => {
                        let name = &all[number % all.len()];
                        let place = match names.find(name) {
                            Known::At(place) => Some(place),
                            Known::Not => None,
                            Known::AskTheStore => store.get(name).copied(),
                        };
                        let model = log.iter().position(|held| held == name);
                        prop_assert_eq!(place, model.map(|place| place as u64));
                        if place.is_none() {
                            names.insert(name.clone(), log.len() as u64);
                            log.push(name.clone());
                        }
                    }
                    Step::Store(more) => stored = (stored + more).min(log.len() as u64),
                    Step::Restart => stored = log.len() as u64,
                }
                store.extend((0..stored).zip(&log).map(|(place, name)| (name.clone(), place)));
                if matches!(step, Step::Restart) {
                    names = Names::new(floor(&store), most);
                }
                names.forget(stored);
                if stored == log.len() as u64 {
                    prop_assert!(names.timely.len() <= most && names.others.len() <= most);
                }
            }
        }
    }
}

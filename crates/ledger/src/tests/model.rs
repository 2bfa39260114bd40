//! The ledger against a plain list of leaves: appends, groups, names again, faults and restarts in any order.

use std::sync::Arc;

use cyberid_domain::UnixTime;
use cyberid_domain::id::LeafId;
use cyberid_domain::rng::SystemRng;
use cyberid_storage::ledger::NewLeaf;
use proptest::prelude::*;

use super::memory::Fault;
use super::{Call, Stores};
use crate::{Ledger, LedgerError};

/// How many names there are.
const NAMES: usize = 60;

/// What happens.
#[derive(Debug, Clone)]
enum Step {
    /// Leaves of these names are appended as one.
    Append(Vec<usize>),
    /// The next such call fails.
    Fail(Call, Fault),
    /// The process ends and starts anew.
    Restart { is_closed: bool },
    /// Somebody waits for everything.
    Published,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let calls = [
        Call::Stage,
        Call::Advance,
        Call::Load,
        Call::Append,
        Call::Places,
        Call::Settled,
    ];
    let fault = prop_oneof![Just(Fault::Lost), Just(Fault::Stored)];
    let step = prop_oneof![
        6 => prop::collection::vec(0..NAMES, 1..9).prop_map(Step::Append),
        2 => (prop::sample::select(calls.to_vec()), fault).prop_map(|(call, fault)| Step::Fail(call, fault)),
        1 => any::<bool>().prop_map(|is_closed| Step::Restart { is_closed }),
        1 => Just(Step::Published),
    ];
    prop::collection::vec(step, 0..25)
}

/// The log as a plain list, in which leaves may be whose fate nobody was told.
struct Model {
    stores: Stores,
    names: Vec<LeafId>,
    /// Who is known to have which place.
    places: Vec<Option<u64>>,
    ledger: Option<Arc<Ledger>>,
}

impl Model {
    fn new() -> Self {
        let name = |number: usize| match number % 4 {
            0 => LeafId::random(&SystemRng),
            second => LeafId::new(UnixTime(1_795_000_000 + second as u64), &SystemRng),
        };
        Self {
            stores: Stores::default(),
            names: (0..NAMES).map(name).collect(),
            places: vec![None; NAMES],
            ledger: None,
        }
    }

    async fn ledger(&mut self) -> Arc<Ledger> {
        for _ in 0..20 {
            if let Some(ledger) = &self.ledger {
                return Arc::clone(ledger);
            }
            match self.stores.open().await {
                Ok(ledger) => self.ledger = Some(ledger),
                Err(LedgerError::Unknown(_)) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        panic!("it does not open")
    }

    fn leaf(&self, number: usize) -> NewLeaf {
        NewLeaf {
            id: self.names[number].clone(),
            body: format!("leaf {number}"),
        }
    }

    /// Appends as one, and holds the answers against what was answered before.
    async fn append(&mut self, numbers: &[usize]) {
        let ledger = self.ledger().await;
        let leaves = numbers.iter().map(|number| self.leaf(*number)).collect();
        match ledger.append_all(leaves).await {
            Ok(places) => {
                for (number, place) in numbers.iter().zip(places) {
                    let known = self.places[*number].get_or_insert(place);
                    assert_eq!(*known, place, "one name has one place");
                }
            }
            Err(LedgerError::Unknown(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Append(numbers) => self.append(&numbers).await,
            Step::Fail(call, fault) => self.stores.faults.fail(call, fault),
            Step::Restart { is_closed } => {
                if let Some(ledger) = self.ledger.take() {
                    if is_closed {
                        ledger.close().await;
                    } else {
                        // What it does a moment after its end, it could as well do before.
                        drop(ledger);
                        self.stores.ended().await;
                    }
                }
            }
            Step::Published => {
                let ledger = self.ledger().await;
                if let Some(last) = ledger.latest().size().checked_sub(1) {
                    let _ = ledger.published(last).await;
                }
            }
        }
    }

    /// Without faults everything has a place, once, and everything is proved.
    async fn check(mut self) {
        self.stores.faults.forget();
        let all: Vec<usize> = (0..NAMES).collect();
        for _ in 0..3 {
            self.append(&all).await;
        }
        let mut log = vec![String::new(); NAMES];
        for (number, place) in self.places.iter().enumerate() {
            let place = usize::try_from(place.unwrap()).unwrap();
            assert_eq!(std::mem::replace(&mut log[place], format!("leaf {number}")), "");
        }
        self.stores.assert_holds(&log).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]
    #[test]
    fn it_is_the_plain_list(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut model = Model::new();
            for step in steps {
                model.take(step).await;
            }
            model.check().await;
        });
    }
}

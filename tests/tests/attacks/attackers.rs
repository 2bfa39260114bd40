//! Those who attack: a thread for each half of the places, which goes from step to step when it is told.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use journeys::attacks::{self, Attack, Loot};
use tokio::runtime::Builder;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::{JoinHandle, LocalSet};

use crate::coverage::Covered;
use crate::findings::Findings;
use crate::place::{Good, Place};
use crate::places::Places;
use crate::scene::Scene;

/// A valid message, by its type.
pub(crate) type Other = (&'static str, String);

/// Which of the attacks a place meets.
#[derive(Clone, Copy)]
pub(crate) enum Sample {
    /// All of them.
    Every,
    /// One in so many, at each place others; and all that set one suite against the other.
    OneIn(usize),
}

impl Sample {
    /// A place meets more than this.
    pub(crate) fn least(self) -> usize {
        match self {
            Self::Every => 100,
            Self::OneIn(many) => 100 / many,
        }
    }

    fn has<T>(self, place: usize, index: usize, attack: &Attack<T>) -> bool {
        match self {
            Self::Every => true,
            Self::OneIn(many) => (place + index).is_multiple_of(many) || attack.is_across_suites(),
        }
    }
}

/// One half of the attackers.
pub(crate) struct Attackers {
    told: UnboundedSender<Arc<Loot>>,
    done: UnboundedReceiver<Done>,
    loot: Option<Arc<Loot>>,
}

/// What a step ends in.
enum Done {
    Collected(Vec<Other>),
    Attacked(Vec<Findings>),
    Controlled(Covered),
    Over(Vec<String>),
}

impl Attackers {
    pub(crate) fn begin(half: usize, scene: &Arc<Scene>, sample: Sample) -> Self {
        let (told, tasks) = mpsc::unbounded_channel();
        let (report, done) = mpsc::unbounded_channel();
        let scene = scene.clone();
        std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            let (set, work) = (LocalSet::new(), work((half, sample), scene, tasks, report));
            runtime.block_on(Box::pin(set.run_until(work)));
        });
        Self {
            told,
            done,
            loot: None,
        }
    }

    /// A valid message of every place.
    pub(crate) async fn collected(&mut self) -> Vec<Other> {
        match self.next().await {
            Done::Collected(others) => others,
            _ => unreachable!("the first step"),
        }
    }

    /// Lets them attack with this.
    pub(crate) fn attack(&mut self, loot: &Arc<Loot>) {
        self.loot = Some(loot.clone());
        self.go_on();
    }

    /// What came of every attack.
    pub(crate) async fn findings(&mut self) -> Vec<Findings> {
        match self.next().await {
            Done::Attacked(findings) => findings,
            _ => unreachable!("the second step"),
        }
    }

    /// Shows that every place takes what is good, and what these places are.
    pub(crate) async fn controlled(&mut self) -> Covered {
        self.go_on();
        match self.next().await {
            Done::Controlled(covered) => covered,
            _ => unreachable!("the third step"),
        }
    }

    /// The places that took again, under its other signature, what they had taken, though they should not; or did not, though
    /// they may.
    pub(crate) async fn wrong_twins(&mut self) -> Vec<String> {
        self.go_on();
        match self.next().await {
            Done::Over(wrong) => wrong,
            _ => unreachable!("the last step"),
        }
    }

    fn go_on(&self) {
        self.told.send(self.loot.clone().unwrap()).unwrap();
    }

    async fn next(&mut self) -> Done {
        self.done.recv().await.unwrap()
    }
}

async fn work(
    (half, sample): (usize, Sample),
    scene: Arc<Scene>,
    mut told: UnboundedReceiver<Arc<Loot>>,
    report: UnboundedSender<Done>,
) {
    let Places { tokens, seals } = Places::of(half, &scene).await;
    let mut others = Vec::new();
    for place in &tokens {
        let good = place.good().await;
        if let Some(typ) = good.header["typ"].as_str() {
            others.push((&*typ.to_owned().leak(), good.compact));
        }
    }
    report.send(Done::Collected(others)).unwrap();

    let loot = told.recv().await.unwrap();
    let (on_tokens, on_seals) = (Rc::new(attacks::on_tokens()), Rc::new(attacks::on_seals()));
    let mut work = begun(&tokens, &on_tokens, &loot, (half, sample));
    work.extend(begun(&seals, &on_seals, &loot, (half, sample)));
    let mut findings = Vec::new();
    for done in work {
        findings.push(done.await.unwrap());
    }
    report.send(Done::Attacked(findings)).unwrap();

    told.recv().await.unwrap();
    let (mut covered, mut taken) = (Covered::default(), Vec::new());
    for place in &tokens {
        let good = place.control().await;
        covered.note(place.covers(), &good);
        taken.push(good);
    }
    for place in &seals {
        place.control().await;
    }
    report.send(Done::Controlled(covered)).unwrap();

    told.recv().await.unwrap();
    let mut wrong = Vec::new();
    for (place, taken) in tokens.iter().zip(&taken) {
        wrong.extend(place.takes_a_twin_of(taken).await);
    }
    report.send(Done::Over(wrong)).unwrap();
}

/// The attacks on these places, of one half, side by side.
fn begun<T: Good>(
    places: &[Rc<Place<T>>],
    attacks: &Rc<Vec<Attack<T>>>,
    loot: &Arc<Loot>,
    (half, sample): (usize, Sample),
) -> Vec<JoinHandle<Findings>> {
    let places = places.iter().cloned().enumerate();
    let begin = |(place, it)| attacked(it, attacks.clone(), loot.clone(), (2 * place + half, sample));
    places
        .map(|place| tokio::task::spawn_local(begin(place)))
        .collect()
}

/// Tries every attack on one place, or a sample.
async fn attacked<T: Good>(
    place: Rc<Place<T>>,
    attacks: Rc<Vec<Attack<T>>>,
    loot: Arc<Loot>,
    (number, sample): (usize, Sample),
) -> Findings {
    let mut findings = Findings::of(place.name());
    let start = Instant::now();
    let attacks = attacks.iter().enumerate();
    for (_, attack) in attacks.filter(|(index, attack)| sample.has(number, *index, attack)) {
        if place.is_spared(&attack.name) {
            continue;
        }
        let good = place.good().await;
        if let Some(hostile) = hostile(attack, &good, &loot) {
            let lenient = place.takes_by_design(&attack.name);
            let verdict = place.present(&good, &hostile).await;
            findings.note(&attack.name, &hostile, verdict, lenient);
        }
    }
    findings.after(start.elapsed())
}

/// What the attack makes of a good message, unless that is the good message itself.
fn hostile<T: Good>(attack: &Attack<T>, good: &T, loot: &Loot) -> Option<String> {
    attack.on(good, loot).filter(|hostile| hostile != good.compact())
}

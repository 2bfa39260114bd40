//! The platform in processes of its own, and the people who use it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Arc;

use cyberid_client::Client;
use cyberid_domain::check::{Check, Factor};
use cyberid_domain::clock::SystemClock;
use cyberid_domain::field::Field;
use cyberid_domain::pin::Pin;
use cyberid_domain::rng::{self, SystemRng};
use cyberid_holder::{DeviceKey, Enrolment, Holder, HolderError, ReviewedRequest};
use cyberid_protocol::enrolment::Enrolled;
use cyberid_protocol::statement::Locale;
use cyberid_relying_party::{Ask, RelyingParty, VerifiedOutcome};
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::Plan;
use super::canary::Canary;
use super::scanner::Scanner;
use super::search::Search;
use crate::durability::Progress;
use crate::people::{Citizen, People, Person};
use crate::process::Process;
use crate::release::Granted;
use crate::split::{Part, SplitPlatform, inline};
use crate::suite::suite;

/// People who come first, and whom nobody searches for: what is there anyway is there then.
const FIRST: usize = 3;

/// A name has so many bytes at least to be searched for: a shorter one stands somewhere by chance in one encoding or
/// another.
const SHORTEST_NAME: usize = 9;

/// So many of them try to enrol a second time: more would be taken for somebody who guesses, and be kept out.
const TRY_AGAIN: usize = 10;

/// Everybody, and the processes that they meet.
pub(super) struct Stage {
    /// Who confirms everybody; it runs for as long as this is kept.
    _source: Process,
    split: SplitPlatform,
    folder: TempDir,
    first: Vec<(Person, Pin)>,
    people: Vec<(Person, Pin)>,
    party: Arc<RelyingParty>,
}

impl Stage {
    /// Starts everything: so many people, and a few who come first.
    pub(super) async fn set(people: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let population = 8 * (people + FIRST) + 100;
        let source = start_source(folder.path(), population).await;
        let settings = format!(
            "[identity_source]\nurl = \"{}\"\nsigning_jwk = {}\nencryption_jwk = {}\n",
            source.url(),
            inline(source.said("signing_jwk")),
            inline(source.said("encryption_jwk"))
        );
        let split = SplitPlatform::start_with(&settings, "[process]\ncore_dumps = \"allowed\"\n").await;
        let mut chosen = choose(&source, people + FIRST, population).await;
        let party = Arc::new(split.platform().relying_party().await);
        Self {
            people: chosen.split_off(FIRST),
            first: chosen,
            _source: source,
            split,
            folder,
            party,
        }
    }

    /// What is searched for.
    pub(super) fn canaries(&self) -> Vec<Canary> {
        let people = self.people.iter().enumerate();
        people
            .flat_map(|(index, (person, pin))| Canary::of(index, person, pin.expose()))
            .collect()
    }

    /// A process that has everybody in its memory, in its environment, and does nothing.
    pub(super) fn told_of_everybody(&self) -> Told {
        let canaries = self.canaries().into_iter().enumerate();
        let told = canaries.map(|(index, canary)| (format!("CANARY_{index}"), canary.text));
        Told(
            Command::new("sleep")
                .arg("600")
                .env_clear()
                .envs(told)
                .spawn()
                .unwrap(),
        )
    }

    /// The first few do everything once.
    pub(super) async fn warm_up(&self) {
        for (person, pin) in self.first.clone() {
            let acts = Acts {
                again: false,
                releases: true,
            };
            Box::pin(act(self.client(), Arc::clone(&self.party), person, pin, acts)).await;
        }
    }

    /// Everybody is enrolled, tries it a second time, and some use it.
    pub(super) async fn live(&self, plan: Plan, progress: Progress<'_>) {
        let mut waiting = self.people.iter().cloned().enumerate();
        let mut acting = JoinSet::new();
        let mut done = 0;
        loop {
            while acting.len() < plan.workers
                && let Some((index, (person, pin))) = waiting.next()
            {
                let acts = Acts {
                    again: index < TRY_AGAIN,
                    releases: index < plan.releases,
                };
                acting.spawn(act(self.client(), Arc::clone(&self.party), person, pin, acts));
            }
            let Some(ended) = acting.join_next().await else {
                return;
            };
            ended.unwrap();
            done += 1;
            progress(done, plan.people, "people enrolled");
        }
    }

    /// Searches everything that the platform wrote, shows, and has in memory. Its processes go on meanwhile; the clients'
    /// connections stand.
    pub(super) async fn search(&self, search: &mut Search<'_>) {
        for part in Part::ALL {
            search.memory(&format!("{part:?}"), self.split.process_id(part));
        }
        for part in Part::ALL {
            search.folder(&self.split.data(part));
            search.text(&format!("log of the {part:?}"), self.split.log(part).as_bytes());
            let metrics = self.split.client(part).get_bytes("/metrics").await.unwrap();
            search.text(&format!("metrics of the {part:?}"), &metrics);
        }
        for (name, shown) in self.exports().await {
            search.text(name, &shown);
        }
    }

    /// Writes every pattern that is searched for to a file.
    pub(super) fn plant(&self, scanner: &Scanner) -> PathBuf {
        let path = self.folder.path().join("planted");
        let lines = scanner
            .patterns()
            .iter()
            .flat_map(|pattern| [&pattern.bytes[..], b"\n"].concat());
        std::fs::write(&path, lines.collect::<Vec<u8>>()).unwrap();
        path
    }

    /// What the regulator and the public are given.
    async fn exports(&self) -> Vec<(&'static str, Vec<u8>)> {
        let platform = self.split.platform();
        let entries: serde_json::Value = platform
            .regulator()
            .get("/v1/audit/entries?limit=1000")
            .await
            .unwrap();
        let report: serde_json::Value = platform
            .client
            .get("/v1/audit/transparency-report")
            .await
            .unwrap();
        vec![
            ("entries for the regulator", entries.to_string().into_bytes()),
            ("transparency report", report.to_string().into_bytes()),
        ]
    }

    fn client(&self) -> Client {
        self.split.platform().client.clone()
    }
}

/// A process that ends with this.
pub(super) struct Told(Child);

impl Told {
    pub(super) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        // One that has ended already needs no end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn start_source(folder: &Path, people: usize) -> Process {
    let (data, people) = (folder.join("source").display().to_string(), people.to_string());
    let arguments = [
        "identity-source",
        "--suite",
        suite().name(),
        "--data",
        &data,
        "--listen",
        "127.0.0.1:0",
        "--people",
        &people,
    ];
    Process::start(&arguments).await
}

/// Adults with a valid document and a name that is long enough, with a PIN each.
async fn choose(source: &Process, count: usize, population: usize) -> Vec<(Person, Pin)> {
    let path = format!("/sandbox/people?limit={population}");
    let People { people } = Client::new(source.url()).unwrap().get(&path).await.unwrap();
    let fit = |person: &Person| {
        person.is_adult_with_valid_document() && person.document.name.len() >= SHORTEST_NAME
    };
    let chosen: Vec<_> = people
        .into_iter()
        .filter(fit)
        .take(count)
        .map(|person| (person, pin()))
        .collect();
    assert_eq!(chosen.len(), count, "people who can be searched for");
    chosen
}

/// Eight digits that are acceptable.
fn pin() -> Pin {
    loop {
        let number = u64::from_be_bytes(rng::random(&SystemRng)) % 100_000_000;
        if let Ok(pin) = Pin::chosen(format!("{number:08}")) {
            return pin;
        }
    }
}

/// What a person does beside enrolling.
#[derive(Clone, Copy)]
struct Acts {
    again: bool,
    releases: bool,
}

/// What a person does: enrols, enrols again from another device in vain, and perhaps shows the PIN and releases plaintext.
async fn act(platform: Client, party: Arc<RelyingParty>, person: Person, pin: Pin, acts: Acts) {
    let citizen = enrol(&platform, &person, &pin).await;
    if acts.again {
        let again = device(&platform).await.0.enrol(&enrolment(&person, &pin)).await;
        assert!(
            matches!(again, Err(HolderError::Client(_))),
            "a second identifier"
        );
    }
    if acts.releases {
        show_pin(&party, &citizen, &pin).await;
        let granted = Granted::by(&citizen, &party, &[Field::Name, Field::BirthDate]).await;
        let released = party.redeem(&granted.pending).await.unwrap();
        let name = released.field(Field::Name).map(|name| name.expose().to_owned());
        assert_eq!(name, Some(person.document.name));
    }
}

async fn enrol(platform: &Client, person: &Person, pin: &Pin) -> Citizen {
    let (holder, key) = device(platform).await;
    let enrolled: Enrolled = holder.enrol(&enrolment(person, pin)).await.unwrap();
    Citizen {
        holder,
        person: person.clone(),
        enrolled,
        key,
    }
}

async fn device(platform: &Client) -> (Holder, DeviceKey) {
    let key = DeviceKey::make_of(suite(), &SystemRng).unwrap();
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    let holder = Holder::contact(platform.clone(), key.signer(), clock, rng)
        .await
        .unwrap();
    (holder, key)
}

fn enrolment(person: &Person, pin: &Pin) -> Enrolment {
    Enrolment {
        pin: pin.clone(),
        ..person.enrolment()
    }
}

async fn show_pin(party: &RelyingParty, citizen: &Citizen, pin: &Pin) {
    let ask = Ask {
        purpose: "register".into(),
        checks: vec![Check::RealPerson],
        factors: vec![Factor::Pin],
        ..Ask::default()
    };
    let pending = party.request_verification(&ask).await.unwrap();
    let request = citizen
        .holder
        .fetch_request(&pending.request_uri, Locale::English);
    let ReviewedRequest::Verification(request) = request.await.unwrap() else {
        panic!("another kind of request")
    };
    citizen
        .holder
        .answer_verification(&request, Some(pin))
        .await
        .unwrap();
    let VerifiedOutcome::Attested(attested) = party.wait(&pending).await.unwrap() else {
        panic!("not attested")
    };
    assert!(attested.passed().is_some(), "the PIN is the right one");
}

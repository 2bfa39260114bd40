//! Who answers a question, over real sockets and the command line: the device that opened it, the device that shows a code
//! at a counter, and a child after a guardian.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use cyberid_domain::clock::{Clock as _, SystemClock};
use journeys::{TestPlatform, executable};
use serde_json::Value;

const DOES_NOT_HOLD: i32 = 3;
const NO_ANSWER: i32 = 4;

/// Several people and a relying party, each with a directory of their own.
struct Town {
    platform: TestPlatform,
    homes: tempfile::TempDir,
}

#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Town {
    async fn new() -> Self {
        let town = Self {
            platform: TestPlatform::start().await,
            homes: tempfile::tempdir().unwrap(),
        };
        town.done(&format!("rp adopt --sandbox --server {}", town.platform.url()));
        town
    }

    fn home(&self, who: &str) -> String {
        self.homes.path().join(who).display().to_string()
    }

    fn spawn(&self, line: &str) -> Child {
        let words: Vec<String> = line.split_whitespace().map(|word| self.placed(word)).collect();
        Command::new(executable())
            .args(words)
            .env_clear()
            .env("HOME", self.homes.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// `@name` is somebody's directory, and `%name` a file beside it.
    fn placed(&self, word: &str) -> String {
        match word.strip_prefix(['@', '%']) {
            Some(name) => self.home(name),
            None => word.to_owned(),
        }
    }

    fn run(&self, line: &str) -> Ran {
        let output = self.spawn(line).wait_with_output().unwrap();
        Ran {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn done(&self, line: &str) -> Ran {
        let ran = self.run(line);
        assert_eq!(ran.code, 0, "{line}: {ran:?}");
        ran
    }

    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.done(&format!("{line} --json")).out).unwrap()
    }

    fn refused(&self, line: &str, why: &str) {
        let ran = self.run(line);
        assert_eq!(ran.code, 1, "{line}: {ran:?}");
        assert!(ran.err.contains(why), "{line}: {ran:?}");
    }

    /// Which of the sandbox's people, counted from 1, is of this age and has a valid document; the `nth` of them.
    async fn aged(&self, ages: std::ops::Range<i32>, nth: usize) -> usize {
        let today = SystemClock.now().date();
        let listed: Value = self
            .platform
            .client
            .get("/sandbox/people?limit=300")
            .await
            .unwrap();
        let mut fitting = (1..)
            .zip(listed["people"].as_array().unwrap())
            .filter(|(_, person)| {
                let born: i32 = text(person, "birth_date")[..4].parse().unwrap();
                let valid = text(&person["document"], "valid_until") > today.to_string();
                valid && ages.contains(&(today.year() - born))
            });
        fitting.nth(nth).unwrap().0
    }

    fn enrol(&self, who: &str, person: usize, more: &str) {
        let url = self.platform.url();
        self.done(&format!(
            "holder enrol --home @{who} --server {url} --sandbox-person {person} --pin 52719406 {more}"
        ));
    }

    /// Asks; gives the id and the comparison code.
    fn asked(&self, question: &str) -> (String, String) {
        let asked = self.json(&format!("rp verify --purpose register --wait 0 {question}"));
        (text(&asked, "id"), text(&asked, "comparison_code"))
    }
}

fn text(object: &Value, member: &str) -> String {
    object[member].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn who_opens_a_request_answers_it_and_both_screens_show_one_code() {
    let town = Town::new().await;
    let adults = 22..80;
    town.enrol("one", town.aged(adults.clone(), 0).await, "");
    town.enrol("two", town.aged(adults, 1).await, "");
    let (id, code) = town.asked("--check real_person");
    // Nobody sits at the terminal: it is opened and shown, and not answered.
    let opened = town.run(&format!("holder approve {id} --home @one"));
    assert_eq!(opened.code, 1, "{opened:?}");
    assert!(opened.err.contains(&format!("screen: {code}")), "{opened:?}");
    for answer in ["--yes", "--decline"] {
        town.refused(
            &format!("holder approve {id} --home @two {answer}"),
            "request-closed",
        );
    }
    town.done(&format!("holder approve {id} --home @one --yes"));
    assert_eq!(town.json(&format!("rp result {id}"))["outcome"], "passed");

    let (declined, _) = town.asked("--check real_person");
    town.done(&format!("holder approve {declined} --home @two --decline"));
    assert_eq!(town.run(&format!("rp result {declined}")).code, NO_ANSWER);
}

#[tokio::test]
async fn a_code_at_a_counter_brings_the_question_to_the_device_that_shows_it() {
    let town = Town::new().await;
    town.enrol("one", town.aged(22..80, 0).await, "");
    town.enrol("two", town.aged(22..80, 1).await, "");
    let mut showing = town.spawn("holder code --home @one");
    let mut shown = BufReader::new(showing.stdout.take().unwrap());
    let mut code = String::new();
    shown.read_line(&mut code).unwrap();
    let code = code.trim();
    let (id, _) = town.asked(&format!("--check real_person --code {code}"));
    let mut led_to = String::new();
    shown.read_to_string(&mut led_to).unwrap();
    assert!(
        showing.wait().unwrap().success() && led_to.contains(&id),
        "{led_to}"
    );
    town.refused(
        &format!("holder approve {id} --home @two --yes"),
        "request-closed",
    );
    town.done(&format!("holder approve {id} --home @one --yes"));
    assert_eq!(town.json(&format!("rp result {id}"))["outcome"], "passed");
    let again = format!("rp verify --purpose register --wait 0 --check real_person --code {code}");
    town.refused(&again, "unknown-code");
}

#[tokio::test]
async fn a_child_passes_after_a_guardian_agreed_on_a_device_of_their_own() {
    let town = Town::new().await;
    town.enrol("parent", town.aged(30..80, 0).await, "");
    let suite = journeys::suite();
    let key = town
        .done(&format!("holder key --home @child --suite {suite}"))
        .out;
    let consent = town.done(&format!(
        "holder guardian-consent --home @parent --ward-key={}",
        key.trim()
    ));
    std::fs::write(town.home("consent"), consent.out).unwrap();
    let child = town.aged(5..13, 0).await;
    town.enrol("child", child, "--guardian-consent %consent");

    let question = "--check real_person --check guardian_consent";
    let (id, code) = town.asked(question);
    let opened = town.run(&format!("holder approve {id} --home @child"));
    assert!(opened.err.contains("no guardian has yet"), "{opened:?}");
    let wards = town.json("holder wards --home @parent");
    let waiting = &wards["wards"][0]["requests"][0];
    assert_eq!(
        (text(waiting, "id"), text(waiting, "comparison_code")),
        (id.clone(), code)
    );
    town.refused(
        &format!("holder wards approve {id} --home @child --yes"),
        "no ward of yours",
    );
    town.done(&format!("holder wards approve {id} --home @parent --yes"));
    let ready = town.run(&format!("holder approve {id} --home @child --yes"));
    assert!(ready.code == 0 && !ready.err.contains("no guardian"), "{ready:?}");
    let passed = town.json(&format!("rp result {id}"));
    assert_eq!(passed["checks"]["guardian_consent"], "pass");

    let (alone, _) = town.asked(question);
    town.done(&format!("holder approve {alone} --home @child --yes"));
    assert_eq!(town.run(&format!("rp result {alone}")).code, DOES_NOT_HOLD);

    let (unwanted, _) = town.asked(question);
    town.run(&format!("holder approve {unwanted} --home @child"));
    town.done(&format!(
        "holder wards approve {unwanted} --home @parent --decline"
    ));
    assert_eq!(town.run(&format!("rp result {unwanted}")).code, NO_ANSWER);
    town.refused(
        &format!("holder approve {unwanted} --home @child --yes"),
        "request-closed",
    );
}

//! Official access as officers use it at a shell, against a real platform: two officers, one person, and the person is told.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

use std::process::Command;
use std::time::Duration;

use journeys::{Suite, TestPlatform, executable};
use serde_json::Value;

journeys::in_each_suite!(two_officers_open_one_record_the_person_is_told_and_the_ledger_is_clean);

/// Somebody at a shell, with a home directory of their own.
struct Shell {
    home: tempfile::TempDir,
    url: String,
}

impl Shell {
    fn at(platform: &TestPlatform) -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
            url: platform.url().into(),
        }
    }

    /// A citizen who has enrolled; the network number.
    fn enrolled(&self) -> String {
        let enrolled = self.json("holder enrol --server URL --sandbox-person 1 --pin 52719406");
        enrolled["network_number"].as_str().unwrap().to_owned()
    }

    /// The code and the output of a command line, in which `URL` stands for the platform.
    fn run(&self, line: &str) -> (i32, String, String) {
        let words = line.split_whitespace().map(|word| word.replace("URL", &self.url));
        let output = Command::new(executable())
            .args(words)
            .env_clear()
            .env("HOME", self.home.path())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code().unwrap(),
            text(output.stdout),
            text(output.stderr),
        )
    }

    fn json(&self, line: &str) -> Value {
        let (code, out, err) = self.run(&format!("{line} --json"));
        assert_eq!(code, 0, "{line}: {out}{err}");
        serde_json::from_str(&out).unwrap()
    }

    fn refused(&self, line: &str) -> String {
        let (code, out, err) = self.run(line);
        assert_eq!(code, 1, "{line}: {out}{err}");
        err
    }

    fn ordered(&self, number: &str, more: &str) -> String {
        let order = "authority order --server URL --sandbox --field birth_date --field name --case 2026-117";
        let ordered = self.json(&format!("{order} --legal-basis CPL-54 --number {number} {more}"));
        assert_eq!(ordered["status"], "requested");
        ordered["id"].as_str().unwrap().to_owned()
    }

    fn told(&self) -> Vec<Value> {
        let activity = self.json("holder activity");
        activity["official_accesses"].as_array().unwrap().clone()
    }

    /// How many leaves of each kind the regulator counts.
    fn count(&self, kind: &str) -> usize {
        let (code, out, err) = self.run(&format!(
            "audit entries --server URL --sandbox --kind {kind} --json"
        ));
        assert_eq!(code, 0, "{err}");
        out.lines().count()
    }
}

async fn two_officers_open_one_record_the_person_is_told_and_the_ledger_is_clean(suite: Suite) {
    let platform = TestPlatform::start_in(suite).await;
    let (citizen, bureau) = (Shell::at(&platform), Shell::at(&platform));
    let number = citizen.enrolled();

    let id = bureau.ordered(&number, "");
    let show = format!("authority show --sandbox {id}");
    assert_eq!(bureau.json(&show)["status"], "requested");
    assert!(citizen.told().is_empty(), "nothing was opened yet");
    let (_, _, read) = bureau.run(&format!("authority countersign --sandbox {id}"));
    assert!(read.contains(&number) && read.contains("2026-117"), "{read}");
    let opened = bureau.json(&format!("authority redeem --sandbox {id}"));
    let fields = opened["fields"].as_object().unwrap();
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["birth_date", "name"]);
    let again = bureau.json(&format!("authority redeem --sandbox {id}"));
    assert_eq!(again, opened, "a lost answer comes again");

    let told = citizen.told();
    assert_eq!((told.len(), &told[0]["status"]), (1, &Value::from("delivered")));
    assert_eq!(told[0]["authority_name"], "Example Public Security Bureau");
    assert_eq!(told[0]["case_reference"], "2026-117");
    let (_, words, _) = citizen.run("holder activity");
    assert!(
        words.contains("OFFICIAL ACCESS by Example Public Security Bureau"),
        "{words}"
    );

    for kind in ["official.requested", "official.intended", "official.delivered"] {
        assert_eq!(bureau.count(kind), 1, "{kind}");
    }
    let (code, out, err) = bureau.run("audit verify --ledger URL --sandbox");
    assert_eq!(code, 0, "{out}{err}");
}

#[tokio::test]
async fn one_officer_opens_nothing_and_is_in_the_ledger_for_trying() {
    let platform = TestPlatform::start().await;
    let (citizen, bureau) = (Shell::at(&platform), Shell::at(&platform));
    let number = citizen.enrolled();
    let alone = bureau.ordered(&number, "");
    let refused = bureau.refused(&format!("authority redeem --sandbox {alone}"));
    assert!(refused.contains("two-persons-required"), "{refused}");
    let twice = bureau.ordered(&number, "");
    let refused = bureau.refused(&format!("authority countersign --sandbox --officer 1 {twice}"));
    assert!(refused.contains("two-persons-required"), "{refused}");
    assert_eq!(bureau.count("official.refused"), 2);
    for id in [&alone, &twice] {
        bureau.refused(&format!("authority countersign --sandbox {id}"));
        assert_eq!(
            bureau.json(&format!("authority show --sandbox {id}"))["status"],
            "refused"
        );
    }
    assert!(citizen.told().is_empty());
    let (code, out, err) = bureau.run("audit verify --ledger URL --sandbox");
    assert_eq!(code, 0, "{out}{err}");
}

#[tokio::test]
async fn a_delayed_notice_comes_by_itself_and_the_regulator_counts_at_once() {
    let platform = TestPlatform::start().await;
    let (citizen, bureau) = (Shell::at(&platform), Shell::at(&platform));
    let number = citizen.enrolled();
    let id = bureau.ordered(&number, "--notice-delay 20s");
    let (code, _, err) = bureau.run(&format!("authority countersign --sandbox {id}"));
    assert_eq!(code, 0, "{err}");
    bureau.json(&format!("authority redeem --sandbox {id}"));
    assert!(citizen.told().is_empty(), "the order says: not yet");
    assert_eq!(bureau.count("official.delivered"), 1);
    let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
    while citizen.told().is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "never told");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(citizen.told()[0]["id"], id);
}

#[test]
fn the_same_with_the_keys_in_a_token() {
    journeys::on_a_token(&["nist::two_officers_open_one_record_the_person_is_told_and_the_ledger_is_clean"]);
}

//! The life of an identifier, at a shell and against a real platform: halted, renewed, numbered anew, and turned by operators.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::process::Command;

use cyberid_protocol::problem::ProblemType;
use journeys::{TestPlatform, executable, passes, verified_sub};
use serde_json::{Value, json};

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

    /// How many leaves of each kind the regulator counts.
    fn count(&self, kind: &str) -> usize {
        let (code, out, err) = self.run(&format!(
            "audit entries --server URL --sandbox --kind {kind} --json"
        ));
        assert_eq!(code, 0, "{err}");
        out.lines().count()
    }
}

#[tokio::test]
async fn a_holder_halts_resumes_renews_and_numbers_their_identifier_at_a_shell() {
    let platform = TestPlatform::start().await;
    let (citizen, bureau) = (Shell::at(&platform), Shell::at(&platform));
    let enrolled = citizen.json("holder enrol --server URL --sandbox-person 1 --pin 52719406");
    let old = enrolled["network_number"].as_str().unwrap().to_owned();

    let halted = citizen.json("holder suspend");
    assert_eq!(
        halted,
        json!({"status": "suspended", "suspended_for": ["holder"]})
    );
    let platform = platform.killed_and_restarted().await;
    assert_eq!(citizen.json("holder status")["status"], "suspended");
    let (_, words, _) = citizen.run("holder status");
    assert!(words.contains("suspended, for: holder"), "{words}");
    for refused in [
        "holder renew",
        "holder new-number",
        "holder resume --pin 83620517",
    ] {
        citizen.refused(refused);
    }
    let resumed = citizen.json("holder resume --pin 52719406");
    assert_eq!(resumed, json!({"status": "active", "suspended_for": []}));

    let renewed = citizen.json("holder renew");
    assert_eq!(
        renewed["credential_expires_at"],
        enrolled["credential_expires_at"]
    );
    assert_ne!(renewed["credential"], enrolled["credential"]);
    assert_eq!(
        citizen.json("holder renew --sandbox-person 1")["status"],
        "active"
    );
    let err = citizen.refused("holder renew --sandbox-person 2");
    assert!(err.contains("evidence"), "{err}");

    let numbered = citizen.json("holder new-number");
    let new = numbered["network_number"].as_str().unwrap().to_owned();
    assert_ne!(new, old);
    assert_eq!(citizen.json("holder status")["network_number"], new.as_str());
    let err = citizen.refused("holder new-number");
    assert!(err.contains("30 days"), "{err}");

    // An official order follows the fresh number: both key holders know it. The old one is nobody's.
    let order = "authority order --server URL --sandbox --field name --case 2026-117 --legal-basis CPL-54";
    let carry_out = |number: &str| {
        let ordered = bureau.json(&format!("{order} --number {number}"));
        let id = ordered["id"].as_str().unwrap().to_owned();
        bureau.json(&format!("authority countersign --sandbox {id}"));
        bureau.run(&format!("authority redeem --sandbox {id}"))
    };
    let (code, out, err) = carry_out(&new);
    assert_eq!(code, 0, "{out}{err}");
    let (code, out, err) = carry_out(&old);
    assert_eq!(code, 1, "{out}{err}");
    assert!(err.contains("official-refused"), "{err}");
    drop(platform);
}

#[tokio::test]
async fn pseudonyms_stay_whatever_the_number() {
    let platform = TestPlatform::start().await;
    let (citizen, party) = (platform.citizen(0).await, platform.relying_party().await);
    let before = verified_sub(&party, &citizen).await;
    let renewed = citizen.holder.renumber().await.unwrap();
    assert_ne!(renewed.network_number, citizen.enrolled.network_number);
    assert_eq!(verified_sub(&party, &citizen).await, before);
}

#[tokio::test]
async fn operators_halt_and_only_two_reinstate_and_the_ledger_says_so_of_nobody() {
    let platform = TestPlatform::start().await;
    let (citizen, party) = (platform.citizen(0).await, platform.relying_party().await);
    let other = platform.citizen(1).await;
    let shell = Shell::at(&platform);
    assert!(passes(&party, &citizen).await);
    let number = citizen.enrolled.network_number.to_string();
    let why = "--reason misuse --reference 2026-117";
    let done = shell.json(&format!(
        "operator suspend --server URL --sandbox --number {number} {why}"
    ));
    assert_eq!(
        (&done["status"], &done["identifiers"]),
        (&json!("done"), &json!(1))
    );
    assert!(!passes(&party, &citizen).await);
    let me = citizen.holder.me().await.unwrap();
    assert_eq!(me.suspended_for.len(), 1);

    // What operators said is not the holder's to lift.
    let pin = cyberid_domain::pin::Pin::entered(journeys::PIN.into()).unwrap();
    let answer = citizen.holder.resume_identifier(&pin).await.unwrap();
    assert_eq!(answer.suspended_for.len(), 1);
    assert!(!passes(&party, &citizen).await);

    let waits = shell.json(&format!(
        "operator reinstate --server URL --sandbox --number {number} {why}"
    ));
    assert_eq!(waits["status"], "waiting");
    let id = waits["id"].as_str().unwrap();
    let err = shell.refused(&format!(
        "operator approve --server URL --sandbox --operator 1 {id}"
    ));
    assert!(
        err.contains("second person") || err.contains("another operator"),
        "{err}"
    );
    assert!(!passes(&party, &citizen).await);
    let done = shell.json(&format!("operator approve --server URL --sandbox {id}"));
    assert_eq!(done["status"], "done");
    assert!(passes(&party, &citizen).await);

    // Several at once wait, even to be halted.
    let second = other.enrolled.network_number.to_string();
    let both = format!("operator suspend --server URL --sandbox --number {number} --number {second} {why}");
    let waits = shell.json(&both);
    assert_eq!(
        (&waits["status"], &waits["identifiers"]),
        (&json!("waiting"), &json!(2))
    );
    assert!(passes(&party, &citizen).await && passes(&party, &other).await);
    let platform = platform.killed_and_restarted().await;
    let id = waits["id"].as_str().unwrap();
    shell.json(&format!("operator approve --server URL --sandbox {id}"));
    assert!(!passes(&party, &citizen).await && !passes(&party, &other).await);

    assert_eq!(shell.count("identity.suspended"), 3);
    assert_eq!(shell.count("identity.reinstated"), 1);
    let (_, entries, _) = shell.run("audit entries --server URL --sandbox --kind identity.suspended --json");
    assert!(!entries.contains(&number) && !entries.contains(&citizen.holder.public_key().thumbprint()));
    let (code, out, err) = shell.run("audit verify --ledger URL --sandbox");
    assert_eq!(code, 0, "{out}{err}");
    drop(platform);
}

#[tokio::test]
async fn nobody_else_than_an_operator_acts_on_identifiers() {
    let platform = TestPlatform::start().await;
    let (citizen, party) = (platform.citizen(0).await, platform.relying_party().await);
    let body = json!({"act": "suspend", "reason": "operator", "reference": "7",
        "network_numbers": [citizen.enrolled.network_number.to_string()]});
    let path = "/v1/identity-acts";
    for session in [citizen.holder.session(), party.session(), &platform.regulator()] {
        let answer = session.post::<_, Value>(path, &body).await;
        assert_eq!(answer.unwrap_err().problem(), Some(ProblemType::Forbidden));
    }
    assert!(passes(&party, &citizen).await);
}

#[test]
fn the_same_with_the_keys_in_a_token() {
    journeys::on_a_token(&[
        "a_holder_halts_resumes_renews_and_numbers_their_identifier_at_a_shell",
        "operators_halt_and_only_two_reinstate_and_the_ledger_says_so_of_nobody",
    ]);
}

//! A counter assists people without a smartphone, against a real platform: a sheet of codes on paper, each of which acts once,
//! from any machine.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use cyberid_domain::check::Check;
use cyberid_domain::field::Field;
use cyberid_protocol::problem::ProblemType;
use cyberid_relying_party::{Ask, PendingVerification, RelyingParty, RelyingPartyError, VerifiedOutcome};
use journeys::{TestPlatform, executable};
use serde_json::{Value, json};

const PIN_OF_THE_PERSON: &str = "52719406";

/// A platform and two counters of the same operator, each a machine of its own.
struct Counters {
    platform: TestPlatform,
    party: RelyingParty,
    folder: tempfile::TempDir,
}

impl Counters {
    async fn open(config: &str) -> Self {
        let platform = TestPlatform::start_with(config).await;
        let party = platform.relying_party().await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pin"), PIN_OF_THE_PERSON).unwrap();
        private(&folder.path().join("pin"));
        let counters = Self {
            platform,
            party,
            folder,
        };
        counters.key_file("clerk", "/operators/0");
        for counter in ["here", "there"] {
            counters
                .run(
                    counter,
                    &["counter", "ready", "--server", counters.platform.url()],
                )
                .unwrap();
        }
        counters
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A client of the sandbox, in a file.
    fn key_file(&self, name: &str, pointer: &str) {
        let key: Value = self.platform.key_file(pointer);
        let key = json!({"client_id": key["client_id"], "signing_jwk": key["signing_jwk"]});
        std::fs::write(self.path(name), key.to_string()).unwrap();
        private(&self.path(name));
    }

    fn command(&self, home: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(executable());
        command
            .args(arguments)
            .args(["--json", "--home"])
            .arg(self.path(home))
            .current_dir(self.folder.path())
            .env_clear();
        command
    }

    /// Runs a command at a machine; what it printed, if it succeeded.
    fn run(&self, home: &str, arguments: &[&str]) -> Result<Value, String> {
        let ran = self.command(home, arguments).output().unwrap();
        if ran.status.success() {
            Ok(serde_json::from_slice(&ran.stdout).unwrap())
        } else {
            Err(String::from_utf8(ran.stderr).unwrap())
        }
    }

    /// Assists person `person` at a counter, with the key of `clerk`: the answer, and their codes.
    fn assist(
        &self,
        what: &str,
        clerk: &str,
        person: &str,
        more: &[&str],
    ) -> Result<(Value, Vec<String>), String> {
        let key = [
            "counter",
            what,
            "--station-key",
            clerk,
            "--sandbox-person",
            person,
        ];
        let rest = ["--pin-file", "pin", "--server", self.platform.url()];
        let said = self.run("here", &[&key[..], &rest[..], more].concat())?;
        let codes = said["codes"].as_array().unwrap();
        let codes = codes.iter().map(|code| code["code"].as_str().unwrap().to_owned());
        let codes = codes.collect();
        Ok((said, codes))
    }

    /// The arguments by which a code stands in the place of a device.
    fn with_code<'a>(&self, arguments: &[&'a str], code: &str, file: &'a str) -> Vec<&'a str> {
        std::fs::write(self.path(file), code).unwrap();
        [arguments, &["--code", file, "--code-pin-file", "pin"]].concat()
    }

    /// Acts with a code, at the other machine.
    fn act(&self, arguments: &[&str], code: &str) -> Result<Value, String> {
        self.run("there", &self.with_code(arguments, code, "code"))
    }

    fn approving(&self, code: &str, request: &str, file: &str) -> Child {
        let arguments = self.with_code(&["holder", "approve", request, "--yes"], code, file);
        let mut command = self.command("there", &arguments);
        let command = command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    async fn asked(&self) -> PendingVerification {
        let ask = Ask {
            purpose: "register".into(),
            checks: vec![Check::RealPerson],
            ..Ask::default()
        };
        self.party.request_verification(&ask).await.unwrap()
    }

    /// The pseudonym of who passed; nothing if nobody did.
    async fn passed(&self, asked: &PendingVerification) -> Option<String> {
        match self.party.wait(asked).await.unwrap() {
            VerifiedOutcome::Attested(attestation) => attestation.passed().map(str::to_owned),
            _ => None,
        }
    }

    /// Has a code pass a verification.
    async fn verified(&self, code: &str) -> Option<String> {
        let asked = self.asked().await;
        self.act(&["holder", "approve", &asked.request_uri, "--yes"], code)
            .ok()?;
        self.passed(&asked).await
    }
}

#[cfg(unix)]
fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn kinds(activity: &Value) -> Vec<(&str, Option<&str>)> {
    let events = activity["events"].as_array().unwrap().iter();
    let events = events.filter(|event| event["kind"] == "counter_assisted" || event["kind"] == "code_used");
    events
        .map(|event| {
            let who = event["rp"]["client_id"].as_str().or(event["device"].as_str());
            (event["kind"].as_str().unwrap(), who)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_passes_one_verification_from_any_machine_and_never_a_second() {
    let counters = Counters::open("").await;
    let (sheet, codes) = counters.assist("enrol", "clerk", "1", &["--codes", "5"]).unwrap();
    assert_eq!(codes.len(), 5);
    let first = counters.verified(&codes[0]).await.unwrap();
    assert_eq!(counters.verified(&codes[0]).await, None, "it has acted");
    // Paper is read as people write it, and a wrong PIN makes nobody's key.
    assert_eq!(
        counters
            .verified(&codes[1].to_lowercase().replace('-', " "))
            .await,
        Some(first)
    );
    std::fs::write(counters.path("pin"), "83620517").unwrap();
    assert_eq!(counters.verified(&codes[2]).await, None);
    std::fs::write(counters.path("pin"), PIN_OF_THE_PERSON).unwrap();
    let mut misread = codes[2].clone();
    misread.replace_range(..1, if misread.starts_with('7') { "8" } else { "7" });
    let refused = counters.act(&["holder", "show"], &misread).unwrap_err();
    assert!(refused.contains("not a code"), "{refused}");
    // The holder sees who assisted, and each use.
    let shown = counters.act(&["holder", "show"], &codes[2]).unwrap();
    assert_eq!(shown["network_number"], sheet["network_number"]);
    assert_eq!(shown["devices"].as_array().unwrap().len(), 3);
    let activity = counters.act(&["holder", "activity"], &codes[2]).unwrap();
    let told = kinds(&activity);
    let clerk: String = counters.platform.key_file("/operators/0/client_id");
    let assisted: Vec<_> = told
        .iter()
        .filter(|(kind, _)| *kind == "counter_assisted")
        .collect();
    assert_eq!(assisted, [&("counter_assisted", Some(clerk.as_str()))]);
    assert_eq!(
        told.iter()
            .filter(|(kind, who)| *kind == "code_used" && who.is_some())
            .count(),
        2
    );
    // A machine that is no station yet says what to do.
    let arguments = counters.with_code(&["holder", "show"], &codes[2], "code");
    let refused = counters.run("nowhere", &arguments).unwrap_err();
    assert!(refused.contains("cyberid counter ready"), "{refused}");
    // Reading uses up nothing, and neither does a crash.
    let platform = counters.platform.killed_and_restarted().await;
    let party = platform.relying_party().await;
    let counters = Counters {
        platform,
        party,
        ..counters
    };
    assert_eq!(counters.verified(&codes[0]).await, None);
    assert!(counters.verified(&codes[2]).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_raced_acts_once() {
    let counters = Counters::open("").await;
    let (_, codes) = counters.assist("enrol", "clerk", "1", &["--codes", "2"]).unwrap();
    let mut racing = Vec::new();
    for file in ["one", "two", "three"] {
        let asked = counters.asked().await;
        racing.push((counters.approving(&codes[1], &asked.request_uri, file), asked));
    }
    let mut passed = 0;
    for (mut child, asked) in racing {
        if child.wait().unwrap().success() {
            passed += u32::from(counters.passed(&asked).await.is_some());
        }
    }
    assert_eq!(passed, 1);
    let activity = counters.act(&["holder", "activity"], &codes[0]).unwrap();
    let used = kinds(&activity)
        .into_iter()
        .filter(|(kind, _)| *kind == "code_used");
    assert_eq!(used.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_agrees_to_one_release_and_another_withdraws_it() {
    let counters = Counters::open("").await;
    let (sheet, codes) = counters.assist("enrol", "clerk", "1", &["--codes", "4"]).unwrap();
    assert!(sheet["release_from"].as_u64().is_some());
    let sub = counters.verified(&codes[1]).await.unwrap();
    let ask = async || {
        let asked = counters
            .party
            .request_release(&sub, "deliver", &[Field::Name])
            .await;
        asked.unwrap()
    };
    let agree =
        |uri: &str, code: &str| counters.act(&["holder", "release", uri, "--yes", "--fields", "name"], code);
    // All but the first cool off, and a refusal uses up nothing.
    let asked = ask().await;
    let refused = agree(&asked.request_uri, &codes[2]).unwrap_err();
    assert!(refused.contains("device-cooling-off"), "{refused}");
    let asked = ask().await;
    let granted = agree(&asked.request_uri, &codes[0]).unwrap();
    counters.party.redeem(&asked).await.unwrap();
    let another = ask().await;
    assert!(agree(&another.request_uri, &codes[0]).is_err());
    let consent = granted["consent_id"].as_str().unwrap();
    let withdraw = ["holder", "withdraw", consent];
    assert!(counters.act(&withdraw, &codes[0]).is_err(), "it has acted");
    counters.act(&withdraw, &codes[2]).unwrap();
    assert!(counters.act(&withdraw, &codes[2]).is_err());
    // What the used ones agreed to is proved to whoever has another.
    let receipts = counters
        .act(&["holder", "receipts", "--fetch"], &codes[3])
        .unwrap();
    assert!(receipts.to_string().contains(consent), "{receipts}");
    assert_eq!(counters.verified(&codes[2]).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_device_decides_for_good_a_code_does_not() {
    let counters = Counters::open("[issuance]\ndevice_cooling_off_hours = 0\n").await;
    let (_, codes) = counters.assist("enrol", "clerk", "1", &["--codes", "1"]).unwrap();
    let code = &codes[0];
    for line in [
        &["holder", "device", "list"][..],
        &["holder", "suspend"],
        &["holder", "cancel", "--for-ever"],
    ] {
        let refused = counters.act(line, code).unwrap_err();
        let known = ["not-found", "invalid-message"];
        assert!(
            known.iter().any(|problem| refused.contains(problem)),
            "{line:?}: {refused}"
        );
    }
    let enrol = [
        "holder",
        "enrol",
        "--sandbox-person",
        "2",
        "--pin",
        PIN_OF_THE_PERSON,
    ];
    let refused = counters.act(&enrol, code).unwrap_err();
    assert!(refused.contains("this is for a device"), "{refused}");
    assert!(
        counters.verified(code).await.is_some(),
        "none of it has used the code up"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_sheet_voids_the_old_one_with_all_that_waits_of_it() {
    let counters = Counters::open("").await;
    let (sheet, old) = counters.assist("enrol", "clerk", "1", &["--codes", "3"]).unwrap();
    let sub = counters.verified(&old[1]).await.unwrap();
    let waiting = counters
        .party
        .request_release(&sub, "deliver", &[Field::Name])
        .await
        .unwrap();
    let agree = [
        "holder",
        "release",
        &waiting.request_uri,
        "--yes",
        "--fields",
        "name",
    ];
    let granted = counters.act(&agree, &old[0]).unwrap();
    let (fresh_sheet, fresh) = counters.assist("sheet", "clerk", "1", &["--codes", "2"]).unwrap();
    assert_eq!(fresh_sheet["network_number"], sheet["network_number"]);
    assert_eq!(counters.verified(&old[2]).await, None);
    let Err(RelyingPartyError::Client(refused)) = counters.party.redeem(&waiting).await else {
        panic!("a lost sheet's consent was redeemed")
    };
    assert_eq!(refused.problem(), Some(ProblemType::ReleaseNotGranted));
    assert_eq!(counters.verified(&fresh[0]).await, Some(sub));
    // The consent of a voided code is proved still, and withdrawn by a code of the fresh sheet.
    let consent = granted["consent_id"].as_str().unwrap();
    counters.act(&["holder", "withdraw", consent], &fresh[1]).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_an_operator_assists() {
    let counters = Counters::open("").await;
    counters.key_file("party", "/relying_party");
    counters.key_file("regulator", "/regulator");
    for stranger in ["party", "regulator"] {
        let refused = counters
            .assist("enrol", stranger, "1", &["--codes", "1"])
            .unwrap_err();
        assert!(refused.contains("forbidden"), "{refused}");
    }
    // The id of an operator and another's key.
    let mut forged: Value = serde_json::from_slice(&std::fs::read(counters.path("clerk")).unwrap()).unwrap();
    forged["signing_jwk"] = counters.platform.key_file("/relying_party/signing_jwk");
    std::fs::write(counters.path("clerk"), forged.to_string()).unwrap();
    assert!(counters.assist("enrol", "clerk", "1", &["--codes", "1"]).is_err());
    counters.key_file("clerk", "/operators/1");
    counters.assist("enrol", "clerk", "1", &["--codes", "1"]).unwrap();
    let twice = counters
        .assist("enrol", "clerk", "1", &["--codes", "1"])
        .unwrap_err();
    assert!(twice.contains("enrolment-refused"), "{twice}");
}

#[test]
fn the_same_with_the_keys_in_a_token() {
    journeys::on_a_token(&[
        "a_code_agrees_to_one_release_and_another_withdraws_it",
        "a_fresh_sheet_voids_the_old_one_with_all_that_waits_of_it",
    ]);
}

//! The command line, as a citizen, a provider and a regulator use it: every command against a real platform, its output
//! and its exit code.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use journeys::{TestPlatform, executable};
use serde_json::{Value, json};

const PIN: &str = "52719406";
const DOES_NOT_HOLD: i32 = 3;
const NO_ANSWER: i32 = 4;

/// Somebody at a shell, with a home directory of their own.
struct Shell {
    home: tempfile::TempDir,
    url: String,
}

/// What a command did.
#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Shell {
    fn at(url: &str) -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
            url: url.into(),
        }
    }

    /// A citizen who has enrolled and the sandbox's relying party, at one shell.
    fn ready(platform: &TestPlatform) -> Self {
        let shell = Self::at(platform.url());
        shell.done("holder enrol --server URL --sandbox-person 1 --pin 52719406");
        shell.done("rp adopt --server URL --sandbox");
        shell
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn keep(&self, name: &str, text: &str, mode: u32) -> String {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path.display().to_string()
    }

    /// Runs a command line, in which `URL` stands for the platform; nobody sits at the terminal.
    fn run(&self, line: &str, input: &str) -> Ran {
        let words = line.split_whitespace().map(|word| word.replace("URL", &self.url));
        let mut child = Command::new(executable())
            .args(words)
            .env_clear()
            .env("HOME", self.home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that does not read its input may have ended already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Ran {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// What a command prints that ends well.
    fn done(&self, line: &str) -> String {
        let ran = self.run(line, "");
        assert_eq!(ran.code, 0, "{line}: {ran:?}");
        ran.out
    }

    /// The object that a command prints that ends well.
    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.done(&format!("{line} --json"))).unwrap()
    }

    fn refused(&self, line: &str, code: i32) -> Ran {
        let ran = self.run(line, "");
        assert_eq!(ran.code, code, "{line}: {ran:?}");
        ran
    }

    fn asked(&self, question: &str) -> String {
        let asked = self.json(&format!("rp verify --purpose register --wait 0 {question}"));
        text(&asked, "id")
    }

    /// The pseudonym of the citizen.
    fn sub(&self) -> String {
        let id = self.asked("--check real_person");
        self.done(&format!("holder approve {id} --yes"));
        text(&self.json(&format!("rp result {id}")), "sub")
    }

    /// A release that the citizen has granted, with the consent.
    fn granted(&self, fields: &str) -> (String, String) {
        let asked = self.json(&format!(
            "rp release --purpose deliver --field name --field birth_date --sub {}",
            self.sub()
        ));
        let id = text(&asked, "id");
        let granted = self.json(&format!("holder release {id} --yes {fields}"));
        (id, text(&granted, "consent_id"))
    }
}

fn text(object: &Value, member: &str) -> String {
    object[member].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_verification_ends_in_the_exit_code_that_says_what_came_of_it() {
    let platform = TestPlatform::start().await;
    let shell = Shell::ready(&platform);
    let id = shell.asked("--check real_person --check age_over_18");
    // Without a terminal nothing is agreed to by default.
    shell.refused(&format!("holder approve {id}"), 1);
    shell.refused(&format!("rp result {id} --wait 1"), NO_ANSWER);
    shell.done(&format!("holder approve {id} --yes"));
    let passed = shell.json(&format!("rp result {id}"));
    assert_eq!(passed["outcome"], "passed");
    assert_eq!(
        passed["checks"],
        json!({"real_person": "pass", "age_over_18": "pass"})
    );
    // One question has one answer.
    shell.refused(&format!("rp result {id}"), 1);

    let sub = text(&passed, "sub");
    let again = shell.asked(&format!("--check same_person --sub {sub} --factor pin"));
    shell.refused(&format!("holder approve {again} --yes"), 1);
    shell.done(&format!("holder approve {again} --yes --pin 27182845"));
    let failed = shell.refused(&format!("rp result {again} --json"), DOES_NOT_HOLD);
    assert!(failed.out.contains("\"failed\"") && !failed.out.contains(&sub));

    let pin = shell.keep("pin", PIN, 0o600);
    let right = shell.asked(&format!("--check same_person --sub {sub} --factor pin"));
    shell.done(&format!("holder approve {right} --yes --pin-file {pin}"));
    assert_eq!(shell.json(&format!("rp result {right}"))["sub"], sub);

    let declined = shell.asked("--check real_person");
    shell.done(&format!("holder approve {declined} --decline"));
    shell.refused(&format!("rp result {declined}"), NO_ANSWER);
    let over_asking = shell.refused("rp verify --purpose register --check age_over_21", 1);
    assert!(over_asking.err.contains("over-asking"), "{over_asking:?}");
}

#[tokio::test]
async fn a_release_is_granted_received_withdrawn_and_erased() {
    let platform = TestPlatform::start().await;
    let shell = Shell::ready(&platform);
    let (release, consent) = shell.granted("--fields birth_date");
    let redeemed = shell.json(&format!("rp redeem {release}"));
    let fields: Vec<&String> = redeemed["fields"].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["birth_date"]);
    assert_eq!(
        redeemed["fields"]["birth_date"],
        platform.person(0).await.birth_date
    );
    // A lost answer can be asked for again.
    assert_eq!(shell.json(&format!("rp redeem {release}")), redeemed);

    shell.done(&format!("holder withdraw {consent}"));
    shell.refused(&format!("holder withdraw {consent}"), 1);
    let listed = shell.json("holder receipts --check");
    let kinds: Vec<&Value> = rows(&listed).iter().map(|row| &row["kind"]).collect();
    assert_eq!(kinds, ["consent.granted", "consent.withdrawn"]);
    assert!(rows(&listed).iter().all(|row| row["check"] == "good"), "{listed}");
    assert_eq!(listed["consents"][0]["status"], "withdrawn");

    let events = shell.json("rp events");
    assert_eq!(events["withdrawn"][0]["release"], release.as_str());
    assert_eq!(shell.json("rp events")["withdrawn"], json!([]));
    assert_eq!(shell.json("rp events --after 0"), events);
    shell.done(&format!("rp erase {release}"));
    let refused = shell.json(&format!(
        "rp release --purpose deliver --field name --sub {}",
        shell.sub()
    ));
    shell.done(&format!("holder release {} --decline", text(&refused, "id")));
    shell.refused(&format!("rp redeem {}", text(&refused, "id")), 1);
}

fn rows(listed: &Value) -> &Vec<Value> {
    listed["receipts"].as_array().unwrap()
}

#[tokio::test]
async fn a_receipt_is_checked_with_the_platform_switched_off() {
    let platform = TestPlatform::start().await;
    let shell = Shell::ready(&platform);
    let (_, consent) = shell.granted("--fields name");
    let kept = shell.path(&format!(".cyberid/holder/receipts/{consent}.json"));
    let receipt = std::fs::read_to_string(&kept).unwrap();
    std::fs::remove_file(&kept).unwrap();
    assert!(rows(&shell.json("holder receipts")).is_empty());
    shell.done("holder receipts --fetch");
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), receipt);

    platform.stopped().await;
    let listed = shell.json("holder receipts --check");
    assert_eq!(rows(&listed)[0]["check"], "good");
    let forged = receipt.replace("Example Shop", "Another Shop");
    assert_ne!(forged, receipt);
    let forged = shell.keep("forged.json", &forged, 0o644);
    shell.refused(&format!("holder receipts {forged} --check"), 1);
    shell.done(&format!("holder receipts {} --check", kept.display()));

    // One file, and somebody else's machine.
    let file = kept.display();
    let proved = shell.json(&format!("receipt verify {file}"));
    assert_eq!(proved["anchors"], "pinned");
    assert_eq!(
        (&proved["granted"], &proved["refused"]),
        (&json!(["name"]), &json!(["birth_date"]))
    );
    shell.refused(&format!("receipt verify {forged}"), 1);
    let stranger = Shell::at(&shell.url);
    let pins: Value =
        serde_json::from_str(&std::fs::read_to_string(shell.path(".cyberid/holder/platform.json")).unwrap())
            .unwrap();
    let policy = stranger.keep("policy", pins["policy"].as_str().unwrap(), 0o644);
    let given = format!("--vkey {} --policy-file {policy}", text(&pins, "ledger_vkey"));
    let proved = stranger.json(&format!("receipt verify {file} {given}"));
    assert_eq!(
        (&proved["anchors"], &proved["issuer_known"]),
        (&json!("given"), &json!(false))
    );
    stranger.refused(&format!("receipt verify {forged} {given}"), 1);
    stranger.refused(&format!("receipt verify {file}"), 2);
    assert!(
        !stranger.path(".cyberid").exists(),
        "nothing is made where nothing was"
    );
    let claimed = stranger.json(&format!("receipt verify {file} --trust-file"));
    assert_eq!(claimed["anchors"], "claimed");
    stranger.refused("receipt verify nowhere.json --trust-file", 2);
    assert!(
        stranger
            .done(&format!("receipt show {file}"))
            .contains("Example Shop")
    );
}

#[tokio::test]
async fn a_direct_proof_goes_from_app_to_app() {
    let platform = TestPlatform::start().await;
    let shell = Shell::ready(&platform);
    let ask = "rp verify --direct --purpose register --check real_person --factor pin";
    let question = shell.done(ask);
    let sealed = shell.run(&format!("holder direct - --yes --pin {PIN}"), &question);
    assert_eq!(sealed.code, 0, "{sealed:?}");
    let submitted = shell.run("rp submit - --json", &sealed.out);
    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert!(submitted.out.contains("\"device+pin\""));
    // The question has its answer.
    assert_eq!(shell.run("rp submit -", &sealed.out).code, 1);

    let (first, second) = (shell.json(ask), shell.json(ask));
    let line = format!("holder direct {} --yes --pin {PIN}", text(&second, "request"));
    let sealed = shell.json(&line);
    let submit = format!("rp submit {}", text(&sealed, "sealed"));
    let which = shell.refused(&submit, 1);
    assert!(which.err.contains("--nonce"), "{which:?}");
    let nonce = text(&second, "nonce");
    assert_ne!(text(&first, "nonce"), nonce);
    shell.done(&format!("{submit} --nonce={nonce}"));
}

#[tokio::test]
async fn a_relying_party_is_let_in_by_two_operators() {
    let platform = TestPlatform::start().await;
    let shell = Shell::at(platform.url());
    let operator = |index: usize, mode| {
        let key: Value = platform.key_file(&format!("/operators/{index}"));
        shell.keep(&format!("operator-{index}-{mode:o}.json"), &key.to_string(), mode)
    };
    let (one, two, open) = (operator(0, 0o600), operator(1, 0o600), operator(0, 0o644));
    let intended = json!({"purpose": "age", "checks": ["age_over_14"], "fields": [], "legal_basis": "contract",
        "retention_days": 1, "notice_uri": "https://games.example/privacy"});
    let intended = shell.keep("use.json", &intended.to_string(), 0o644);
    let register = format!(
        "rp register --server URL --name Games --domain games.example --contact a@games.example \
         --deletion-contact b@games.example --use {intended}"
    );
    let exposed = shell.refused(&format!("{register} --operator-key {open}"), 1);
    assert!(exposed.err.contains("others can read it"), "{exposed:?}");
    let applied = shell.json(&format!("{register} --operator-key {one}"));
    assert_eq!(applied["status"], "applied");
    let waits = shell.refused("rp show", 1);
    assert!(waits.err.contains("second operator"), "{waits:?}");
    let alone = shell.refused(
        &format!("{register} --operator-key {one} --operator-key {one}"),
        1,
    );
    assert!(alone.err.contains("two-persons-required"), "{alone:?}");
    let approved = shell.json(&format!("{register} --operator-key {one} --operator-key {two}"));
    assert_eq!(approved["status"], "approved");
    let shown = shell.json("rp show");
    let certificates = "registration_certificates";
    assert_eq!(
        (&shown["status"], &shown[certificates]),
        (&approved["status"], &approved[certificates])
    );
    shell.refused(&format!("{register} --operator-key {one}"), 1);
    shell.done("rp verify --purpose age --check age_over_14 --wait 0");

    let renew = "rp renew --expires-in-days 30";
    let waiting = shell.json(&format!("{renew} --operator-key {one}"));
    assert_eq!(waiting[certificates], approved[certificates]);
    assert!(shell.done("rp show").contains("A renewal for 30 days waits"));
    let renewed = shell.json(&format!("{renew} --operator-key {one} --operator-key {two}"));
    assert_ne!(renewed[certificates], approved[certificates]);
    let end = |registered: &Value| registered["expires_at"].as_u64().unwrap();
    assert!(end(&renewed) < end(&approved));
    shell.done("rp verify --purpose age --check age_over_14 --wait 0");
}

#[tokio::test]
async fn keys_are_rotated_and_taken_up_when_they_are_in_force() {
    let platform = TestPlatform::start_with("[verification]\nkey_cooling_off_hours = 0\n").await;
    let shell = Shell::ready(&platform);
    let sub = shell.sub();
    let kept = |name: &str| std::fs::read(shell.path(".cyberid/rp").join(name)).unwrap();
    for kept_key in ["", " --keep-signing"] {
        let before = kept("keys.json");
        shell.done(&format!("rp keys rotate{kept_key}"));
        assert!(shell.done("rp show").contains("is approved, until"));
        assert_eq!(shell.sub(), sub);
        assert_ne!(kept("next-keys.json"), before);
    }
}

#[tokio::test]
async fn keys_that_wait_are_shown_and_not_used() {
    let platform = TestPlatform::start().await;
    let shell = Shell::ready(&platform);
    let sub = shell.sub();
    let announced = shell.done("rp keys rotate");
    assert!(announced.contains("in force from"), "{announced}");
    assert!(shell.done("rp show").contains("Other keys come into force"));
    assert_eq!(shell.sub(), sub);
    // Announced again, they are the same, and wait anew.
    let keys = |registered: &Value| registered["waiting_keys"]["jwks"].clone();
    let first = keys(&shell.json("rp show"));
    assert_eq!(keys(&shell.json("rp keys rotate")), first);
}

#[tokio::test]
async fn a_token_is_worth_nothing_alone_unless_a_sandbox_gave_it_so() {
    let platform = TestPlatform::start().await;
    let shell = Shell::ready(&platform);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let events = format!("{}/v1/events?after=0", platform.url());
    let call = async |headers: &[(&str, &str)]| {
        let request = headers.iter().fold(http.get(&events), |request, (name, value)| {
            request.header(*name, *value)
        });
        request.send().await.unwrap().status().as_u16()
    };
    let bearer = format!("Bearer {}", shell.done("rp token --bearer").trim());
    assert_eq!(call(&[("authorization", &bearer)]).await, 200);
    let bound = shell.done("rp token");
    for scheme in ["Bearer", "DPoP"] {
        let alone = format!("{scheme} {}", bound.trim());
        assert_eq!(call(&[("authorization", &alone)]).await, 401, "{scheme}");
    }
    let lines = call_headers(&shell, "GET /v1/events");
    let headers: Vec<(&str, &str)> = lines.iter().filter_map(|line| line.split_once(": ")).collect();
    assert_eq!(call(&headers).await, 200);
    assert_eq!(call(&headers).await, 401, "once");
}

fn call_headers(shell: &Shell, call: &str) -> Vec<String> {
    let output = Command::new(executable())
        .args(["rp", "token", "--call", call])
        .env_clear()
        .env("HOME", shell.home.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_ledger_is_audited_exported_and_audited_without_the_platform() {
    let platform = TestPlatform::start().await;
    let shell = Shell::ready(&platform);
    shell.granted("--fields name");
    let report = audited(&shell, "consent.granted").await;
    assert_eq!(shell.refused("audit verify --ledger URL", 2).out, "");
    let summary = shell.json("audit summary --server URL --sandbox");
    assert_eq!(summary["kinds"], report["kinds"]);
    let entries = shell.done("audit entries --server URL --sandbox --kind consent.granted --json");
    let entry: Value = serde_json::from_str(&entries).unwrap();
    let place = &entry["index"];

    let regulator: Value = platform.key_file("/regulator");
    let key = shell.keep("regulator.json", &regulator.to_string(), 0o600);
    let copy = shell.path("copy").display().to_string();
    shell.done(&format!(
        "audit export --ledger URL --regulator-key {key} --out {copy}"
    ));
    platform.stopped().await;
    shell.refused("audit verify --ledger URL --sandbox", 2);
    let verify = format!("audit verify --ledger {copy}");
    let offline = shell.json(&verify);
    assert_eq!(
        (&offline["anchors"], &offline["report"]["size"]),
        (&json!("kept"), &report["size"])
    );
    alter_leaf(Path::new(&copy), "consent.granted");
    let found = shell.refused(&format!("{verify} --json"), 1);
    let found: Value = serde_json::from_str(&found.out).unwrap();
    assert_eq!((&found["clean"], &found["leaf"]), (&json!(false), place));
    std::fs::remove_file(Path::new(&copy).join("checkpoint")).unwrap();
    shell.refused(&verify, 2);
}

/// The report of an audit once the ledger is published up to a leaf of this kind: witnesses see it first.
async fn audited(shell: &Shell, kind: &str) -> Value {
    for _ in 0..100 {
        let audit = shell.json("audit verify --ledger URL --sandbox");
        assert_eq!(audit["clean"], true);
        if audit["report"]["kinds"].get(kind).is_some() {
            return audit["report"].clone();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no {kind} in the ledger")
}

/// Changes one letter of the first leaf of this kind.
fn alter_leaf(ledger: &Path, kind: &str) {
    let folder = ledger.join("tile/entries/000.p");
    let bundle = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&bundle).unwrap();
    let at = bytes
        .windows(kind.len())
        .position(|window| window == kind.as_bytes())
        .unwrap();
    bytes[at] ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
}

#[tokio::test]
async fn a_first_contact_is_said_aloud_and_given_anchors_are_not() {
    let platform = TestPlatform::start().await;
    until_witnessed(&platform).await;
    let shell = Shell::at(platform.url());
    let verify = "audit verify --ledger URL --sandbox --no-keep";
    let first = shell.run(verify, "");
    assert!(
        first.code == 0 && first.err.contains("First contact"),
        "{first:?}"
    );
    let discovery: Value = platform.client.get("/.well-known/cyberid").await.unwrap();
    let policy = shell.keep("policy", discovery["ledger"]["policy"].as_str().unwrap(), 0o644);
    let vkey = text(&discovery["ledger"], "vkey");
    let given = shell.run(&format!("{verify} --policy-file {policy} --vkey {vkey}"), "");
    assert!(given.code == 0 && given.err.is_empty(), "{given:?}");
    let other = vkey.replacen("sandbox.", "another.", 1);
    shell.refused(&format!("{verify} --policy-file {policy} --vkey {other}"), 2);
}

/// Waits until the checkpoint has a line of its witness beside its own: a platform serves before it has been witnessed.
async fn until_witnessed(platform: &TestPlatform) {
    loop {
        let checkpoint = platform.client.get_bytes("/ledger/checkpoint").await.unwrap();
        let lines = String::from_utf8(checkpoint).unwrap();
        if lines.lines().filter(|line| line.starts_with('\u{2014}')).count() > 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

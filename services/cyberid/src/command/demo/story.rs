//! The story, told while it happens.

use std::sync::Arc;

use cyberid_auditor::{AuditAnchors, DirectorySource, HttpSource, audit, export};
use cyberid_client::key_file::PrivateKey;
use cyberid_client::{Client, Session};
use cyberid_domain::Clock as _;
use cyberid_domain::check::{Check, Factor, Outcome};
use cyberid_domain::clock::SystemClock;
use cyberid_domain::field::Field;
use cyberid_domain::id::ClientId;
use cyberid_domain::pin::Pin;
use cyberid_domain::rng::SystemRng;
use cyberid_holder::{DeviceKey, Holder, ReviewedRequest};
use cyberid_protocol::audit::AuditSummary;
use cyberid_protocol::statement::Locale;
use cyberid_relying_party::{Ask, RelyingParty, RpKeys, VerifiedAttestation, VerifiedOutcome};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::people::{Person, adult_and_child};
use super::search;
use super::stage::Stage;
use super::tell::{claims, does, does_not_see, part, reads, sees};
use crate::terminal::{line, paint};

type Fault = Box<dyn std::error::Error + Send + Sync>;

const PIN: &str = "27182845";

/// Everybody in the story.
struct Cast<'a> {
    stage: &'a Stage,
    person: Person,
    citizen: Holder,
    child: Person,
    shop: RelyingParty,
    regulator: Session,
}

/// Plays the story from the first call to the last.
pub(crate) async fn play(stage: &Stage) -> Result<(), Fault> {
    line(&paint(
        "1",
        "CyberID: prove that you are real, unique and old enough, without saying who you are.",
    ));
    part(0, "Who is there");
    does(
        "Identity source",
        &format!("process {}, {}", stage.source.id(), stage.source.text("url")),
    );
    does(
        "Witness",
        &format!(
            "process {}, {}, run by the regulator",
            stage.witness.id(),
            stage.witness.text("url")
        ),
    );
    does(
        "Platform",
        &format!("process {}, {}", std::process::id(), stage.url()),
    );
    let cast = Cast::gather(stage).await?;
    cast.enrol().await?;
    let sub = cast.verify().await?;
    cast.verify_directly().await?;
    cast.fail_a_child().await?;
    cast.release(&sub).await?;
    cast.audit().await?;
    cast.search_everything()?;
    line("");
    line(&paint("1;32", "Every step did what it should."));
    Ok(())
}

impl<'a> Cast<'a> {
    async fn gather(stage: &'a Stage) -> Result<Self, Fault> {
        let (person, child) = adult_and_child(&stage.platform, SystemClock.now()).await?;
        let keys: Value = stage.platform.get("/sandbox/keys").await?;
        let rp_keys = RpKeys::new(
            private_key(&keys, "/relying_party/signing_jwk")?,
            private_key(&keys, "/relying_party/encryption_jwk")?,
        )?;
        let client_id: ClientId = at(&keys, "/relying_party/client_id")?;
        let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
        let client = stage.platform.clone();
        let shop = RelyingParty::contact(
            client.clone(),
            client_id.clone(),
            &rp_keys,
            clock.clone(),
            rng.clone(),
        )
        .await?;
        let registered: cyberid_protocol::registration::Registered = shop
            .session()
            .get(&format!("/v1/relying-parties/{client_id}"))
            .await?;
        let shop = shop.with_certificates(registered.registration_certificates);
        let regulator_id = at(&keys, "/regulator/client_id")?;
        let regulator_key = Arc::new(private_key(&keys, "/regulator/signing_jwk")?.to_signing_key()?);
        let regulator = Session::client(
            client.clone(),
            stage.url(),
            regulator_id,
            regulator_key,
            clock,
            rng,
        );
        let citizen = holder(client).await?;
        Ok(Self {
            stage,
            person,
            citizen,
            child,
            shop,
            regulator,
        })
    }

    async fn enrol(&self) -> Result<(), Fault> {
        part(1, "A citizen enrols, once");
        let document = &self.person.document;
        does(
            "Citizen",
            "shows a document and their face to the app, chooses a PIN, and makes a device key",
        );
        let shown = json!({"name": document.name, "number": document.number, "valid_until": document.valid_until,
            "birth_date": self.person.birth_date});
        sees(
            "Identity source",
            "the document, and confirms it with a signature",
            &shown,
        );
        let enrolled = self.citizen.enrol(&self.person.enrolment(PIN)?).await?;
        let held = json!({"network_number": enrolled.network_number, "network_certificate": claims(&enrolled.credential)});
        sees(
            "Citizen",
            "their network number (网号) and network certificate (网证)",
            &held,
        );
        does_not_see(
            "The registry",
            "name, number or birth date: it holds a random handle, age flags and the device key",
        );
        does_not_see(
            "The vault",
            "a single field in clear: each needs a second share, which the custodian holds",
        );
        Ok(())
    }

    async fn verify(&self) -> Result<String, Fault> {
        part(2, "A shop asks: real, valid document, over 18?");
        let checks = vec![Check::RealPerson, Check::DocumentValid, Check::AgeOver18];
        let ask = Ask {
            purpose: "register".into(),
            checks,
            ..Ask::default()
        };
        let pending = self.shop.request_verification(&ask).await?;
        does("Shop", &format!("shows a QR code: {}", pending.request_uri));
        let reviewed = self
            .citizen
            .fetch_request(&pending.request_uri, Locale::English)
            .await?;
        let ReviewedRequest::Verification(request) = reviewed else {
            return Err("another kind of request".into());
        };
        let asked = request.request();
        let shown = json!({"who": asked.rp, "purpose": asked.purpose, "checks": asked.checks});
        sees(
            "Citizen",
            "who asks (vouched for by a registration certificate) and what",
            &shown,
        );
        self.citizen.answer_verification(&request, None).await?;
        does(
            "Citizen",
            "agrees; the proof is signed by the device and sealed to the platform",
        );
        let VerifiedOutcome::Attested(attested) = self.shop.wait(&pending).await? else {
            return Err("the verification was not answered".into());
        };
        let sub = attested
            .passed()
            .ok_or("the verification did not pass")?
            .to_owned();
        sees(
            "Shop",
            "the whole attestation, verified",
            &claims(attested.compact()),
        );
        let document = &self.person.document;
        let hidden = format!(
            "{}, {}, born {}",
            document.name, document.number, self.person.birth_date
        );
        does_not_see(
            "Shop",
            &format!("{hidden}; nor the network number, nor a pseudonym any other shop knows"),
        );
        Ok(sub)
    }

    async fn verify_directly(&self) -> Result<(), Fault> {
        part(3, "The same in one call, with the PIN");
        let ask = Ask {
            purpose: "register".into(),
            checks: vec![Check::RealPerson, Check::AgeOver18],
            factors: vec![Factor::Device, Factor::Pin],
            ..Ask::default()
        };
        let attested = self.directly(&self.citizen, &ask, PIN).await?;
        attested.passed().ok_or("the direct verification did not pass")?;
        sees(
            "Shop",
            "a pass by device and PIN",
            &json!({"acr": attested.acr(), "checks": attested.checks()}),
        );
        does_not_see("Shop", "the PIN: it travels inside the seal only");
        let attested = self.directly(&self.citizen, &ask, "31415926").await?;
        if attested.passed().is_some() {
            return Err("a wrong PIN passed".into());
        }
        does(
            "Shop",
            "gets a fail for a wrong PIN, and cannot tell it from any other fail",
        );
        Ok(())
    }

    async fn fail_a_child(&self) -> Result<(), Fault> {
        part(4, "A child fails, and nobody can tell from outside");
        let child = holder(self.stage.platform.clone()).await?;
        child.enrol(&self.child.enrolment("16180339")?).await?;
        let ask = |checks: &[Check]| Ask {
            purpose: "register".into(),
            checks: checks.to_vec(),
            ..Ask::default()
        };
        let ask = ask(&[Check::RealPerson, Check::AgeOver18]);
        let failed = self.directly(&child, &ask, "").await?;
        let passed = self.directly(&self.citizen, &ask, "").await?;
        sees(
            "Shop",
            &format!("the checks of somebody born {}", self.child.birth_date),
            &failed.checks(),
        );
        if failed.passed().is_some() || failed.checks().get(&Check::AgeOver18) != Some(&Outcome::Fail) {
            return Err("a child passed as an adult".into());
        }
        let (fail, pass) = (failed.compact().len(), passed.compact().len());
        if fail != pass {
            return Err(format!("pass and fail differ in length: {pass} and {fail}").into());
        }
        does(
            "Network",
            &format!("sees {fail} bytes for the fail and {pass} bytes for a pass"),
        );
        Ok(())
    }

    async fn directly(&self, holder: &Holder, ask: &Ask, pin: &str) -> Result<VerifiedAttestation, Fault> {
        let pin = if pin.is_empty() {
            None
        } else {
            Some(Pin::entered(pin.into())?)
        };
        let (request, expected) = self.shop.direct_request(ask).await?;
        let reviewed = holder.review_direct(&request).await?;
        let sealed = holder.direct_proof(&reviewed, pin.as_ref()).await?;
        Ok(self.shop.submit_direct(sealed, expected).await?)
    }

    async fn release(&self, sub: &str) -> Result<(), Fault> {
        part(5, "The shop has to deliver, and asks for the name");
        let pending = self
            .shop
            .request_release(sub, "deliver", &[Field::Name, Field::BirthDate])
            .await?;
        let reviewed = self
            .citizen
            .fetch_request(&pending.request_uri, Locale::English)
            .await?;
        let ReviewedRequest::Release(request) = reviewed else {
            return Err("another kind of request".into());
        };
        reads(
            "Citizen",
            "the exact text that the device is about to sign",
            request.statement(),
        );
        does("Citizen", "agrees to the name only");
        let consented = self.citizen.grant_release(&request, &[Field::Name]).await?;
        sees(
            "Everybody with the ledger",
            "this leaf, and nothing of the person",
            &leaf(&consented.receipt.receipt().leaf),
        );
        reads(
            "Citizen",
            "the proof in their receipt, checked offline",
            &consented.receipt.receipt().proof,
        );
        does(
            "Shop",
            "redeems: `release.intended` is in the ledger and witnessed before any key share moves",
        );
        let identity = self.shop.redeem(&pending).await?;
        let named = identity
            .fields()
            .iter()
            .map(|(field, value)| (field.as_str().to_owned(), json!(value.expose())));
        let shown = Value::Object(named.collect());
        sees("Shop", "what was encrypted to its key, decrypted", &shown);
        if identity
            .field(Field::Name)
            .map(cyberid_domain::personal::Personal::expose)
            != Some(&self.person.document.name)
        {
            return Err("the released name is not the enrolled one".into());
        }
        if identity.field(Field::BirthDate).is_some() {
            return Err("a field was released that was not granted".into());
        }
        does_not_see("Shop", "the birth date: it was asked for, and not granted");
        does_not_see(
            "The platform",
            "the name in any answer: the vault encrypted it to the shop and forgot it",
        );
        part(6, "The citizen withdraws");
        let receipt = self.citizen.withdraw(&consented.consent_id).await?;
        sees(
            "Everybody with the ledger",
            "the withdrawal",
            &leaf(&receipt.receipt().leaf),
        );
        let events = self.shop.events(0).await?;
        let told = events.withdrawn.first().ok_or("the shop was not told")?;
        sees("Shop", "a signed event", told);
        self.shop
            .confirm_erasure(&told.release, SystemClock.now())
            .await?;
        does("Shop", "erases, and confirms it: that is a leaf too");
        Ok(())
    }

    async fn audit(&self) -> Result<(), Fault> {
        part(7, "The regulator checks, trusting nobody here");
        let summary: AuditSummary = self.regulator.get("/v1/audit/summary").await?;
        sees("Regulator", "counts", &summary.kinds);
        let discovery: cyberid_protocol::discovery::Discovery =
            self.stage.platform.get("/.well-known/cyberid").await?;
        let anchors = AuditAnchors::from(&discovery.ledger);
        let (log, policy) = anchors.parse()?;
        let keys: Value = self.stage.platform.get("/sandbox/keys").await?;
        let key = Arc::new(private_key(&keys, "/regulator/signing_jwk")?.to_signing_key()?);
        let id = at(&keys, "/regulator/client_id")?;
        let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
        let session = Session::client(self.stage.platform.clone(), self.stage.url(), id, key, clock, rng);
        let source = HttpSource::new(self.stage.platform.clone(), session);
        let folder = self.stage.export();
        let size = export(&source, &anchors, &folder, &mut |_, _| {}).await?;
        does(
            "Regulator",
            &format!("copies the ledger of {size} leaves to {}", folder.display()),
        );
        let report = audit(
            &DirectorySource::new(&folder),
            &log,
            &policy,
            None,
            &mut |_, _| {},
        )
        .await?;
        sees(
            "Regulator",
            "the offline audit: every leaf re-hashed, every chain in order",
            &report,
        );
        Ok(())
    }

    fn search_everything(&self) -> Result<(), Fault> {
        part(8, "What lies on the disk");
        let document = &self.person.document;
        let (files, bytes) = search::volume(self.stage.folder())?;
        let found = search::files_with(&self.stage.data(), &[&document.name, &document.number])?;
        let exported = search::files_with(&self.stage.export(), &[&document.name, &document.number])?;
        if !(found.is_empty() && exported.is_empty()) {
            return Err(format!("name or number found in {found:?} {exported:?}").into());
        }
        does(
            "Searcher",
            &format!("looks for name and number in {files} files ({bytes} bytes), logs included: nothing"),
        );
        Ok(())
    }
}

async fn holder(platform: Client) -> Result<Holder, Fault> {
    let key = DeviceKey::make(&SystemRng)?.signer();
    Ok(Holder::contact(platform, key, Arc::new(SystemClock), Arc::new(SystemRng)).await?)
}

fn at<T: DeserializeOwned>(value: &Value, pointer: &str) -> Result<T, Fault> {
    Ok(serde_json::from_value(
        value.pointer(pointer).cloned().unwrap_or_default(),
    )?)
}

fn private_key(keys: &Value, pointer: &str) -> Result<PrivateKey, Fault> {
    let jwk: Value = at(keys, pointer)?;
    Ok(PrivateKey::from_jwk(jwk.to_string().as_bytes())?)
}

fn leaf(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

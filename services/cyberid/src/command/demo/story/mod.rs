//! The story, told while it happens: one act, one file.

mod audit;
mod enrolment;
mod release;
mod verification;

use std::sync::Arc;

use cyberid_client::key_file::PrivateKey;
use cyberid_client::{Client, Session};
use cyberid_domain::Clock as _;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::id::ClientId;
use cyberid_domain::rng::SystemRng;
use cyberid_holder::{DeviceKey, Holder, Platform, Tree};
use cyberid_protocol::registration::Registered;
use cyberid_relying_party::{RelyingParty, RpKeys};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::people::{Person, adult_and_child};
use super::stage::Stage;
use super::tell::{does, part};
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
    /// Every party's keys, as the sandbox shows them.
    keys: Value,
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
    let consented = cast.release(&sub).await?;
    cast.withdraw(&consented).await?;
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
        let registered: Registered = shop
            .session()
            .get(&format!("/v1/relying-parties/{client_id}"))
            .await?;
        let shop = shop.with_certificates(registered.registration_certificates);
        let citizen = holder(client).await?;
        Ok(Self {
            stage,
            person,
            citizen,
            child,
            shop,
            keys,
        })
    }
}

impl Cast<'_> {
    /// Calls as the regulator.
    fn regulator(&self) -> Result<Session, Fault> {
        let id = at(&self.keys, "/regulator/client_id")?;
        let key = Arc::new(private_key(&self.keys, "/regulator/signing_jwk")?.to_signing_key()?);
        let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
        Ok(Session::client(
            self.stage.platform.clone(),
            self.stage.url(),
            id,
            key,
            clock,
            rng,
        ))
    }
}

async fn holder(platform: Client) -> Result<Holder, Fault> {
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    let platform = Platform::contact(platform, clock.clone()).await?;
    let key = DeviceKey::make_of(platform.suite(), &SystemRng)?.signer();
    Ok(Holder::resume(platform, Tree::default(), key, clock, rng)?)
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

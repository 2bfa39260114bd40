//! The third act: a name leaves, and is called back.

use cyberid_domain::Clock as _;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::field::Field;
use cyberid_domain::personal::Personal;
use cyberid_holder::{Consented, ReviewedRequest};
use cyberid_protocol::statement::Locale;
use serde_json::{Value, json};

use super::super::tell::{does, does_not_see, part, reads, sees};
use super::{Cast, Fault};

impl Cast<'_> {
    pub(super) async fn release(&self, sub: &str) -> Result<Consented, Fault> {
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
        if identity.field(Field::Name).map(Personal::expose) != Some(self.person.document.name.expose()) {
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
        Ok(consented)
    }

    pub(super) async fn withdraw(&self, consented: &Consented) -> Result<(), Fault> {
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
}

fn leaf(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

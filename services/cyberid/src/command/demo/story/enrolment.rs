//! The first act: a citizen enrols, once.

use serde_json::json;

use super::super::tell::{claims, does, does_not_see, part, sees};
use super::{Cast, Fault, PIN};

impl Cast<'_> {
    pub(super) async fn enrol(&self) -> Result<(), Fault> {
        part(1, "A citizen enrols, once");
        let document = &self.person.document;
        does(
            "Citizen",
            "shows a document and their face to the app, chooses a PIN, and makes a device key",
        );
        let shown = json!({"name": document.name.expose(), "number": document.number.expose(), "valid_until": document.valid_until.expose(),
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
}

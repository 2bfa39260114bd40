//! Everything that can be called, and everybody who may call.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cyberid_client::Session;
use cyberid_domain::field::Field;
use cyberid_protocol::problem::ProblemType;
use cyberid_relying_party::RelyingParty;
use journeys::{Citizen, Granted, Operation, Part, Process, SplitPlatform};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Method};
use serde_json::Value;
use tempfile::TempDir;

use crate::refusal::Answer;
use crate::stores::Inventory;

/// Citizens who call in turns: one device may call so and so often.
const CALLERS: usize = 8;

/// A platform in four processes and an identity source, with a past: a citizen, and a release that was delivered.
pub(crate) struct Scene {
    pub(crate) split: SplitPlatform,
    pub(crate) party: RelyingParty,
    pub(crate) citizen: Citizen,
    pub(crate) granted: Granted,
    callers: Vec<Citizen>,
    turn: AtomicUsize,
    operator: Session,
    regulator: Session,
    authority: Session,
    source: Process,
    http: Client,
    _folder: TempDir,
}

/// One call.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) service: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) media_type: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Call {
    /// An operation called as its document's examples do, without authorisation.
    pub(crate) fn of(operation: &Operation, name: &str) -> Self {
        let body = operation.body.as_ref();
        let text = |example: &Value| match example {
            Value::String(text) => text.clone(),
            Value::Object(form) if operation.path == "/oauth/token" => form_of(form),
            other => other.to_string(),
        };
        Self {
            name: name.into(),
            service: operation.service.clone(),
            method: operation.method.clone(),
            path: operation.example_path(),
            headers: Vec::new(),
            media_type: body.map(|body| body.media_type.clone()),
            body: body
                .map(|body| text(&body.example).into_bytes())
                .unwrap_or_default(),
        }
    }

    pub(crate) fn at(self, path: &str) -> Self {
        Self {
            path: path.into(),
            ..self
        }
    }

    pub(crate) fn with_body(self, media_type: Option<String>, body: Vec<u8>) -> Self {
        Self {
            media_type,
            body,
            ..self
        }
    }

    pub(crate) fn with_json(self, body: &Value) -> Self {
        self.with_body(Some("application/json".into()), body.to_string().into_bytes())
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

fn form_of(members: &serde_json::Map<String, Value>) -> String {
    let pairs = members
        .iter()
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap()));
    pairs.collect::<Vec<_>>().join("&")
}

impl Scene {
    pub(crate) async fn set() -> Self {
        let split = SplitPlatform::start().await;
        let platform = split.platform();
        let (party, citizen) = (platform.relying_party().await, platform.citizen(0).await);
        let mut callers = Vec::new();
        for person in (1..=CALLERS).map(|nth| 100 + nth) {
            callers.push(platform.citizen(person).await);
        }
        let granted = Granted::by(&citizen, &party, &[Field::Name]).await;
        party.redeem(&granted.pending).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("source").display().to_string();
        let suite = journeys::suite();
        let source = [
            "identity-source",
            "--suite",
            suite.name(),
            "--listen",
            "127.0.0.1:0",
            "--data",
            &data,
        ];
        Self {
            operator: platform.operator(0),
            regulator: platform.regulator(),
            authority: platform.authority(),
            source: Process::start(&source).await,
            http: Client::builder()
                .no_proxy()
                .timeout(Duration::from_secs(30))
                .build()
                .unwrap(),
            _folder: folder,
            split,
            party,
            citizen,
            callers,
            turn: AtomicUsize::new(0),
            granted,
        }
    }

    /// The citizen whose turn it is to call.
    fn caller(&self) -> &Citizen {
        &self.callers[self.turn.load(Ordering::Relaxed) % CALLERS]
    }

    /// The calls of a role.
    pub(crate) fn session(&self, role: &str) -> &Session {
        match role {
            "holder" => self.caller().holder.session(),
            "relying_party" => self.party.session(),
            "operator" => &self.operator,
            "regulator" => &self.regulator,
            "authority" => &self.authority,
            other => panic!("nobody is {other}"),
        }
    }

    /// Makes sure that a role's next proof has a nonce that is fresh, and that a holder's calls are not too many.
    pub(crate) async fn warm(&self, role: &str) {
        self.turn.fetch_add(1, Ordering::Relaxed);
        let path = match role {
            "holder" => "/v1/me",
            "relying_party" => "/v1/events",
            "operator" => &format!("/v1/relying-parties/{}", self.party.client_id()),
            "authority" => "/v1/official-accesses/off_AAAAAAAAAAAAAAAAAAAAAA",
            _ => "/v1/audit/summary",
        };
        match self.session(role).get::<Value>(path).await {
            Ok(_) => {}
            // A nonce comes with every answer; an authority has nothing yet to look at.
            Err(error) => assert_eq!(
                (role, error.problem()),
                ("authority", Some(ProblemType::NotFound))
            ),
        }
    }

    /// Adds the authorisation of a caller who may call, if one is needed.
    pub(crate) async fn authorise(&self, operation: &Operation, call: &mut Call) {
        let Some(role) = operation.roles().first().copied() else {
            return;
        };
        let proof = self
            .session(role)
            .authorise(&call.method, &call.path)
            .await
            .unwrap();
        call.headers
            .push(("authorization", format!("DPoP {}", proof.token)));
        call.headers.push(("dpop", proof.proof));
    }

    pub(crate) async fn send(&self, call: &Call) -> Answer {
        let url = format!("{}{}", self.url(&call.service), call.path);
        let method: Method = call.method.parse().unwrap();
        let mut request = self.http.request(method, url);
        if let Some(media_type) = &call.media_type {
            request = request.header(CONTENT_TYPE, media_type);
        }
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        let answer = request.body(call.body.clone()).send().await;
        let answer = answer
            .unwrap_or_else(|error| panic!("{} {} with {}: {error:?}", call.method, call.path, call.name));
        Answer {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer.bytes().await.unwrap().to_vec(),
        }
    }

    fn url(&self, service: &str) -> String {
        match service {
            "vault" => self.split.url(Part::Vault),
            "custodian" => self.split.url(Part::Custodian),
            "witness" => self.split.url(Part::Witness),
            "identity-source" => self.source.url().to_owned(),
            _ => self.split.url(Part::Platform),
        }
    }

    /// Every process lives, and is ready where it says so.
    pub(crate) async fn is_alive(&self) {
        let ready = ["/healthz", "/readyz"];
        for (service, paths) in [
            ("platform", ready.as_slice()),
            ("vault", &ready),
            ("custodian", &ready),
            ("witness", &["/v1/witness"]),
            ("identity-source", &["/v1/source"]),
        ] {
            for path in paths {
                let answer = self
                    .http
                    .get(format!("{}{path}", self.url(service)))
                    .send()
                    .await
                    .unwrap();
                assert_eq!(answer.status(), 200, "{path} of {service}");
            }
        }
    }

    /// What is stored, counted while nobody works on it.
    pub(crate) async fn inventory(&mut self) -> Inventory {
        let mut parts = Part::ALL;
        parts.reverse();
        for part in parts {
            self.split.stop(part).await;
        }
        let inventory = Inventory::of(&self.split).await;
        for part in Part::ALL {
            self.split.restart(part).await;
        }
        inventory
    }
}

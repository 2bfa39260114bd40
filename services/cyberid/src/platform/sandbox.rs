//! The sandbox: everything needed so that anyone can try every call at once. Nothing of it exists without the flag.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::State;
use cyberid_client::key_file::{self, PrivateKey};
use cyberid_client::{Client, Session};
use cyberid_crypto::{PublicKey, Suite};
use cyberid_domain::check::Check;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::field::Field;
use cyberid_domain::id::ClientId;
use cyberid_domain::relying_party::{IntendedUse, RegistrationStatus, Role};
use cyberid_domain::rng::SystemRng;
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::registration::Registered;
use cyberid_relying_party::{Particulars, RpKeys, registration};
use cyberid_web::Json;
use cyberid_web::extract::StrictQuery;
use cyberid_web::{Failure, Routes};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::authorities::OfficerConfig;
use super::config::ClientConfig;
use super::evidence::Country;
use super::{DataDirectory, StartError, sandbox_passports};

/// What a sandbox is made with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SandboxOptions {
    /// How many synthetic people.
    pub(crate) people: usize,
}

/// The keys of the sandbox's parties, made at the first start.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SandboxKeys {
    pub(crate) relying_party: SandboxRelyingParty,
    pub(crate) operators: Vec<SandboxClient>,
    pub(crate) regulator: SandboxClient,
}

/// The sandbox's relying party.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SandboxRelyingParty {
    /// Given once an operator has registered it.
    pub(crate) client_id: Option<ClientId>,
    pub(crate) signing_jwk: Value,
    pub(crate) encryption_jwk: Value,
    pub(crate) intended_uses: Vec<IntendedUse>,
}

/// A client with a key of its own.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SandboxClient {
    pub(crate) client_id: ClientId,
    pub(crate) signing_jwk: Value,
}

/// The sandbox's authority, with its officers.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SandboxAuthority {
    client_id: ClientId,
    name: String,
    signing_jwk: Value,
    encryption_jwk: Value,
    officers: Vec<SandboxOfficer>,
}

/// An officer with a key of their own.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SandboxOfficer {
    id: String,
    signing_jwk: Value,
}

/// What everybody is given of a sandbox's keys.
#[derive(Serialize)]
struct Published<'a> {
    #[serde(flatten)]
    keys: &'a SandboxKeys,
    authority: &'a SandboxAuthority,
}

/// The sandbox as its operations see it.
pub(crate) struct Sandbox {
    /// Where the relying party's id is kept once it is registered.
    registered: PathBuf,
    keys: OnceCell<SandboxKeys>,
    authority: SandboxAuthority,
    clients: Vec<ClientConfig>,
    /// The synthetic identity source, which knows the people.
    source: Client,
    /// The country whose passports the sandbox believes.
    pub(super) country: Country,
}

impl Sandbox {
    /// The sandbox in this data directory; its keys are drawn at the first start.
    pub(crate) fn open(data: &DataDirectory, source: Client) -> Result<(Arc<Self>, SandboxKeys), StartError> {
        let keys = SandboxKeys::open(&data.file("keys.json"), data.suite())?;
        let mut clients = Vec::new();
        for operator in &keys.operators {
            clients.push(operator.configured(Role::Operator)?);
        }
        clients.push(keys.regulator.configured(Role::Regulator)?);
        let authority = SandboxAuthority::open(data)?;
        clients.push(authority.configured()?);
        Ok((
            Arc::new(Self {
                registered: data.file("relying-party-id"),
                keys: OnceCell::new(),
                authority,
                clients,
                source,
                country: Country::open(data)?,
            }),
            keys,
        ))
    }

    /// The operators, the regulator and the authority, for the platform to know.
    pub(crate) fn clients(&self) -> Vec<ClientConfig> {
        self.clients.clone()
    }

    /// Registers the relying party through the platform's own calls, one operator applying and the other approving,
    /// and keeps its id; a second start finds it registered.
    pub(crate) async fn ready(&self, issuer: &str, mut keys: SandboxKeys) -> Result<(), StartError> {
        let kept = std::fs::read_to_string(&self.registered)
            .ok()
            .and_then(|id| id.trim().parse().ok());
        let client_id = match kept {
            Some(client_id) => client_id,
            None => self.register(issuer, &keys).await?,
        };
        keys.relying_party.client_id = Some(client_id);
        // Set once, here.
        let _ = self.keys.set(keys);
        Ok(())
    }
}

impl Sandbox {
    async fn register(&self, issuer: &str, keys: &SandboxKeys) -> Result<ClientId, StartError> {
        let registered = register(issuer, keys).await;
        let client_id =
            registered.map_err(StartError::other("the sandbox's relying party is not registered"))?;
        let kept = key_file::write_private(&self.registered, client_id.as_str().as_bytes());
        kept.map_err(|error| StartError::other("the relying party's id cannot be kept")(error.into()))?;
        Ok(client_id)
    }
}

impl SandboxKeys {
    /// The keys of an earlier start, or fresh ones.
    fn open(path: &Path, suite: Suite) -> Result<Self, StartError> {
        if path.exists() {
            return load(path);
        }
        let keys = Self::make(suite)?;
        save(path, &keys)?;
        Ok(keys)
    }

    fn make(suite: Suite) -> Result<Self, StartError> {
        let client = || {
            Ok::<_, StartError>(SandboxClient {
                client_id: ClientId::random(&SystemRng),
                signing_jwk: jwk(suite)?,
            })
        };
        Ok(Self {
            relying_party: SandboxRelyingParty {
                client_id: None,
                signing_jwk: jwk(suite)?,
                encryption_jwk: jwk(suite)?,
                intended_uses: intended_uses(),
            },
            operators: vec![client()?, client()?],
            regulator: client()?,
        })
    }
}

impl SandboxClient {
    fn configured(&self, role: Role) -> Result<ClientConfig, StartError> {
        let jwk: PublicKey = private_key(&self.signing_jwk)?.public_key();
        Ok(ClientConfig::plain(self.client_id.clone(), role, jwk))
    }
}

impl SandboxAuthority {
    /// The authority of this folder's sandbox, drawn at the first start that knows of authorities.
    pub(crate) fn open(folder: &DataDirectory) -> Result<Self, StartError> {
        let path = folder.file("authority.json");
        if path.exists() {
            return load(&path);
        }
        let suite = folder.suite();
        let officer = |id: &str| {
            Ok::<_, StartError>(SandboxOfficer {
                id: id.into(),
                signing_jwk: jwk(suite)?,
            })
        };
        let authority = Self {
            client_id: ClientId::random(&SystemRng),
            name: "Example Public Security Bureau".into(),
            signing_jwk: jwk(suite)?,
            encryption_jwk: jwk(suite)?,
            officers: vec![officer("officer-1")?, officer("officer-2")?],
        };
        save(&path, &authority)?;
        Ok(authority)
    }

    /// The authority as a configuration would name it.
    pub(crate) fn configured(&self) -> Result<ClientConfig, StartError> {
        let mut officers = Vec::new();
        for officer in &self.officers {
            officers.push(OfficerConfig {
                id: officer.id.clone(),
                jwk: private_key(&officer.signing_jwk)?.public_key(),
            });
        }
        let jwk = private_key(&self.signing_jwk)?.public_key();
        Ok(ClientConfig {
            name: Some(self.name.clone()),
            encryption_jwk: Some(private_key(&self.encryption_jwk)?.public_key()),
            officers,
            ..ClientConfig::plain(self.client_id.clone(), Role::Authority, jwk)
        })
    }
}

fn intended_uses() -> Vec<IntendedUse> {
    let intended = |purpose: &str, checks: &[Check], fields: &[Field], legal_basis: &str| IntendedUse {
        purpose: purpose.into(),
        checks: checks.to_vec(),
        fields: fields.to_vec(),
        legal_basis: legal_basis.into(),
        retention_days: 30,
        notice_uri: "https://shop.example/privacy".into(),
    };
    let checks = [
        Check::RealPerson,
        Check::DocumentValid,
        Check::AgeOver18,
        Check::GuardianConsent,
        Check::SamePerson,
    ];
    vec![
        intended("register", &checks, &[], "Cybersecurity Law, article 24"),
        intended(
            "deliver",
            &[Check::RealPerson],
            &[Field::Name, Field::BirthDate],
            "contract, PIPL article 13(2)",
        ),
    ]
}

fn jwk(suite: Suite) -> Result<Value, StartError> {
    let key = PrivateKey::make_of(suite, &SystemRng);
    let key = key.map_err(|error| StartError::other("a sandbox key")(error.into()))?;
    serde_json::from_slice(&key.to_jwk()).map_err(|error| StartError::other("a sandbox key")(error.into()))
}

fn private_key(jwk: &Value) -> Result<PrivateKey, StartError> {
    PrivateKey::from_jwk(jwk.to_string().as_bytes())
        .map_err(|error| StartError::other("a sandbox key")(error.into()))
}

fn load<T: DeserializeOwned>(path: &Path) -> Result<T, StartError> {
    let unreadable = StartError::other("the sandbox's keys cannot be read");
    let bytes = match key_file::read_private(path) {
        Ok(bytes) => bytes,
        Err(error) => return Err(unreadable(error.into())),
    };
    serde_json::from_slice(&bytes).map_err(|error| unreadable(error.into()))
}

fn save(path: &Path, keys: &impl Serialize) -> Result<(), StartError> {
    let failed = StartError::other("the sandbox's keys cannot be kept");
    let text = match serde_json::to_vec_pretty(keys) {
        Ok(text) => text,
        Err(error) => return Err(failed(error.into())),
    };
    key_file::write_private(path, &text).map_err(|error| failed(error.into()))
}

async fn register(
    issuer: &str,
    keys: &SandboxKeys,
) -> Result<ClientId, Box<dyn std::error::Error + Send + Sync>> {
    let [applicant, approver] = keys.operators.as_slice() else {
        return Err("two operators are needed".into());
    };
    let party = &keys.relying_party;
    let rp_keys = RpKeys::new(
        private_key(&party.signing_jwk)?,
        private_key(&party.encryption_jwk)?,
    )?;
    let particulars = Particulars {
        name: "Example Shop".into(),
        domains: vec!["shop.example".into()],
        contact: "support@shop.example".into(),
        deletion_contact: "privacy@shop.example".into(),
        intended_uses: party.intended_uses.clone(),
        events_uri: None,
    };
    let body = registration(particulars, &rp_keys);
    let applied: Registered = operator(issuer, applicant)?
        .post("/v1/relying-parties", &body)
        .await?;
    let path = format!("/v1/relying-parties/{}/approve", applied.client_id);
    let answer: Registered = operator(issuer, approver)?.post_empty(&path, &[]).await?;
    if answer.status == RegistrationStatus::Approved {
        Ok(answer.client_id)
    } else {
        Err("not approved".into())
    }
}

fn operator(
    issuer: &str,
    client: &SandboxClient,
) -> Result<Session, Box<dyn std::error::Error + Send + Sync>> {
    let key = Arc::new(private_key(&client.signing_jwk)?.to_signing_key()?);
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    Ok(Session::client(
        Client::new(issuer)?,
        issuer,
        client.client_id.clone(),
        key,
        clock,
        rng,
    ))
}

/// What exists in a sandbox only.
pub(crate) fn routes() -> Routes<Arc<Sandbox>> {
    Routes::new(
        "CyberID sandbox",
        "What exists with `--sandbox` only: synthetic people, and every party's keys.",
    )
    .public(routes!(show_keys))
    .public(routes!(list_people))
    .public(routes!(show_source))
    .public(routes!(sandbox_passports::make_passport))
}

/// Gives the private keys of the sandbox's relying party, operators, regulator and authority, so that anyone can act as
/// them.
#[utoipa::path(get, path = "/sandbox/keys", operation_id = "show_sandbox_keys", tag = "sandbox",
    responses((status = 200, description = "The keys, private halves included.", body = Value, example = json!({
        "relying_party": {
            "client_id": "2wbxUXdcvHxRhvfYRNO9Zg",
            "signing_jwk": {"kty": "EC", "crv": "P-256", "x": "...", "y": "...", "d": "..."},
            "encryption_jwk": {"kty": "EC", "crv": "P-256", "x": "...", "y": "...", "d": "..."},
            "intended_uses": [{
                "purpose": "register", "checks": ["real_person", "age_over_18"], "fields": [],
                "legal_basis": "Cybersecurity Law, article 24", "retention_days": 30,
                "notice_uri": "https://shop.example/privacy"
            }]
        },
        "operators": [{"client_id": "Kc1mX5n0cQnVYjWb3Yp1Hg", "signing_jwk": {}}],
        "regulator": {"client_id": "mB0v5cZ1p0T7bqQxY0WJ3A", "signing_jwk": {}},
        "authority": {"client_id": "Zm9vYmFyYmF6cXV4MTIzNA", "name": "Example Public Security Bureau",
            "signing_jwk": {}, "encryption_jwk": {}, "officers": [{"id": "officer-1", "signing_jwk": {}}]}
    }))))]
async fn show_keys(State(sandbox): State<Arc<Sandbox>>) -> Result<Json<Value>, Failure> {
    let keys = sandbox.keys.get().ok_or(ProblemType::Unavailable)?;
    let published = Published {
        keys,
        authority: &sandbox.authority,
    };
    Ok(Json(json!(published)))
}

/// Says where the sandbox's identity source is, to which faces are shown: `POST /v1/face-checks` there.
#[utoipa::path(get, path = "/sandbox/source", operation_id = "show_sandbox_source", tag = "sandbox",
    responses((status = 200, description = "The source's address.", body = Value,
        example = json!({"url": "http://127.0.0.1:43671"}))))]
async fn show_source(State(sandbox): State<Arc<Sandbox>>) -> Json<Value> {
    Json(json!({"url": sandbox.source.base()}))
}

/// How many people.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Page {
    /// At most this many.
    limit: Option<u32>,
}

/// Lists synthetic people of all ages, each with the document and the evidence that `POST /v1/enrolments` takes.
///
/// `birth_date` is for whoever tries things out; it is not part of an enrolment.
#[utoipa::path(get, path = "/sandbox/people", operation_id = "list_sandbox_people", tag = "sandbox", params(Page),
    responses((status = 200, description = "The people.", body = Value, example = json!({"people": [{
        "document": {
            "type": "resident_id_card", "name": "王小明", "number": "11010519491231002X", "valid_until": "2036-05-20"
        },
        "evidence": {"kind": "sandbox", "token": "q3nC0Z1r2yq8m5t7v9w0x1y2z3a4b5c6d7e8f9g0h1i"},
        "birth_date": "1949-12-31"
    }]}))))]
async fn list_people(
    State(sandbox): State<Arc<Sandbox>>,
    StrictQuery(page): StrictQuery<Page>,
) -> Result<Json<Value>, Failure> {
    let path = page.limit.map_or("/sandbox/people".into(), |limit| {
        format!("/sandbox/people?limit={limit}")
    });
    let people = sandbox.source.get(&path).await;
    people.map(Json).map_err(Failure::unavailable)
}

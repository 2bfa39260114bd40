//! A custodian on a real socket that checks nothing, and can be told to misbehave.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use cyberid_crypto::{Agree as _, AgreementKey, PublicKey, Sign as _, base64url, digest};
use cyberid_domain::field::Field;
use cyberid_domain::id::SubjectId;
use cyberid_key_holder::testing::Person;
use cyberid_protocol::consent::Consent;
use cyberid_protocol::message;
use cyberid_protocol::official::OfficialWarrantBody;
use cyberid_protocol::problem::Problem;
use cyberid_protocol::warrant::{Shares, WarrantBody, YieldedShare};
use cyberid_record::{Place, SealedField, Side, hand_over, open_share};
use cyberid_web::Failure;

/// How the custodian behaves.
#[derive(Debug, Clone)]
pub(crate) enum Play {
    /// It yields what the warrant names.
    Yield,
    /// It yields to another vault.
    YieldTo(PublicKey),
    /// It yields what it would have yielded for another leaf.
    YieldForLeaf(String),
    /// It yields one share too few.
    YieldFewer,
    /// It yields the shares in another order.
    YieldReversed,
    /// It yields the shares of the fields under each other's names.
    YieldMisnamed,
    /// It answers with a problem.
    Refuse(Problem),
}

/// A custodian that checks nothing.
pub(crate) struct Credulous {
    key: AgreementKey,
    kept: Mutex<Kept>,
    play: Mutex<Play>,
    asked: AtomicUsize,
    address: Mutex<String>,
}

#[derive(Default)]
struct Kept {
    subjects: HashMap<String, SubjectId>,
    shares: HashMap<(SubjectId, Field), Vec<u8>>,
    vault: Option<PublicKey>,
}

impl Credulous {
    /// Listens on a port of its own.
    pub(crate) async fn start() -> Arc<Self> {
        let custodian = Arc::new(Self {
            key: AgreementKey::ephemeral().unwrap(),
            kept: Mutex::default(),
            play: Mutex::new(Play::Yield),
            asked: AtomicUsize::new(0),
            address: Mutex::default(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        *custodian.address.lock().unwrap() = address;
        let router = Router::new()
            .route("/v1/shares", post(answer))
            .route("/v1/official-shares", post(answer_official))
            .with_state(Arc::clone(&custodian));
        tokio::spawn(async move { axum::serve(listener, router).await });
        custodian
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> String {
        self.address.lock().unwrap().clone()
    }

    /// The key that its shares are sealed to.
    pub(crate) fn public_key(&self) -> PublicKey {
        self.key.public_key()
    }

    /// Keeps its part of a record.
    pub(crate) fn keep(&self, person: &Person, sealed: &[(Field, SealedField)], vault: PublicKey) {
        let mut kept = self.kept.lock().unwrap();
        kept.vault = Some(vault);
        kept.subjects.insert(person.device.kid().into(), person.subject);
        for (field, sealed) in sealed {
            let share = sealed.custodian_share.clone();
            kept.shares.insert((person.subject, *field), share);
        }
    }

    /// Behaves so from now on.
    pub(crate) fn plays(&self, play: Play) {
        *self.play.lock().unwrap() = play;
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn yielded(&self, body: &WarrantBody, play: &Play) -> Shares {
        let consent = message::unverified::<Consent>(&body.warrant.consent).unwrap();
        self.yielded_for(consent.kid().unwrap(), &body.warrant.leaf, play)
    }

    fn yielded_for(&self, device_jkt: &str, of: &str, play: &Play) -> Shares {
        let kept = self.kept.lock().unwrap();
        let subject = kept.subjects[device_jkt];
        let (vault, leaf) = match play {
            Play::YieldTo(vault) => (*vault, of.to_owned()),
            Play::YieldForLeaf(leaf) => (kept.vault.unwrap(), leaf.clone()),
            _ => (kept.vault.unwrap(), of.to_owned()),
        };
        let leaf_sha256 = digest::sha256_base64url(leaf.as_bytes());
        let share = |field: Field| {
            let place = Place { subject, field };
            let sealed = &kept.shares[&(subject, field)];
            let share = open_share(Side::Custodian, &self.key, &place, sealed).unwrap();
            let sealed = hand_over(&share, &vault, &leaf_sha256, &place).unwrap();
            YieldedShare {
                field,
                share: base64url::encode(&sealed),
            }
        };
        let shares = fields_of(of).into_iter().map(share);
        Shares {
            shares: shares.collect(),
        }
    }
}

fn fields_of(leaf: &str) -> Vec<Field> {
    let leaf = cyberid_protocol::leaf::Leaf::from_text(leaf).unwrap();
    leaf.fields.unwrap()
}

async fn answer_official(
    State(custodian): State<Arc<Credulous>>,
    Json(body): Json<OfficialWarrantBody>,
) -> Response {
    custodian.asked.fetch_add(1, Ordering::SeqCst);
    let (warrant, play) = (body.warrant, custodian.play.lock().unwrap().clone());
    Json(custodian.yielded_for(&warrant.device_jkt, &warrant.leaf, &play)).into_response()
}

async fn answer(State(custodian): State<Arc<Credulous>>, Json(body): Json<WarrantBody>) -> Response {
    custodian.asked.fetch_add(1, Ordering::SeqCst);
    let play = custodian.play.lock().unwrap().clone();
    if let Play::Refuse(problem) = play {
        return Failure::from(problem).into_response();
    }
    let mut shares = custodian.yielded(&body, &play).shares;
    match play {
        Play::YieldFewer => shares.truncate(shares.len() - 1),
        Play::YieldReversed => shares.reverse(),
        Play::YieldMisnamed => {
            let names: Vec<_> = shares.iter().rev().map(|share| share.field).collect();
            shares
                .iter_mut()
                .zip(names)
                .for_each(|(share, name)| share.field = name);
            shares.reverse();
        }
        _ => {}
    }
    Json(Shares { shares }).into_response()
}

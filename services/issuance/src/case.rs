//! Cases that two operators decide: the steps of `docs/cycles/case.md`.
//!
//! Whoever proves by fresh evidence that an identifier is of their person has it halted at once, by nobody's leave; that it
//! becomes theirs, two operators decide. Nobody destroys a record so: erasing needs the signature of a device that is bound to
//! it, and after the decision that is the true person's.

use std::net::IpAddr;
use std::sync::Arc;

use cyberid_crypto::PublicKey;
use cyberid_domain::case::{CaseKind, Verdict};
use cyberid_domain::device::AlertKind;
use cyberid_domain::document::DocumentType;
use cyberid_domain::id::{CaseId, ClientId, SubjectId};
use cyberid_domain::subject::LifeReason;
use cyberid_protocol::case::{AppealBody, CaseStatus, CaseView, OpenCase, OpenCases, PERMISSION};
use cyberid_protocol::enrolment::{Document, EnrolmentBody};
use cyberid_protocol::leaf::LeafKind;
use cyberid_protocol::problem::ProblemType;
use cyberid_storage::StorageError;
use cyberid_storage::case::{Case, Decided};
use cyberid_storage::life::{LifeChange, Turn, Turned};
use cyberid_storage::subject::HashedPin;
use cyberid_web::quota::OverQuota;
use cyberid_web::scrub::Scrubbed;

use crate::binding::Bound;
use crate::document::CheckedDocument;
use crate::life::leaf_name;
use crate::reproof::chosen;
use crate::{DeviceError, EnrolmentError, Issuance, LifeError};

/// How many open cases operators see at once.
const LISTED: u32 = 1_000;

/// For how many seconds an appeal is kept: thirty days.
const KEPT: u64 = 30 * 86_400;

/// Why a case is not taken or decided.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// There is no such case.
    #[error("there is no such case")]
    NotFound,
    /// Another operator has to say the same.
    #[error("another operator has to say the same")]
    SecondOperator,
    /// It was decided otherwise.
    #[error("it is decided otherwise")]
    Closed,
    /// What is common with enrolments stands against it.
    #[error(transparent)]
    Enrolment(#[from] EnrolmentError),
    /// The identifier could not be turned.
    #[error(transparent)]
    Life(#[from] LifeError),
    /// The device could not be bound.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

impl From<StorageError> for CaseError {
    fn from(error: StorageError) -> Self {
        Self::Enrolment(error.into())
    }
}

impl From<OverQuota> for CaseError {
    fn from(over: OverQuota) -> Self {
        Self::Enrolment(over.into())
    }
}

impl Issuance {
    /// Takes the report of somebody whose identity is somebody else's identifier. It runs to its end even when the caller goes
    /// away.
    pub(crate) async fn report_misuse(
        self: &Arc<Self>,
        from: Option<IpAddr>,
        body: EnrolmentBody,
    ) -> Result<CaseView, CaseError> {
        let issuance = Arc::clone(self);
        let guess = self.meter.begin(from, self.now())?;
        let reported = tokio::spawn(Scrubbed::new(async move { issuance.report_here(body).await }));
        let reported = reported.await.map_err(|_| EnrolmentError::Stopped)?;
        guess.end(matches!(
            reported,
            Err(CaseError::Enrolment(EnrolmentError::Refused))
        ));
        reported
    }

    async fn report_here(&self, body: EnrolmentBody) -> Result<CaseView, CaseError> {
        // 1.
        let pin = chosen(&body.pin)?;
        let device = self.take_key_proof(&body.key_proof)?;
        let document = self.stated(&body.document, &device.thumbprint()).await?;
        // 2.
        let confirmed = self.ask_source(&document, &body.evidence).await?;
        if pin.tells(confirmed.birth_date) {
            return Err(EnrolmentError::PinUnacceptable.into());
        }
        let pin = self.parts.pins.hash(&pin, &*self.parts.rng).await;
        let pin = pin.map_err(EnrolmentError::from)?;
        // 3.
        let subject = self
            .parts
            .devices
            .subject_of_person(&confirmed.person_tag)
            .await?;
        let subject = subject.ok_or(EnrolmentError::Refused)?;
        let known = self.parts.devices.known_device(&device.thumbprint()).await?;
        let case = self.new_case(CaseKind::Misuse, &device, Some((subject, pin)));
        if known.is_some() || !self.parts.cases.open_case(&case).await? {
            return Err(EnrolmentError::Refused.into());
        }
        // 4.
        self.carry_out_cases().await;
        self.show_case(&case.id).await
    }

    /// Takes an appeal. It says nothing of whether anybody was ever refused, and every one is metered as a refusal.
    pub(crate) async fn make_appeal(
        &self,
        from: Option<IpAddr>,
        body: &AppealBody,
    ) -> Result<CaseView, CaseError> {
        let guess = self.meter.begin(from, self.now())?;
        guess.end(true);
        let device = self.take_key_proof(&body.key_proof)?;
        let case = self.new_case(CaseKind::Appeal, &device, None);
        let open = self.parts.cases.open_case(&case).await?;
        open.then(|| view(&case)).ok_or(EnrolmentError::Refused.into())
    }

    /// A case, for whoever knows its name.
    pub(crate) async fn show_case(&self, id: &CaseId) -> Result<CaseView, CaseError> {
        let case = self.parts.cases.case(id).await?.ok_or(CaseError::NotFound)?;
        Ok(view(&case))
    }

    /// The cases that wait for operators.
    pub(crate) async fn open_cases(&self) -> Result<OpenCases, CaseError> {
        let cases = self.parts.cases.undecided_cases(LISTED).await?;
        Ok(OpenCases {
            cases: cases.into_iter().map(open_view).collect(),
        })
    }

    /// Takes an operator's word. Two who say the same decide.
    pub(crate) async fn decide_case(
        &self,
        operator: &ClientId,
        id: &CaseId,
        verdict: Verdict,
    ) -> Result<CaseView, CaseError> {
        // 5.
        match self.parts.cases.say(id, verdict, operator, self.now()).await? {
            Decided::Now | Decided::Before => self.carry_out_cases().await,
            Decided::Waiting => {}
            Decided::OwnWord => return Err(CaseError::SecondOperator),
            Decided::Otherwise => return Err(CaseError::Closed),
            Decided::NotThere => return Err(CaseError::NotFound),
        }
        self.show_case(id).await
    }

    /// The document that is stated from the device `jkt`, if it is well-formed and has not ended; of a passport, whether two
    /// operators permitted that this device proves it without its chip.
    pub(crate) async fn stated(
        &self,
        document: &Document,
        jkt: &str,
    ) -> Result<CheckedDocument, EnrolmentError> {
        let mut document = CheckedDocument::check(document, self.now())?;
        if document.kind == DocumentType::Passport {
            let since = self.now().minus(PERMISSION);
            document.without_chip = self.parts.cases.is_permitted(jkt, since).await?;
        }
        Ok(document)
    }

    /// Carries out what is to be done, in its order. What fails is tried again, and holds up no other.
    pub(crate) async fn carry_out_cases(&self) {
        let _alone = self.deciding.lock().await;
        let cases = match self.parts.cases.cases_to_do().await {
            Ok(cases) => cases,
            Err(error) => return tracing::error!(cause = %error, "cases cannot be read"),
        };
        for case in cases {
            if let Err(error) = self.carry_out_case(&case).await {
                tracing::error!(cause = %error, case = %case.id, "a case is not carried out yet");
            }
        }
    }

    /// Forgets appeals of which nothing follows any more.
    pub(crate) async fn forget_appeals(&self) -> Result<(), StorageError> {
        self.parts.cases.forget_appeals(self.now().minus(KEPT)).await
    }

    async fn carry_out_case(&self, case: &Case) -> Result<(), CaseError> {
        if let Some(subject) = &case.subject {
            if !case.halted {
                let turn = Turn::Suspend(LifeReason::Misuse);
                self.turn_for(case, subject, turn, LeafKind::IdentitySuspended)
                    .await?;
                self.parts.cases.case_halted(&case.id).await?;
            }
            // 6.
            let has_its_holder = match case.verdict() {
                Some(Verdict::Upheld) => self.hand_over(case, subject).await?,
                Some(Verdict::Dismissed) => true,
                None => false,
            };
            if has_its_holder && self.is_halted_by(case, subject).await? {
                let turn = Turn::Reinstate(LifeReason::Misuse);
                self.turn_for(case, subject, turn, LeafKind::IdentityReinstated)
                    .await?;
            }
        }
        if case.verdict().is_some() {
            self.parts.cases.case_done(&case.id, self.now()).await?;
        }
        Ok(())
    }

    /// Turns an identifier for a case, with the leaf that says so. What was done before is passed over.
    async fn turn_for(
        &self,
        case: &Case,
        subject: &SubjectId,
        turn: Turn,
        kind: LeafKind,
    ) -> Result<(), CaseError> {
        let leaf = self
            .life_leaf(kind, subject, LifeReason::Misuse, case.id.as_str())
            .await?;
        let change = LifeChange {
            subject: *subject,
            turn,
            at: self.now(),
            leaf: Some(leaf),
        };
        if let Turned::Now(_) = self.parts.subjects.turn(&change).await? {
            self.parts.promised.notify_one();
        }
        Ok(())
    }

    /// Whether the case is what halted the identifier: a suspension for misuse that stood before is for those to lift who
    /// said it.
    async fn is_halted_by(&self, case: &Case, subject: &SubjectId) -> Result<bool, CaseError> {
        let own = leaf_name(LeafKind::IdentitySuspended, subject, case.id.as_str())?;
        let leaves = self.parts.lives.life_leaves(subject).await?;
        Ok(leaves.iter().any(|leaf| leaf.leaf.id == own))
    }

    /// Gives the identifier to the device of who reported, and takes it from every other. `false` if that cannot be done any
    /// more: the identifier ended meanwhile, or a key holder was away for too long.
    async fn hand_over(&self, case: &Case, subject: &SubjectId) -> Result<bool, CaseError> {
        let known = self.parts.devices.known_device(&case.jkt).await?;
        if known.is_some_and(|known| known.subject == *subject && known.revoked_at.is_none()) {
            return Ok(true);
        }
        let device = PublicKey::from_sec1(&case.key);
        let device = device.map_err(|_| StorageError::Corrupt("device key"))?;
        let bound = Bound {
            subject: *subject,
            device,
            approval: None,
            revoke_others: true,
            pin: case.pin.clone(),
            alert: AlertKind::DeviceRecovered,
        };
        match self.bind_device(bound).await {
            Ok(_) => Ok(true),
            Err(error) if is_final(&error) => {
                tracing::error!(case = %case.id, "the device of a case can be bound no more; the identifier stays halted");
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn new_case(&self, kind: CaseKind, device: &PublicKey, misused: Option<(SubjectId, HashedPin)>) -> Case {
        let (subject, pin) = misused.unzip();
        Case {
            id: CaseId::random(&*self.parts.rng),
            kind,
            jkt: device.thumbprint(),
            key: *device.as_sec1(),
            subject,
            pin,
            opened_at: self.now(),
            halted: false,
            said: None,
            decided_at: None,
            done_at: None,
        }
    }
}

/// Whether a device will not be bound later either: its beginning is over, or a key holder has unbound it or has no such record.
fn is_final(error: &DeviceError) -> bool {
    match error {
        DeviceError::Unacceptable => true,
        DeviceError::Enrolment(EnrolmentError::KeyHolder(error)) => {
            error.problem() == Some(ProblemType::Forbidden)
        }
        _ => false,
    }
}

fn view(case: &Case) -> CaseView {
    let verdict = case.verdict();
    let permits = case.kind == CaseKind::Appeal && verdict == Some(Verdict::Upheld);
    CaseView {
        id: case.id.clone(),
        kind: case.kind,
        status: match (verdict, case.done_at) {
            (None, _) => CaseStatus::Open,
            (Some(_), None) => CaseStatus::Decided,
            (Some(_), Some(_)) => CaseStatus::Done,
        },
        verdict,
        permitted_until: case.decided_at.filter(|_| permits).map(|at| at.plus(PERMISSION)),
    }
}

fn open_view(case: Case) -> OpenCase {
    let (proposed, proposed_by) = case.said.unzip();
    OpenCase {
        id: case.id,
        kind: case.kind,
        opened_at: case.opened_at,
        proposed,
        proposed_by,
    }
}

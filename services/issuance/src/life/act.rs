//! What operators do to identifiers: kept before it is done, so that a crash leaves nothing half done.

use std::collections::BTreeSet;
use std::time::Duration;

use cyberid_domain::clock::DAY;
use cyberid_domain::id::{ClientId, IdentityActId, LeafId, SubjectId};
use cyberid_domain::subject::LifeReason;
use cyberid_protocol::leaf::LeafKind;
use cyberid_protocol::life::{
    Act, ActStatus, IdentityActBody, IdentityActView, LONGEST_REFERENCE, MOST_AT_ONCE,
};
use cyberid_storage::life::{IdentityAct, LifeChange, OperatorAct, Turn, Turned};
use tokio::time::Instant;

use super::{LifeError, leaf_name};
use crate::Issuance;

/// How long an answer waits for the log, and how often it looks.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(10);

/// How many people one operator halts alone within a day; whom they halt beyond waits for another operator.
const MOST_ALONE: u32 = 20;

impl Issuance {
    /// Takes an act of an operator. One person is halted at once; whatever concerns several, or lifts what protects one,
    /// waits for another operator.
    pub(crate) async fn apply_act(
        &self,
        operator: &ClientId,
        body: IdentityActBody,
    ) -> Result<IdentityActView, LifeError> {
        // 1.
        check(&body)?;
        let subjects = self.subjects_of(&body).await?;
        let halts_one = body.act == Act::Suspend && subjects.len() == 1;
        let turn = self.turning.lock().await;
        let in_force = halts_one && self.may_act_alone(operator).await?;
        // 2.
        let act = IdentityAct {
            id: IdentityActId::random(&*self.parts.rng),
            act: match body.act {
                Act::Suspend => OperatorAct::Suspend,
                Act::Reinstate => OperatorAct::Reinstate,
            },
            reason: body.reason,
            reference: body.reference,
            subjects,
            applied_by: operator.clone(),
            applied_at: self.now(),
            approved_by: None,
            in_force,
            done_at: None,
        };
        self.parts.acts.apply_act(&act).await?;
        drop(turn);
        self.done(&act.id).await
    }

    /// Whether this operator has halted few enough people alone of late: many are halted by two, also one by one.
    async fn may_act_alone(&self, operator: &ClientId) -> Result<bool, LifeError> {
        let since = self.now().minus(DAY);
        Ok(self.parts.acts.acts_alone(operator, since).await? < MOST_ALONE)
    }

    /// Puts a waiting act into force on the word of another operator, and carries it out.
    pub(crate) async fn approve_act(
        &self,
        operator: &ClientId,
        id: &IdentityActId,
    ) -> Result<IdentityActView, LifeError> {
        // 3.
        let approved = self.parts.acts.approve_act(id, operator).await?;
        let act = self.parts.acts.act(id).await?.ok_or(LifeError::NotFound)?;
        if !approved && act.applied_by == *operator {
            return Err(LifeError::SecondOperator);
        }
        self.done(id).await
    }

    /// An act, for operators.
    pub(crate) async fn show_act(&self, id: &IdentityActId) -> Result<IdentityActView, LifeError> {
        let act = self.parts.acts.act(id).await?.ok_or(LifeError::NotFound)?;
        Ok(view(act))
    }

    /// Carries out every act that is in force, in their order; one at a time, so that a reinstatement never overtakes the
    /// suspension before it.
    pub(crate) async fn carry_out_acts(&self) -> Result<(), LifeError> {
        let _alone = self.turning.lock().await;
        for act in self.parts.acts.acts_to_do().await? {
            // 4.
            for subject in &act.subjects {
                self.carry_out(&act, subject).await?;
            }
            // 5.
            self.parts.acts.act_done(&act.id, self.now()).await?;
        }
        Ok(())
    }

    /// What was done before, or can no longer be done to this one, is passed over: the others of the act are not left out.
    async fn carry_out(&self, act: &IdentityAct, subject: &SubjectId) -> Result<(), LifeError> {
        let leaf = self
            .life_leaf(kind(act.act), subject, act.reason, act.id.as_str())
            .await?;
        let change = LifeChange {
            subject: *subject,
            turn: match act.act {
                OperatorAct::Suspend => Turn::Suspend(act.reason),
                OperatorAct::Reinstate => Turn::Reinstate(act.reason),
            },
            at: self.now(),
            leaf: Some(leaf),
        };
        match self.parts.subjects.turn(&change).await? {
            Turned::Now(_) => self.parts.promised.notify_one(),
            Turned::Before | Turned::Refused => {
                tracing::info!(act = %act.id, "an act of operators changed nothing for one of its identifiers");
            }
        }
        Ok(())
    }

    /// What is told of an act once what it did is in the log.
    async fn done(&self, id: &IdentityActId) -> Result<IdentityActView, LifeError> {
        self.carry_out_acts().await?;
        let act = self.parts.acts.act(id).await?.ok_or(LifeError::NotFound)?;
        if act.done_at.is_some() {
            self.all_placed(&act).await?;
        }
        Ok(view(act))
    }

    async fn all_placed(&self, act: &IdentityAct) -> Result<(), LifeError> {
        let deadline = Instant::now() + PATIENCE;
        for subject in &act.subjects {
            let name = leaf_name(kind(act.act), subject, act.id.as_str())?;
            let leaves = self.parts.lives.life_leaves(subject).await?;
            if leaves.iter().any(|leaf| leaf.leaf.id == name) {
                self.placed(&name, deadline).await?;
            }
        }
        Ok(())
    }

    async fn placed(&self, leaf: &LeafId, deadline: Instant) -> Result<(), LifeError> {
        self.parts.promised.notify_one();
        while self.parts.promises.place(leaf).await?.is_none() {
            if Instant::now() >= deadline {
                return Err(LifeError::Unplaced);
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// The subjects of an act. All have to be there: what is done to some only is told to nobody.
    async fn subjects_of(&self, body: &IdentityActBody) -> Result<Vec<SubjectId>, LifeError> {
        let mut subjects = BTreeSet::new();
        for number in &body.network_numbers {
            let subject = self.parts.lives.whose_number(number).await?;
            subjects.insert(subject.ok_or(LifeError::NotFound)?);
        }
        if subjects.len() < body.network_numbers.len() {
            return Err(LifeError::Act("an identifier is named twice"));
        }
        Ok(subjects.into_iter().collect())
    }
}

fn check(body: &IdentityActBody) -> Result<(), LifeError> {
    let fits = match (body.act, body.reason) {
        (_, LifeReason::Holder) => Err("operators do not act for the holder"),
        (Act::Suspend, LifeReason::Death) => Err("a death is reported by the identity source"),
        // A holder lifts this reason alone, with a valid document: what operators say, operators lift.
        (Act::Suspend, LifeReason::Document) => Err("an invalid document is reported by the identity source"),
        _ => Ok(()),
    };
    let reference = &body.reference;
    let length = reference.chars().count();
    fits.and(match body.network_numbers.len() {
        1..=MOST_AT_ONCE => Ok(()),
        _ => Err("an act concerns 1 to 1,000 identifiers"),
    })
    .and(
        if (1..=LONGEST_REFERENCE).contains(&length) && !reference.chars().any(char::is_control) {
            Ok(())
        } else {
            Err("a reference has 1 to 200 characters")
        },
    )
    .map_err(LifeError::Act)
}

const fn kind(act: OperatorAct) -> LeafKind {
    match act {
        OperatorAct::Suspend => LeafKind::IdentitySuspended,
        OperatorAct::Reinstate => LeafKind::IdentityReinstated,
    }
}

fn view(act: IdentityAct) -> IdentityActView {
    IdentityActView {
        id: act.id,
        act: match act.act {
            OperatorAct::Suspend => Act::Suspend,
            OperatorAct::Reinstate => Act::Reinstate,
        },
        reason: act.reason,
        reference: act.reference,
        identifiers: u32::try_from(act.subjects.len()).unwrap_or(u32::MAX),
        status: match (act.in_force, act.done_at) {
            (_, Some(_)) => ActStatus::Done,
            (true, None) => ActStatus::InForce,
            (false, None) => ActStatus::Waiting,
        },
        applied_by: act.applied_by,
        applied_at: act.applied_at,
        approved_by: act.approved_by,
    }
}

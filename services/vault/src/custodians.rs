//! Asking for the other half of every key: one custodian, or as many of three as are needed.

use std::sync::Arc;

use cyberid_client::{Client, ClientError};
use cyberid_domain::field::Field;
use cyberid_domain::personal::Personal;
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::warrant::Shares;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::Vault;
use crate::error::OpeningError;
use crate::opening::Record;

impl Vault {
    /// Shows the warrant to every custodian at once, each of which checks all of it, and opens the fields as soon as what
    /// enough of them yielded opens them. One that is away, refuses or yields what opens nothing stops nobody where the
    /// others are enough.
    pub(crate) async fn open_with_custodians<B>(
        &self,
        path: &'static str,
        body: &B,
        record: &Record<'_>,
    ) -> Result<Vec<(Field, Personal)>, OpeningError>
    where
        B: Serialize + Clone + Send + Sync + 'static,
    {
        let mut answers = ask(&self.custodians, path, body);
        let (mut yielded, mut refused) = (Vec::new(), None);
        while let Some(answer) = answers.join_next().await {
            match answer {
                Ok(Ok(shares)) => match self.open_with_new(record, &yielded, &shares) {
                    Some(Ok(fields)) => return Ok(fields),
                    opened => {
                        refused = worse(refused, opened.and_then(Result::err));
                        yielded.push(shares);
                    }
                },
                Ok(Err(error)) => refused = worse(refused, Some(OpeningError::Custodian(error))),
                Err(_) => refused = worse(refused, Some(OpeningError::WrongShares)),
            }
        }
        Err(refused.unwrap_or(OpeningError::WrongShares))
    }

    /// What the shares that just came open, alone or with one of those before; nothing while too few have come.
    fn open_with_new(
        &self,
        record: &Record<'_>,
        before: &[Shares],
        new: &Shares,
    ) -> Option<Result<Vec<(Field, Personal)>, OpeningError>> {
        if self.custodians.len() == 1 {
            return Some(self.open_fields(record, &[new]));
        }
        let mut opened = None;
        for other in before {
            opened = Some(self.open_fields(record, &[other, new]));
            if let Some(Ok(_)) = opened {
                break;
            }
        }
        opened
    }
}

fn ask<B>(custodians: &[Client], path: &'static str, body: &B) -> JoinSet<Result<Shares, ClientError>>
where
    B: Serialize + Clone + Send + Sync + 'static,
{
    let body = Arc::new(body.clone());
    let mut answers = JoinSet::new();
    for custodian in custodians {
        let (custodian, body) = (custodian.clone(), Arc::clone(&body));
        answers.spawn(async move { custodian.post(path, &*body).await });
    }
    answers
}

/// Of two reasons why nothing opened the one that the caller can do more about: a warrant with proofs of another moment
/// can be built anew, and one that is refused cannot be helped by a custodian that comes back.
fn worse(one: Option<OpeningError>, other: Option<OpeningError>) -> Option<OpeningError> {
    let weight = |error: &OpeningError| match error {
        OpeningError::Custodian(error) => match error.problem() {
            Some(ProblemType::StaleConsistency) => 4,
            Some(ProblemType::WarrantRefused) => 3,
            _ => 1,
        },
        _ => 2,
    };
    match (one, other) {
        (Some(one), Some(other)) if weight(&other) > weight(&one) => Some(other),
        (one, other) => one.or(other),
    }
}

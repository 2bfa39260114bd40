//! What the key holders remember of the ledger, and the proofs that it continues from there.

use cyberid_client::Client;
use cyberid_protocol::warrant::{ConsistencyFrom, RememberedSize};
use tokio::task::JoinSet;

use crate::{Consent, ConsentError};

/// The sizes of the ledger that the key holders remember.
pub(crate) struct RememberedSizes {
    vault: u64,
    /// Of each custodian that answered; at least one did.
    custodians: Vec<u64>,
}

/// The proofs that a checkpoint continues what each key holder remembers.
pub(crate) struct Proofs {
    /// For the vault.
    pub(crate) vault: Vec<String>,
    /// For the one custodian, or the first of several.
    pub(crate) custodian: Vec<String>,
    /// For each of several custodians.
    pub(crate) custodians: Vec<ConsistencyFrom>,
}

impl RememberedSizes {
    /// What a checkpoint has to reach for everybody to accept it.
    pub(crate) fn largest(&self) -> u64 {
        self.custodians
            .iter()
            .fold(self.vault, |most, size| most.max(*size))
    }
}

impl Consent {
    /// Asks every key holder. Of several custodians one may be away; how many are needed is the vault's to say.
    pub(crate) async fn remembered(&self) -> Result<RememberedSizes, ConsentError> {
        let asked = |client: &Client| {
            let client = client.clone();
            async move { client.get::<RememberedSize>("/v1/checkpoint").await }
        };
        let mut answers: JoinSet<_> = self.parts.custodians.iter().map(asked).collect();
        let vault = asked(&self.parts.vault).await?.size;
        let (mut custodians, mut away) = (Vec::new(), None);
        while let Some(answer) = answers.join_next().await {
            match answer {
                Ok(Ok(RememberedSize { size })) => custodians.push(size),
                Ok(Err(error)) => away = Some(error),
                Err(_) => {}
            }
        }
        match (custodians.is_empty(), away) {
            (true, Some(error)) => Err(error.into()),
            (true, None) => Err(ConsentError::Corrupt("list of custodians")),
            (false, _) => Ok(RememberedSizes { vault, custodians }),
        }
    }

    /// The proofs to a checkpoint of this size.
    pub(crate) async fn proofs_to(
        &self,
        remembered: &RememberedSizes,
        size: u64,
    ) -> Result<Proofs, ConsentError> {
        let mut custodians = Vec::with_capacity(remembered.custodians.len());
        for from in &remembered.custodians {
            let hashes = self.consistency(*from, size).await?;
            custodians.push(ConsistencyFrom { size: *from, hashes });
        }
        let custodian = custodians.first().map(|proof| proof.hashes.clone());
        if self.parts.custodians.len() == 1 {
            custodians.clear();
        }
        Ok(Proofs {
            vault: self.consistency(remembered.vault, size).await?,
            custodian: custodian.unwrap_or_default(),
            custodians,
        })
    }
}

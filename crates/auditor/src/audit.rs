//! One audit of one ledger, from the first leaf to the last, or from where the last audit ended.

use std::collections::BTreeMap;

use cyberid_domain::clock::SKEW;
use cyberid_protocol::leaf::{EndedLog, LeafKind};
use cyberid_tlog::hash::Hash;
use cyberid_tlog::note::VerifierKey;
use cyberid_tlog::policy::Policy;
use cyberid_tlog::tile::FULL_WIDTH;
use serde::Serialize;

use crate::finding::{AuditFailure, Finding};
use crate::kept::KeptError;
use crate::published::Published;
use crate::source::LedgerSource;
use crate::state::{Seen, State};
use crate::warning::{Warning, Warnings};

/// Told how far an audit is: leaves done, of how many.
pub type Progress<'a> = &'a mut (dyn FnMut(u64, u64) + Send);

/// Told what to keep, after every bundle and at the end; how often it is written is the keeper's business.
pub type Keep<'a> = &'a mut (dyn FnMut(&State) -> Result<(), KeptError> + Send);

/// What a clean audit saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The log's name.
    pub origin: String,
    /// How many leaves, each re-hashed: by this audit, or by the one that it goes on from.
    pub size: u64,
    /// The root, base64.
    pub root: String,
    /// The witnesses that cosigned.
    pub witnesses: Vec<String>,
    /// How many leaves of each kind.
    pub kinds: BTreeMap<LeafKind, u64>,
    /// How many releases, each in order.
    pub releases: u64,
    /// The size of the kept checkpoint that this log continues; nothing at the first audit.
    pub continues: Option<u64>,
    /// The leaf that this audit began with: those before it were read by an audit before.
    pub from: u64,
    /// What somebody should ask about.
    pub warnings: Warnings,
}

/// Audits the whole ledger in `source`. `kept` is the size and root that were accepted last time.
pub async fn audit(
    source: &dyn LedgerSource,
    log: &VerifierKey,
    policy: &Policy,
    kept: Option<(u64, Hash)>,
    progress: Progress<'_>,
) -> Result<Report, AuditFailure> {
    let mut state = State::after(kept);
    audit_on(source, log, policy, &mut state, progress, &mut |_| Ok(())).await
}

/// Audits the ledger in `source` on from `state`, which a failure leaves before the first leaf that is wrong.
pub async fn audit_on(
    source: &dyn LedgerSource,
    log: &VerifierKey,
    policy: &Policy,
    state: &mut State,
    progress: Progress<'_>,
    keep: Keep<'_>,
) -> Result<Report, AuditFailure> {
    let mut published = Published::open(source, log, policy).await?;
    state.shown = Some(published.checkpoint().note().to_string());
    let continues = state.seen.as_ref().map(|seen| seen.size);
    if let Some(seen) = &state.seen {
        continued(&mut published, seen).await?;
    }
    let size = published.checkpoint().size();
    state.seen = Some(Seen::of(published.checkpoint()));
    let from = state.story.size;
    while state.story.size < size {
        let bundle = published.bundle(state.story.size / u64::from(FULL_WIDTH)).await?;
        let old = state.story.size;
        for (index, entry) in bundle.entries().skip_while(|(index, _)| *index < old) {
            if let Some(ended) = state.story.leaf(entry)? {
                succeeded(&mut published, index, &ended).await?;
            }
        }
        progress(state.story.size, size);
        keep(state)?;
    }
    keep(state)?;
    Ok(report(&published, state, from, continues))
}

/// The published log continues the tree that was accepted before.
pub(crate) async fn continued(published: &mut Published<'_>, seen: &Seen) -> Result<(), AuditFailure> {
    let (size, kept) = (published.checkpoint().size(), seen.size);
    if size < kept {
        return Err(Finding::Cut { size, kept }.into());
    }
    if published.root_at(kept).await? == seen.root {
        return Ok(());
    }
    let contradiction = if size == kept {
        Finding::Forked { size }
    } else {
        Finding::Rewritten { kept }
    };
    Err(contradiction.into())
}

/// The log continues the one that its leaf at `index` says has ended: up to that size the trees are the same.
async fn succeeded(published: &mut Published<'_>, index: u64, ended: &EndedLog) -> Result<(), AuditFailure> {
    let root = Hash::from_base64(&ended.root).filter(|_| ended.size <= index);
    let root = root.ok_or(Finding::Succession { index })?;
    if published.root_at(ended.size).await? == root {
        Ok(())
    } else {
        Err(Finding::Succession { index }.into())
    }
}

fn report(published: &Published<'_>, state: &State, from: u64, continues: Option<u64>) -> Report {
    let (checkpoint, cosignatures) = (published.checkpoint(), published.cosignatures());
    let mut warnings = state.story.warnings();
    let cosigned = cosignatures.iter().map(|cosignature| cosignature.timestamp).max();
    let seconds = cosigned.map_or(0, |cosigned| state.story.clock.saturating_sub(cosigned));
    if seconds > SKEW {
        warnings.add(Warning::Ahead { seconds });
    }
    Report {
        origin: checkpoint.checkpoint().origin().to_owned(),
        size: checkpoint.size(),
        root: checkpoint.root().to_base64(),
        witnesses: cosignatures
            .iter()
            .map(|cosignature| cosignature.witness.name().to_owned())
            .collect(),
        kinds: state.story.kinds.clone(),
        releases: state.story.chains.releases() as u64,
        continues,
        from,
        warnings,
    }
}

//! Which leaf of a release is asked for.

use cyberid_protocol::leaf::LeafKind;
use serde::Deserialize;
use utoipa::IntoParams;

/// Which leaf.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct WhichLeaf {
    /// What it records; `consent.granted` without it.
    #[param(example = "release.delivered")]
    kind: Option<LeafKind>,
}

impl WhichLeaf {
    pub(super) fn kind(&self) -> LeafKind {
        self.kind.unwrap_or(LeafKind::ConsentGranted)
    }
}

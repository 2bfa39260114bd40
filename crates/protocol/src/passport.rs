//! The files of a passport's chip, as an app hands them over (ICAO Doc 9303 part 10). They are personal.

use cyberid_domain::personal::Personal;
use serde::Deserialize;

/// The files of a chip, each base64url.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChipFiles {
    /// EF.SOD: what the issuing state signed.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub sod: Personal,
    /// EF.DG1: the machine-readable zone.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub dg1: Personal,
    /// EF.DG2: the face. Its hash is checked if it is there; nobody looks at it here.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub dg2: Option<Personal>,
}

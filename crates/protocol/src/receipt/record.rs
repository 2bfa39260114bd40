//! The consent record, shaped by ISO/IEC TS 27560:2023: record header (6.3.3), PII processing (6.3.4), party
//! identification (6.3.6) and events (6.3.7), by the standard's names.
//!
//! It says nothing that its evidence does not say: of the standard's fields those are missing that nobody signed
//! (a postal address, storage locations). What is added has its own section, `evidence`.

use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_domain::id::{ClientId, ConsentId};
use serde::{Deserialize, Serialize};

use super::evidence::{Evidence, EvidenceRead, InvalidEvidence, consent_id};
use crate::leaf::LeafKind;
use crate::statement::Locale;

/// The schema that records are shaped by.
pub const SCHEMA: &str = "ISO/IEC TS 27560:2023";

/// Whose law the platform works under (ISO 3166-1).
const JURISDICTION: &str = "CN";

/// How fields come to a relying party: encrypted by the platform, to the one key in the consent.
const COLLECTION: &str = "encrypted-release";

/// The type of every consent here: expressed, for this one release (个人信息保护法, art. 14 and 23: 单独同意).
const CONSENT_TYPE: &str = "separate-consent";

/// The one role in the list of parties.
const CONTROLLER: &str = "pii_controller";

/// A consent record, shaped by ISO/IEC TS 27560.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConsentRecord {
    /// Which record, of which schema, whose.
    pub record_header: RecordHeader,
    /// What was agreed to.
    pub pii_processing: PiiProcessing,
    /// Who is named in it.
    pub party_identification: Vec<Party>,
    /// The events of this consent up to the receipt's leaf, oldest first.
    pub events: Vec<RecordEvent>,
    /// By which all of it can be checked.
    pub evidence: Evidence,
}

/// The record header (6.3.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecordHeader {
    /// The schema, [`SCHEMA`].
    pub schema_version: String,
    /// The consent's id.
    pub record_id: ConsentId,
    /// Who agreed: the thumbprint of the device key that signed. No name, no number.
    pub pii_principal_id: String,
}

/// PII processing (6.3.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PiiProcessing {
    /// Where the controller's notice stands.
    pub privacy_notice: String,
    /// The language of the statement.
    pub language: Locale,
    /// The purposes: always one.
    pub purposes: Vec<Purpose>,
}

/// One purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Purpose {
    /// The registered purpose.
    pub purpose: String,
    /// The registered legal basis.
    pub lawful_basis: String,
    /// Every field that was asked, in its order, each with its own yes or no.
    pub pii_information: Vec<PiiInformation>,
    /// Who receives: the relying party.
    pub pii_controllers: Vec<ClientId>,
    /// How: `encrypted-release`.
    pub collection_method: String,
    /// For how long the relying party may keep it, as an ISO 8601 duration.
    pub retention_period: String,
    /// Who else receives: nobody.
    pub recipient_third_parties: Vec<String>,
    /// Where the holder withdraws.
    pub withdrawal_method: String,
    /// Whose law applies (ISO 3166-1).
    pub jurisdiction: String,
}

/// One field that was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PiiInformation {
    /// Which.
    pub pii_type: Field,
    /// Whether it could be left out: always.
    pub pii_optional: bool,
    /// Whether the holder granted it.
    pub granted: bool,
}

/// A party (6.3.6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Party {
    /// Its id.
    pub party_id: ClientId,
    /// Its name as it was shown.
    pub party_name: String,
    /// Its domain as it was shown.
    pub party_url: String,
    /// Its role: `pii_controller`.
    pub party_role: String,
}

/// One event in the life of a consent (6.3.7), which left a leaf in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecordEvent {
    /// When.
    pub event_time: UnixTime,
    /// The type of the consent: `separate-consent`.
    pub event_type: String,
    /// What happened, as the leaf's kind.
    #[cfg_attr(feature = "openapi", schema(value_type = LeafKind))]
    pub event_state: LeafKind,
    /// Who did it: the principal, the relying party or the platform.
    pub entity_id: String,
    /// For how long the consent can be redeemed, as an ISO 8601 duration; with the first event.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "cyberid_crypto::json::present"
    )]
    pub validity_duration: Option<String>,
}

impl ConsentRecord {
    /// The record that this evidence and these events make.
    pub fn of(
        evidence: Evidence,
        events: impl IntoIterator<Item = (LeafKind, UnixTime)>,
    ) -> Result<Self, InvalidEvidence> {
        let read = evidence.read()?;
        let record_id = consent_id(&read.salt, &evidence.consent);
        let events = events.into_iter().map(|(state, time)| read.event(state, time));
        Ok(Self {
            pii_processing: read.processing(&record_id),
            record_header: RecordHeader {
                schema_version: SCHEMA.into(),
                record_id,
                pii_principal_id: read.device.thumbprint(),
            },
            party_identification: vec![read.controller()],
            events: events.collect(),
            evidence,
        })
    }

    /// The consent's id.
    pub fn id(&self) -> &ConsentId {
        &self.record_header.record_id
    }

    /// The relying party's name as it was shown.
    pub fn controller_name(&self) -> &str {
        let party = self.party_identification.first();
        party.map_or("", |party| &party.party_name)
    }

    /// The purpose.
    pub fn purpose(&self) -> &str {
        let purpose = self.pii_processing.purposes.first();
        purpose.map_or("", |purpose| &purpose.purpose)
    }

    /// The fields that were granted.
    pub fn granted(&self) -> Vec<Field> {
        let purposes = self.pii_processing.purposes.iter();
        let fields = purposes.flat_map(|purpose| &purpose.pii_information);
        fields
            .filter(|field| field.granted)
            .map(|field| field.pii_type)
            .collect()
    }

    /// What happened, and when.
    pub fn life(&self) -> impl Iterator<Item = (LeafKind, UnixTime)> + '_ {
        self.events
            .iter()
            .map(|event| (event.event_state, event.event_time))
    }
}

impl EvidenceRead {
    fn processing(&self, record_id: &ConsentId) -> PiiProcessing {
        let Self { consent, request, .. } = self;
        let information = request.fields.iter().map(|field| PiiInformation {
            pii_type: *field,
            pii_optional: true,
            granted: consent.fields.contains(field),
        });
        let purpose = Purpose {
            purpose: consent.purpose.clone(),
            lawful_basis: consent.legal_basis.clone(),
            pii_information: information.collect(),
            pii_controllers: vec![consent.rp.clone()],
            collection_method: COLLECTION.into(),
            retention_period: format!("P{}D", consent.retention_days),
            recipient_third_parties: Vec::new(),
            withdrawal_method: format!("{}/v1/consents/{record_id}/withdraw", consent.aud),
            jurisdiction: JURISDICTION.into(),
        };
        PiiProcessing {
            privacy_notice: request.notice_uri.clone(),
            language: consent.locale,
            purposes: vec![purpose],
        }
    }

    fn controller(&self) -> Party {
        Party {
            party_id: self.consent.rp.clone(),
            party_name: self.request.rp.name.clone(),
            party_url: self.request.rp.domain.clone(),
            party_role: CONTROLLER.into(),
        }
    }

    fn event(&self, state: LeafKind, time: UnixTime) -> RecordEvent {
        let Self { consent, .. } = self;
        let entity_id = match state {
            LeafKind::ConsentGranted | LeafKind::ConsentWithdrawn => self.device.thumbprint(),
            LeafKind::ReleaseIntended | LeafKind::ErasureConfirmed => consent.rp.to_string(),
            _ => consent.aud.clone(),
        };
        let life = consent.exp.since(consent.iat);
        RecordEvent {
            event_time: time,
            event_type: CONSENT_TYPE.into(),
            event_state: state,
            entity_id,
            validity_duration: (state == LeafKind::ConsentGranted).then(|| format!("PT{life}S")),
        }
    }
}

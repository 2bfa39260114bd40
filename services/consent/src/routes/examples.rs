//! Examples that several operations show.

use serde_json::{Value, json};

/// A leaf of a release.
const LEAF: &str = "{\"consent_sha256\":\"...\",\"enc_jkt\":\"...\",\"fields\":[\"name\"],\"kind\":\"consent.granted\",\
                    \"legal_basis\":\"AML Law art. 18\",\"purpose\":\"open-account\",\
                    \"request\":\"rel_Zm9vYmFyYmF6cXV4MTIzNA\",\"retention_days\":30,\"rp\":\"2wbxUXdcvHxRhvfYRNO9Zg\",\
                    \"subject_commitment\":\"...\",\"time\":1784131200,\"v\":1}";

/// A proof that a leaf is in the ledger.
const PROOF: &str =
    "c2sp.org/tlog-proof@v1\nindex 7\n...\n\nid.example/ledger\n9\n...\n\n— id.example/ledger ...\n";

/// A receipt.
pub(super) fn receipt() -> Value {
    json!({
        "record": {
            "record_header": {
                "schema_version": "ISO/IEC TS 27560:2023",
                "record_id": "con_c2FtcGxlLWNvbnNlbnQtaQ",
                "pii_principal_id": "1Nq7xQ0W3vVJk0pPq3d2v0hN6S7r8t9u0v1w2x3y4z4",
            },
            "pii_processing": {
                "privacy_notice": "https://bank.example/privacy",
                "language": "en",
                "purposes": [{
                    "purpose": "open-account",
                    "lawful_basis": "AML Law art. 18",
                    "pii_information": [
                        {"pii_type": "name", "pii_optional": true, "granted": true},
                        {"pii_type": "birth_date", "pii_optional": true, "granted": false},
                    ],
                    "pii_controllers": ["2wbxUXdcvHxRhvfYRNO9Zg"],
                    "collection_method": "encrypted-release",
                    "retention_period": "P30D",
                    "recipient_third_parties": [],
                    "withdrawal_method": "https://id.example/v1/consents/con_c2FtcGxlLWNvbnNlbnQtaQ/withdraw",
                    "jurisdiction": "CN",
                }],
            },
            "party_identification": [{
                "party_id": "2wbxUXdcvHxRhvfYRNO9Zg",
                "party_name": "Example Bank",
                "party_url": "bank.example",
                "party_role": "pii_controller",
            }],
            "events": [{
                "event_time": 1_784_131_200,
                "event_type": "separate-consent",
                "event_state": "consent.granted",
                "entity_id": "1Nq7xQ0W3vVJk0pPq3d2v0hN6S7r8t9u0v1w2x3y4z4",
                "validity_duration": "PT86400S",
            }],
            "evidence": {
                "statement": "Example Bank (bank.example) asks to receive ...",
                "request": "eyJhbGciOiJFUzI1NiIs...",
                "consent": "eyJhbGciOiJFUzI1NiIs...",
                "device_jwk": {"kty": "EC", "crv": "P-256", "x": "...", "y": "..."},
                "salt": "...",
            },
        },
        "leaf": LEAF,
        "proof": PROOF,
    })
}

/// A leaf with its proof.
pub(super) fn leaf_proof() -> Value {
    json!({"leaf": LEAF, "proof": PROOF})
}

/// What a relying party receives for a redeemed release.
pub(super) fn redeemed() -> Value {
    json!({
        "identity": "eyJhbGciOiJFQ0RILUVTIiwi...",
        "leaf": LEAF.replace("consent.granted", "release.intended"),
        "proof": PROOF,
    })
}

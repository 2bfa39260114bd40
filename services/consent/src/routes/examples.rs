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
            "schema_version": "ISO/IEC TS 27560:2023",
            "record_id": "con_c2FtcGxlLWNvbnNlbnQtaQ",
            "release_id": "rel_Zm9vYmFyYmF6cXV4MTIzNA",
            "controller": "2wbxUXdcvHxRhvfYRNO9Zg",
            "controller_name": "Example Bank",
            "purpose": "open-account",
            "legal_basis": "AML Law art. 18",
            "fields": ["name"],
            "retention_days": 30,
            "notice_uri": "https://bank.example/privacy",
            "consent": "eyJhbGciOiJFUzI1NiIs...",
            "statement": "Example Bank (bank.example) asks for ...",
            "salt": "...",
            "events": [{"state": "consent.granted", "time": 1_784_131_200}],
        },
        "leaf": LEAF,
        "proof": PROOF,
    })
}

/// What a relying party receives for a redeemed release.
pub(super) fn redeemed() -> Value {
    json!({
        "identity": "eyJhbGciOiJFQ0RILUVTIiwi...",
        "leaf": LEAF.replace("consent.granted", "release.intended"),
        "proof": PROOF,
    })
}

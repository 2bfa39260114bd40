//! A ledger as a platform makes it, for tests and measurements: real chains, bundles, tiles, a signed and cosigned
//! checkpoint.

use std::collections::VecDeque;

use cyberid_crypto::digest;
use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_protocol::leaf::{Leaf, LeafKind, NoHalt};
use cyberid_tlog::checkpoint::Checkpoint;
use cyberid_tlog::cosignature::cosign;
use cyberid_tlog::hash::{Hash, leaf_hash};
use cyberid_tlog::note::{Ed25519Signer, NoteSigner as _, VerifierKey};
use cyberid_tlog::policy::Policy;
use cyberid_tlog::tile::{Tile, TileKind, TilePath, encode_bundle, new_tiles};
use cyberid_tlog::tree::Frontier;

pub(crate) const ORIGIN: &str = "ledger.example/cyberid";
pub(crate) const START: u64 = 1_784_131_200;
const RP: &str = "AAAAAAAAAAAAAAAAAAAAAA";

pub(crate) fn log_signer() -> Ed25519Signer {
    Ed25519Signer::from_seed(ORIGIN, &[1; 32]).unwrap()
}

pub(crate) fn witness_signer() -> Ed25519Signer {
    Ed25519Signer::cosigner_from_seed("witness.example", &[2; 32]).unwrap()
}

pub(crate) fn anchors() -> (VerifierKey, Policy) {
    let log = log_signer().verifier_key().clone();
    let policy = Policy::k_of_n(Some(log.clone()), &[witness_signer().verifier_key().clone()], 1).unwrap();
    (log, policy)
}

/// Leaves as a platform makes them: a service that resumed, a relying party, and releases of which eight go on at once
/// and each comes to another end.
pub(crate) fn leaves() -> impl Iterator<Item = String> {
    let at = |index: u64| UnixTime(START + index / 50);
    let head = [
        Leaf {
            reason: Some(NoHalt::First),
            ..Leaf::new(LeafKind::ServiceResumed, at(0))
        },
        Leaf {
            rp: Some(RP.parse().unwrap()),
            registration_sha256: Some(digest::sha256_base64url(b"registration")),
            ..Leaf::new(LeafKind::RpRegistered, at(0))
        },
    ];
    let mut under_way: VecDeque<(usize, Leaf)> = VecDeque::new();
    let mut begun = 0;
    let lives = (2_u64..).map(move |index| {
        if under_way.len() < 8 {
            let leaf = grant(begun, at(index));
            under_way.push_back((begun, leaf.clone()));
            begun += 1;
            return leaf;
        }
        let (number, last) = under_way.pop_front().unwrap();
        let (kind, is_last) = next(number, last.kind);
        let leaf = last.followed_by(kind, at(index)).unwrap();
        if !is_last {
            under_way.push_back((number, leaf.clone()));
        }
        leaf
    });
    head.into_iter().chain(lives).map(|leaf| leaf.to_text().unwrap())
}

fn grant(number: usize, time: UnixTime) -> Leaf {
    let hash = |what: &str| Some(digest::sha256_base64url(format!("{what} {number}").as_bytes()));
    let id = digest::sha256(&number.to_be_bytes());
    Leaf {
        request: Some(
            format!("rel_{}", cyberid_crypto::base64url::encode(&id[..16]))
                .parse()
                .unwrap(),
        ),
        rp: Some(RP.parse().unwrap()),
        subject_commitment: hash("subject"),
        fields: Some(vec![Field::Name, Field::DocumentNumber]),
        purpose: Some("open-account".into()),
        legal_basis: Some("Anti-Money-Laundering Law, article 18".into()),
        retention_days: Some(30),
        enc_jkt: Some(digest::sha256_base64url(b"key")),
        consent_sha256: hash("consent"),
        ..Leaf::new(LeafKind::ConsentGranted, time)
    }
}

/// What follows in the life of a release, and whether that is its end here.
fn next(number: usize, last: LeafKind) -> (LeafKind, bool) {
    use LeafKind as K;
    match (last, number % 8) {
        (K::ConsentGranted, 1) => (K::ConsentExpired, true),
        (K::ConsentGranted, 2) => (K::ConsentWithdrawn, true),
        (K::ConsentGranted, _) => (K::ReleaseIntended, false),
        (K::ReleaseIntended, 3) => (K::ReleasePresumed, true),
        (K::ReleaseIntended, 4) => (K::ReleaseDelivered, false),
        (K::ReleaseIntended, _) => (K::ReleaseDelivered, true),
        (K::ReleaseDelivered, _) => (K::ConsentWithdrawn, false),
        (_, _) => (K::ErasureConfirmed, true),
    }
}

/// The ledger of these leaves, file by file, the checkpoint last.
pub(crate) fn publish<L: AsRef<[u8]>>(
    leaves: impl IntoIterator<Item = L>,
    mut file: impl FnMut(String, Vec<u8>),
) -> (u64, Hash) {
    let mut tree = Frontier::new();
    let mut levels: Vec<Vec<Hash>> = vec![Vec::new(); 8];
    let mut bundle: Vec<Vec<u8>> = Vec::new();
    let mut write_bundle = |bundle: &mut Vec<Vec<u8>>, size: u64| {
        let index = (size - 1) / 256;
        let path = TilePath::new(TileKind::Entries, index, u16::try_from(bundle.len()).unwrap()).unwrap();
        file(path.to_string(), encode_bundle(bundle).unwrap());
        bundle.clear();
    };
    for leaf in leaves {
        for node in tree.append(leaf_hash(leaf.as_ref())).unwrap() {
            if node.node.level() % 8 == 0 {
                levels[usize::from(node.node.level() / 8)].push(node.hash);
            }
        }
        bundle.push(leaf.as_ref().to_vec());
        if bundle.len() == 256 {
            write_bundle(&mut bundle, tree.size());
        }
    }
    if !bundle.is_empty() {
        write_bundle(&mut bundle, tree.size());
    }
    for path in new_tiles(0, tree.size()) {
        let TileKind::Hashes { level } = path.kind() else {
            continue;
        };
        let start = usize::try_from(path.index()).unwrap() * 256;
        let hashes = levels[usize::from(level)][start..start + usize::from(path.width())].to_vec();
        file(path.to_string(), Tile::from_hashes(hashes).unwrap().to_bytes());
    }
    let (size, root) = (tree.size(), tree.root());
    file(
        "checkpoint".into(),
        checkpoint(size, root, Some(START + size / 50)).into_bytes(),
    );
    (size, root)
}

/// A checkpoint that the log signed, and its witness if a time is given.
pub(crate) fn checkpoint(size: u64, root: Hash, cosigned: Option<u64>) -> String {
    let mut checkpoint = Checkpoint::new(ORIGIN, size, root)
        .unwrap()
        .sign(&log_signer())
        .unwrap();
    if let Some(time) = cosigned {
        let cosignature = cosign(&checkpoint, time, &witness_signer()).unwrap();
        checkpoint.add_cosignature(cosignature).unwrap();
    }
    checkpoint.note().to_string()
}

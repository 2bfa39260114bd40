//! Releases picked at random from a log, each as likely as any other, with all their leaves.

use std::collections::HashMap;

use cyberid_crypto::digest;
use cyberid_domain::Rng;
use cyberid_domain::id::ReleaseId;
use cyberid_domain::rng::random;
use cyberid_protocol::leaf::{Leaf, LeafKind};
use cyberid_tlog::note::VerifierKey;
use cyberid_tlog::policy::Policy;

use crate::audit::{Progress, continued};
use crate::finding::{AuditFailure, Finding};
use crate::published::Published;
use crate::source::LedgerSource;
use crate::state::State;

/// A release that was picked, with its leaves as the log has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampledRelease {
    /// The release.
    pub release_id: ReleaseId,
    /// Places and bytes of its leaves, in the order of the log.
    pub leaves: Vec<(u64, String)>,
}

/// Bytes that a seed decides, so that a sample can be drawn again by somebody else.
pub struct SeededRng {
    seed: [u8; 32],
    drawn: std::sync::atomic::AtomicU64,
}

impl SeededRng {
    /// The bytes that this seed decides.
    pub fn new(seed: &str) -> Self {
        Self {
            seed: digest::sha256(seed.as_bytes()),
            drawn: std::sync::atomic::AtomicU64::new(0),
        }
    }
}

impl Rng for SeededRng {
    fn fill(&self, out: &mut [u8]) {
        for chunk in out.chunks_mut(32) {
            let drawn = self.drawn.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let bytes = digest::hmac_parts(&self.seed, &[b"cyberid/v1/sample", &drawn.to_be_bytes()]);
            chunk
                .iter_mut()
                .zip(bytes)
                .for_each(|(place, byte)| *place = byte);
        }
    }
}

/// Picks up to `count` releases of the log in `source`, which has to continue what `state` holds it to. Every leaf is
/// read and held against the signed root on the way.
pub async fn sample(
    source: &dyn LedgerSource,
    log: &VerifierKey,
    policy: &Policy,
    state: &State,
    (count, rng): (usize, &dyn Rng),
    progress: Progress<'_>,
) -> Result<Vec<SampledRelease>, AuditFailure> {
    let mut published = Published::open(source, log, policy).await?;
    if let Some(seen) = &state.seen {
        continued(&mut published, seen).await?;
    }
    let size = published.checkpoint().size();
    let mut urn = Urn::new(count);
    for index in 0..size.div_ceil(256) {
        let bundle = published.bundle(index).await?;
        for (index, entry) in bundle.entries() {
            let text = std::str::from_utf8(entry).map_err(|_| Finding::LeafFormat { index })?;
            let leaf = Leaf::from_text(text).map_err(|_| Finding::LeafFormat { index })?;
            urn.leaf(index, &leaf, text, rng);
            progress(index + 1, size);
        }
    }
    Ok(urn.drawn())
}

/// A reservoir: of all grants seen so far, each is in it with the same chance. A grant stands before all other leaves of
/// its release, so that one reading is enough.
struct Urn {
    count: usize,
    grants: u64,
    places: Vec<ReleaseId>,
    leaves: HashMap<ReleaseId, Vec<(u64, String)>>,
}

impl Urn {
    fn new(count: usize) -> Self {
        Self {
            count,
            grants: 0,
            places: Vec::new(),
            leaves: HashMap::new(),
        }
    }

    fn leaf(&mut self, index: u64, leaf: &Leaf, text: &str, rng: &dyn Rng) {
        let Some(release) = &leaf.request else { return };
        if leaf.kind == LeafKind::ConsentGranted && !self.leaves.contains_key(release) {
            self.grant(release, rng);
        }
        if let Some(leaves) = self.leaves.get_mut(release) {
            leaves.push((index, text.to_owned()));
        }
    }

    fn grant(&mut self, release: &ReleaseId, rng: &dyn Rng) {
        self.grants += 1;
        if self.places.len() < self.count {
            self.places.push(release.clone());
        } else {
            let place = usize::try_from(below(self.grants, rng)).unwrap_or(usize::MAX);
            let Some(place) = self.places.get_mut(place) else {
                return;
            };
            let out = std::mem::replace(place, release.clone());
            self.leaves.remove(&out);
        }
        self.leaves.insert(release.clone(), Vec::new());
    }

    fn drawn(mut self) -> Vec<SampledRelease> {
        let releases = self.places.into_iter();
        let mut drawn: Vec<SampledRelease> = releases
            .map(|release_id| SampledRelease {
                leaves: self.leaves.remove(&release_id).unwrap_or_default(),
                release_id,
            })
            .collect();
        drawn.sort_by_key(|release| release.leaves.first().map(|(index, _)| *index));
        drawn
    }
}

/// A number below `bound`, each as likely as any other.
fn below(bound: u64, rng: &dyn Rng) -> u64 {
    let bound = bound.max(1);
    // The highest multiple of the bound: what is above it would favour small numbers.
    let limit = u64::MAX - u64::MAX % bound;
    loop {
        let number = u64::from_be_bytes(random(rng));
        if number < limit {
            return number % bound;
        }
    }
}

#[cfg(test)]
mod tests {
    use cyberid_domain::UnixTime;

    use super::*;

    fn draw(grants: u64, count: usize, seed: &str) -> Vec<SampledRelease> {
        let rng = SeededRng::new(seed);
        let mut urn = Urn::new(count);
        for number in 0..grants {
            let mut leaf = Leaf {
                request: Some(format!("rel_{number:021}A").parse().unwrap()),
                ..Leaf::new(LeafKind::ConsentGranted, UnixTime(1))
            };
            for kind in [LeafKind::ConsentGranted, LeafKind::ReleaseIntended] {
                leaf.kind = kind;
                let index = 2 * number + u64::from(kind == LeafKind::ReleaseIntended);
                urn.leaf(index, &leaf, kind.as_str(), &rng);
            }
        }
        urn.drawn()
    }

    #[test]
    fn a_seed_decides_and_every_leaf_of_a_release_comes_with_it() {
        let drawn = draw(50, 5, "a");
        assert_eq!(drawn, draw(50, 5, "a"));
        assert_ne!(drawn, draw(50, 5, "b"));
        assert_eq!(drawn.len(), 5);
        for release in drawn {
            let first = release.leaves[0].0;
            let kinds = ["consent.granted", "release.intended"];
            let expected: Vec<(u64, String)> = (first..).zip(kinds.map(str::to_owned)).collect();
            assert_eq!(release.leaves, expected);
        }
        assert_eq!(draw(3, 5, "a").len(), 3);
    }

    #[test]
    fn every_release_is_as_likely_as_any_other() {
        let mut counts = [0_u32; 10];
        for seed in 0..3_000 {
            for release in draw(10, 3, &seed.to_string()) {
                counts[usize::try_from(release.leaves[0].0 / 2).unwrap()] += 1;
            }
        }
        // 900 each; six standard deviations are 150.
        assert!(
            counts.iter().all(|count| (750..1050).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn numbers_are_below_their_bound() {
        let rng = SeededRng::new("n");
        assert!((0..1000).all(|_| below(7, &rng) < 7));
        assert_eq!(below(1, &rng), 0);
        assert!((0..100).any(|_| below(u64::MAX, &rng) > u64::MAX / 2));
    }
}

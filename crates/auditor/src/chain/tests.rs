use cyberid_domain::field::Field;

use super::*;

fn grant() -> Leaf {
    Leaf {
        request: Some("rel_AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap()),
        ..Leaf::new(LeafKind::ConsentGranted, UnixTime(1))
    }
}

fn read(leaves: &[Leaf]) -> Result<usize, ChainBreak> {
    let mut chains = Chains::default();
    for (index, leaf) in (0..).zip(leaves) {
        chains.next(index, leaf, &leaf.to_text().unwrap())?;
    }
    Ok(chains.releases())
}

fn chain(kinds: &[LeafKind]) -> Vec<Leaf> {
    after(grant(), kinds)
}

fn after(first: Leaf, kinds: &[LeafKind]) -> Vec<Leaf> {
    let mut leaves = vec![first];
    for kind in kinds {
        let last = leaves.last().unwrap().clone();
        leaves.push(last.followed_by(*kind, UnixTime(2)).unwrap());
    }
    leaves
}

use LeafKind as K;

#[test]
fn a_whole_life_is_in_order() {
    let life = [
        K::ReleaseIntended,
        K::ReleaseDelivered,
        K::ConsentWithdrawn,
        K::ErasureOverdue,
        K::ErasureConfirmed,
    ];
    for end in 0..=life.len() {
        assert_eq!(read(&chain(&life[..end])), Ok(1));
    }
}

#[test]
fn no_delivery_without_intent_and_no_intent_without_grant() {
    let after = Some(K::ConsentGranted);
    let kind = K::ReleaseDelivered;
    assert_eq!(read(&chain(&[kind])), Err(ChainBreak::Order { kind, after }));
    let kind = K::ReleaseIntended;
    assert_eq!(
        read(&chain(&[kind])[1..]),
        Err(ChainBreak::Order { kind, after: None })
    );
}

#[test]
fn whatever_comes_twice_or_after_the_end_is_noticed() {
    let kind = K::ReleaseDelivered;
    let twice = read(&chain(&[K::ReleaseIntended, kind, kind]));
    assert_eq!(
        twice,
        Err(ChainBreak::Order {
            kind,
            after: Some(kind)
        })
    );
    assert!(read(&chain(&[K::ReleaseIntended, K::ReleaseIntended])).is_err());
    assert!(read(&[grant(), grant()]).is_err());
    let lives: [&[K]; 3] = [
        &[K::ConsentExpired],
        &[K::ConsentWithdrawn],
        &[
            K::ReleaseIntended,
            K::ReleasePresumed,
            K::ConsentWithdrawn,
            K::ErasureConfirmed,
        ],
    ];
    for life in lives {
        for kind in LeafKind::ALL
            .iter()
            .copied()
            .filter(|kind| starting(*kind).is_some() && !is_official(*kind))
        {
            let more = chain(&[life, &[kind]].concat());
            assert_eq!(read(&more), Err(ChainBreak::Ended { kind }), "{life:?} {kind:?}");
        }
        let again = [chain(life), vec![grant()]].concat();
        assert_eq!(
            read(&again),
            Err(ChainBreak::Ended {
                kind: K::ConsentGranted
            })
        );
    }
}

#[test]
fn a_leaf_that_says_more_or_is_not_linked_is_noticed() {
    let mut leaves = chain(&[K::ReleaseIntended]);
    leaves[1].fields = Some(vec![Field::Name]);
    assert_eq!(read(&leaves), Err(ChainBreak::Differs));
    let mut leaves = chain(&[K::ReleaseIntended]);
    leaves[1].previous = Some(digest::sha256_base64url(b"other"));
    assert_eq!(read(&leaves), Err(ChainBreak::Link));
    let linked = Leaf {
        previous: Some(digest::sha256_base64url(b"other")),
        ..grant()
    };
    assert_eq!(read(&[linked]), Err(ChainBreak::Link));
}

#[test]
fn a_leaf_without_its_release_is_noticed() {
    assert_eq!(
        read(&[Leaf::new(K::ConsentGranted, UnixTime(1))]),
        Err(ChainBreak::NoRelease)
    );
    assert_eq!(read(&[Leaf::new(K::RpRegistered, UnixTime(1))]), Ok(0));
}

#[test]
fn an_official_access_has_a_chain_of_its_own() {
    let request = Leaf {
        official: Some(
            format!(
                "{}AAAAAAAAAAAAAAAAAAAAAA",
                cyberid_domain::id::OfficialAccessId::PREFIX
            )
            .parse()
            .unwrap(),
        ),
        ..Leaf::new(K::OfficialRequested, UnixTime(1))
    };
    for life in [
        &[K::OfficialIntended, K::OfficialDelivered][..],
        &[K::OfficialIntended, K::OfficialPresumed],
        &[K::OfficialRefused],
    ] {
        assert_eq!(read(&after(request.clone(), life)), Ok(1));
        let more = after(request.clone(), &[life, &[K::OfficialDelivered]].concat());
        let kind = K::OfficialDelivered;
        assert_eq!(read(&more), Err(ChainBreak::Ended { kind }));
    }
    assert!(read(&after(request.clone(), &[K::OfficialDelivered])).is_err());
    assert!(read(&after(request, &[K::OfficialRefused])[1..]).is_err());
    let mixed = Leaf {
        kind: K::OfficialRequested,
        ..grant()
    };
    assert_eq!(read(&[mixed]), Err(ChainBreak::NoRelease));
}

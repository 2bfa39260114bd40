//! Passports of countries that do not exist: right ones, and each known way of being wrong.

#![expect(clippy::unwrap_used, reason = "test support: a surprise ends the test")]

use std::path::Path;
use std::process::Command;

use cyberid_domain::UnixTime;
use cyberid_domain::clock::DAY;
use cyberid_passport::synthetic::{
    Attributes, Authority, Digest, Founded, Holder, Key, KeyKind, Profile, SodPlan, Utopia, dg1, dg2,
    extended_revocation_list, revocation_list, td3,
};
use cyberid_passport::{
    AnchorFault, Cert, Chip, File, MrzFault, Passport, Refusal, TrustAnchors, authenticate,
};
use time::macros::date;

/// 2026-11-23T12:00:00Z.
const NOW: UnixTime = UnixTime(1_795_435_200);

fn long() -> (UnixTime, UnixTime) {
    (NOW.minus(100 * DAY), NOW.plus(3_000 * DAY))
}

fn p256() -> Key {
    Key::make(KeyKind::P256, Digest::Sha256).unwrap()
}

/// An authority of a country, and a document signer of it.
struct Country {
    authority: Authority,
    signer: Authority,
}

impl Country {
    fn named(code: &str) -> Self {
        let (from, to) = long();
        let authority = Authority::self_signed(&Profile::authority(code, from, to), p256()).unwrap();
        let signer = authority
            .certify(&Profile::signer(code, from, to), p256())
            .unwrap();
        Self { authority, signer }
    }

    /// With a signer whose certificate says something else.
    fn with_signer(change: impl FnOnce(&mut Profile)) -> Self {
        let country = Self::named("UT");
        let (from, to) = long();
        let mut profile = Profile::signer("UT", from, to);
        change(&mut profile);
        let signer = country.authority.certify(&profile, p256()).unwrap();
        Self { signer, ..country }
    }

    fn anchors(&self) -> TrustAnchors {
        anchors(&[("ut.cer", self.authority.der().unwrap())]).unwrap()
    }

    /// Whether a plan, signed, is believed.
    fn tries(&self, plan: &SodPlan) -> Result<Passport, Refusal> {
        let chip = chip(plan.sign(&self.signer).unwrap(), &plan.groups);
        authenticate(&chip, &self.anchors(), NOW)
    }
}

fn anchors(files: &[(&str, Vec<u8>)]) -> Result<TrustAnchors, AnchorFault> {
    let files: Vec<_> = files
        .iter()
        .map(|(name, bytes)| ((*name).to_owned(), bytes.clone()))
        .collect();
    TrustAnchors::read(&files, NOW)
}

fn zone(number: &str) -> String {
    td3("UTO", "ERIKSSON<<ANNA<MARIA", number, "740812", "320415")
}

fn chip(sod: Vec<u8>, groups: &[(u64, Vec<u8>)]) -> Chip {
    let file = |wanted| {
        groups
            .iter()
            .find(|(number, _)| *number == wanted)
            .map(|(_, file)| file.clone())
    };
    Chip {
        sod,
        dg1: file(1).unwrap_or_else(|| dg1(&zone("L898902C3"))),
        dg2: file(2),
    }
}

/// A right passport's plan.
fn plan() -> SodPlan {
    SodPlan::new(vec![(1, dg1(&zone("L898902C3"))), (2, dg2(b"picture"))])
}

/// A plan with one thing changed.
fn wrong(change: impl FnOnce(&mut SodPlan)) -> SodPlan {
    let mut plan = plan();
    change(&mut plan);
    plan
}

#[test]
fn a_right_passport_says_who_it_is_of() {
    let passport = Country::named("UT").tries(&plan()).unwrap();
    let mrz = passport.mrz();
    assert!(mrz.is_passport());
    assert_eq!(
        (mrz.issuing_state(), mrz.number().expose()),
        ("UTO", "L898902C36")
    );
    assert!(mrz.is_named("Anna Maria Eriksson"));
    assert!(mrz.birth().may_be(date!(1974 - 08 - 12)));
    assert_eq!(passport.valid_until(), date!(2032 - 04 - 15));
    assert_eq!(format!("{passport:?}"), "Passport { mrz: Mrz(..) }");
}

#[test]
fn the_newer_version_and_a_passport_without_a_face_are_taken() {
    let country = Country::named("UT");
    let newer = wrong(|plan| (plan.lds_version, plan.version_info) = (1, true));
    assert!(country.tries(&newer).is_ok());
    assert!(country.tries(&wrong(|plan| plan.groups.truncate(1))).is_ok());
}

#[test]
fn every_algorithm_that_is_named_is_taken() {
    let (from, to) = long();
    for (kind, digest) in [
        (KeyKind::P256, Digest::Sha256),
        (KeyKind::P256, Digest::Sha512),
        (KeyKind::P256InFull, Digest::Sha256),
        (KeyKind::P384, Digest::Sha384),
        (KeyKind::P384, Digest::Sha256),
        (KeyKind::Rsa(2048), Digest::Sha256),
        (KeyKind::Rsa(3072), Digest::Sha512),
        (KeyKind::RsaPss(2048), Digest::Sha256),
        (KeyKind::RsaPss(2048), Digest::Sha384),
    ] {
        let key = || Key::make(kind, digest).unwrap();
        let authority = Authority::self_signed(&Profile::authority("UT", from, to), key()).unwrap();
        let signer = authority
            .certify(&Profile::signer("UT", from, to), key())
            .unwrap();
        let country = Country { authority, signer };
        let plan = wrong(|plan| (plan.group_digest, plan.content_digest) = (digest, digest));
        assert!(country.tries(&plan).is_ok(), "{kind:?} {digest:?}");
    }
}

#[test]
fn a_security_object_that_is_wrong_in_one_way_is_refused_for_it() {
    let country = Country::named("UT");
    let extra = Country::named("UT").signer.certificate;
    let attributes = |attributes| wrong(move |plan| plan.attributes = attributes);
    for (plan, refusal) in [
        (wrong(|it| it.lds_version = 2), Refusal::LdsVersion),
        (wrong(|it| it.lds_version = 1), Refusal::LdsVersion),
        (wrong(|it| it.version_info = true), Refusal::LdsVersion),
        (
            wrong(|it| it.content_type = "1.2.840.113549.1.7.1"),
            Refusal::NotASecurityObject,
        ),
        (
            wrong(|it| it.content_type = "2.23.136.1.1.2"),
            Refusal::NotASecurityObject,
        ),
        (
            wrong(|it| it.outer_type = "1.2.840.113549.1.7.3"),
            Refusal::NotSignedData,
        ),
        (attributes(Attributes::None), Refusal::NoSignedAttributes),
        (
            attributes(Attributes::WithoutContentType),
            Refusal::SignedContentType,
        ),
        (
            attributes(Attributes::OtherContentType),
            Refusal::SignedContentType,
        ),
        (attributes(Attributes::WithoutDigest), Refusal::NoMessageDigest),
        (attributes(Attributes::TwoDigests), Refusal::NoMessageDigest),
        (attributes(Attributes::OtherDigest), Refusal::MessageDigest),
        (wrong(|it| it.group_digest = Digest::Sha1), Refusal::WeakHash),
        (wrong(|it| it.group_digest = Digest::Md5), Refusal::WeakHash),
        (wrong(|it| it.content_digest = Digest::Sha1), Refusal::WeakHash),
        (
            wrong(|it| it.content_digest = Digest::Sha384),
            Refusal::UnknownAlgorithm,
        ),
        (
            wrong(|it| it.more_certificates = vec![extra]),
            Refusal::Certificates,
        ),
        (wrong(|it| it.with_certificate = false), Refusal::Certificates),
        (wrong(|it| it.signed_twice = true), Refusal::Signatures),
        (
            wrong(|it| it.groups.push(it.groups[0].clone())),
            Refusal::Group(1),
        ),
        (wrong(|it| it.groups.push((17, vec![0]))), Refusal::Group(17)),
        (wrong(|it| it.groups.push((0, vec![0]))), Refusal::Group(0)),
        (wrong(|it| drop(it.groups.remove(0))), Refusal::GroupMissing(1)),
    ] {
        assert_eq!(country.tries(&plan).err(), Some(refusal), "{plan:?}");
    }
}

#[test]
fn a_signature_names_the_certificate_that_is_inside() {
    let country = Country::named("UT");
    let other = Country::with_signer(|profile| profile.serial = 8)
        .signer
        .certificate;
    let plan = wrong(|plan| {
        plan.with_certificate = false;
        plan.more_certificates = vec![other];
    });
    assert_eq!(country.tries(&plan).err(), Some(Refusal::OtherSigner));
    // Its name and number, and another key.
    let twin = Country::named("UT").signer.certificate;
    let plan = wrong(|plan| {
        plan.with_certificate = false;
        plan.more_certificates = vec![twin];
    });
    assert_eq!(country.tries(&plan).err(), Some(Refusal::ObjectSignature));
}

#[test]
fn data_groups_that_were_altered_or_never_signed_are_refused() {
    let country = Country::named("UT");
    let right = plan();
    let sod = right.sign(&country.signer).unwrap();
    let tries = |change: &dyn Fn(&mut Chip)| {
        let mut chip = chip(sod.clone(), &right.groups);
        change(&mut chip);
        authenticate(&chip, &country.anchors(), NOW).err()
    };
    let other = zone("X898902C3");
    assert_eq!(tries(&|_| {}), None);
    assert_eq!(
        tries(&|chip| chip.dg1 = dg1(&other)),
        Some(Refusal::GroupAltered(1))
    );
    assert_eq!(tries(&|chip| chip.dg1.push(0)), Some(Refusal::GroupAltered(1)));
    assert_eq!(
        tries(&|chip| chip.dg2 = Some(dg2(b"another"))),
        Some(Refusal::GroupAltered(2))
    );
    let without = wrong(|plan| plan.groups.truncate(1))
        .sign(&country.signer)
        .unwrap();
    assert_eq!(
        tries(&|chip| chip.sod = without.clone()),
        Some(Refusal::GroupMissing(2))
    );
    // The security object of another passport of the same country.
    let swapped = SodPlan::new(vec![(1, dg1(&other)), (2, dg2(b"another"))])
        .sign(&country.signer)
        .unwrap();
    assert_eq!(
        tries(&|chip| chip.sod = swapped.clone()),
        Some(Refusal::GroupAltered(1))
    );
}

#[test]
fn a_signer_that_no_pinned_authority_vouches_for_is_refused() {
    let (country, stranger) = (Country::named("UT"), Country::named("UT"));
    let sod = plan().sign(&stranger.signer).unwrap();
    let tried = authenticate(&chip(sod, &plan().groups), &country.anchors(), NOW);
    assert_eq!(tried.err(), Some(Refusal::UnknownAuthority));
    let other = Country::named("XX");
    let sod = plan().sign(&other.signer).unwrap();
    let tried = authenticate(&chip(sod, &plan().groups), &country.anchors(), NOW);
    assert_eq!(tried.err(), Some(Refusal::UnknownAuthority));
}

/// The authority's own signature, over another key.
#[test]
fn a_certificate_that_was_altered_is_nobodys() {
    let country = Country::named("UT");
    let thief = Country::named("UT").signer;
    let mut certificate = country.signer.certificate.clone();
    let key = &thief.certificate.tbs_certificate.subject_public_key_info;
    certificate.tbs_certificate.subject_public_key_info = key.clone();
    let signer = Authority {
        certificate,
        key: thief.key,
    };
    let forged = Country { signer, ..country };
    assert_eq!(forged.tries(&plan()).err(), Some(Refusal::UnknownAuthority));
}

#[test]
fn of_two_keys_of_one_name_either_vouches() {
    let (old, new) = (Country::named("UT"), Country::named("UT"));
    let both = [
        ("old.cer", old.authority.der().unwrap()),
        ("new.pem", new.authority.pem().unwrap().into()),
    ];
    let anchors = anchors(&both).unwrap();
    for country in [&old, &new] {
        let sod = plan().sign(&country.signer).unwrap();
        assert!(authenticate(&chip(sod, &plan().groups), &anchors, NOW).is_ok());
    }
}

/// A change to a signer's certificate, and what it is refused for.
type Case = (fn(&mut Profile), Refusal);

#[test]
fn a_certificate_that_is_wrong_in_one_way_is_refused_for_it() {
    use x509_cert::certificate::Version;
    use x509_cert::ext::pkix::KeyUsages;
    let signer = Refusal::NotForThis(Cert::Signer);
    let cases: [Case; 10] = [
        (|it| it.to = NOW.minus(1), Refusal::NotNow(Cert::Signer)),
        (|it| it.from = NOW.plus(1), Refusal::NotNow(Cert::Signer)),
        (|it| it.authority = true, signer),
        (|it| it.usages.clear(), signer),
        (|it| it.usages = vec![KeyUsages::KeyEncipherment], signer),
        (|it| it.usages.push(KeyUsages::KeyCertSign), signer),
        (|it| it.extended.push("2.23.136.1.1.3"), signer),
        (|it| it.version = Version::V1, signer),
        (
            |it| it.others.push(("1.2.3.4", true, vec![5, 0])),
            Refusal::CriticalExtension(Cert::Signer),
        ),
        (
            |it| it.subject = "CN=Document Signer 1,O=Synthetic,C=XX".into(),
            Refusal::OtherCountry,
        ),
    ];
    for (change, refusal) in cases {
        assert_eq!(Country::with_signer(change).tries(&plan()).err(), Some(refusal));
    }
    let harmless = Country::with_signer(|it| it.others.push(("1.2.3.4", false, vec![5, 0])));
    assert!(harmless.tries(&plan()).is_ok());
}

#[test]
fn a_signer_signs_the_kinds_of_documents_that_it_may() {
    let listing = |letter: u8| {
        let types = vec![0x30, 0x08, 0x02, 0x01, 0x00, 0x31, 0x03, 0x13, 0x01, letter];
        Country::with_signer(move |it| it.others.push(("2.23.136.1.1.6.2", false, types)))
    };
    assert!(listing(b'P').tries(&plan()).is_ok());
    assert_eq!(
        listing(b'V').tries(&plan()).err(),
        Some(Refusal::OtherDocumentType)
    );
}

#[test]
fn nobody_vouches_for_themselves() {
    let (from, to) = long();
    let country = Country::named("UT");
    let signer = Authority::self_signed(&Profile::signer("UT", from, to), p256()).unwrap();
    let own = Country { signer, ..country };
    assert_eq!(own.tries(&plan()).err(), Some(Refusal::SelfSigned));
    // An authority does not sign passports, even where it is pinned.
    let signer = own.authority.clone();
    let pinned = Country { signer, ..own };
    assert_eq!(pinned.tries(&plan()).err(), Some(Refusal::SelfSigned));
}

#[test]
fn an_authority_is_of_its_time_and_of_the_issuing_country() {
    let (from, _) = long();
    let profile = Profile::authority("UT", from, NOW.minus(1));
    let authority = Authority::self_signed(&profile, p256()).unwrap();
    let signer = authority
        .certify(&Profile::signer("UT", from, NOW.plus(DAY)), p256())
        .unwrap();
    let ended = Country { authority, signer };
    assert_eq!(ended.tries(&plan()).err(), Some(Refusal::NotNow(Cert::Authority)));
    // Another country's authority, pinned as well, signs for Utopia.
    let other = Country::named("XX");
    let refused = |state| {
        let zone = td3(state, "ERIKSSON<<ANNA", "L898902C3", "740812", "320415");
        other.tries(&SodPlan::new(vec![(1, dg1(&zone))])).err()
    };
    assert_eq!(refused("UTO"), Some(Refusal::OtherCountry));
    assert_eq!(refused("XXX"), Some(Refusal::OtherCountry));
}

#[test]
fn weak_keys_and_hashes_are_refused_wherever_they_stand() {
    let (from, to) = long();
    let country = Country::named("UT");
    for (kind, digest, refusal) in [
        (KeyKind::Rsa(1024), Digest::Sha256, Refusal::WeakKey),
        (KeyKind::P256, Digest::Sha1, Refusal::WeakHash),
        (KeyKind::Rsa(2048), Digest::Sha1, Refusal::WeakHash),
        (KeyKind::Rsa(2048), Digest::Md5, Refusal::WeakHash),
        (KeyKind::RsaPss(2048), Digest::Sha1, Refusal::WeakHash),
        (KeyKind::P521, Digest::Sha512, Refusal::UnknownAlgorithm),
    ] {
        let key = Key::make(kind, digest).unwrap();
        let signer = country
            .authority
            .certify(&Profile::signer("UT", from, to), key)
            .unwrap();
        let authority = country.authority.clone();
        let weak = Country { authority, signer };
        // The digest is named as it should be, so that the key's own is what is refused.
        let plan = match digest {
            Digest::Sha512 => wrong(|plan| plan.content_digest = Digest::Sha512),
            _ => plan(),
        };
        assert_eq!(weak.tries(&plan).err(), Some(refusal), "{kind:?} {digest:?}");
    }
    // An authority that certified with SHA-1.
    let authority = Authority {
        key: country.authority.key.clone().with(Digest::Sha1),
        ..country.authority.clone()
    };
    let signer = authority
        .certify(&Profile::signer("UT", from, to), p256())
        .unwrap();
    let weak = Country { authority, signer };
    assert_eq!(weak.tries(&plan()).err(), Some(Refusal::WeakHash));
    // An authority whose key is weak is not pinned at all.
    let small = Key::make(KeyKind::Rsa(1024), Digest::Sha256).unwrap();
    let small = Authority::self_signed(&Profile::authority("UT", from, to), small).unwrap();
    let pinned = anchors(&[("small.cer", small.der().unwrap())]);
    assert_eq!(pinned.err(), Some(AnchorFault::Nobody));
}

#[test]
fn revoked_signers_and_lists_out_of_date_are_refused() {
    let country = Country::named("UT");
    let (from, to) = long();
    let sod = plan().sign(&country.signer).unwrap();
    let with =
        |name: &str, list: Vec<u8>| anchors(&[("ut.cer", country.authority.der().unwrap()), (name, list)]);
    let tries = |list| {
        authenticate(
            &chip(sod.clone(), &plan().groups),
            &with("ut.crl", list).unwrap(),
            NOW,
        )
        .err()
    };
    let list = |serials: &[u8], to| revocation_list(&country.authority, serials, from, to).unwrap();
    assert_eq!(tries(list(&[], to)), None);
    assert_eq!(tries(list(&[3, 7], to)), Some(Refusal::Revoked));
    assert_eq!(tries(list(&[3], to)), None);
    assert_eq!(tries(list(&[3], NOW.minus(1))), Some(Refusal::StaleRevocation));
    assert_eq!(tries(list(&[7], NOW.minus(1))), Some(Refusal::Revoked));
    let strangers = revocation_list(&Country::named("UT").authority, &[], from, to).unwrap();
    let fault = AnchorFault::RevocationList("ut.crl".into());
    assert_eq!(with("ut.crl", strangers).err(), Some(fault.clone()));
    assert_eq!(with("ut.crl", vec![0x30, 0]).err(), Some(fault));
}

/// A critical extension changes what a list means: one that is not understood is not taken for a whole list.
#[test]
fn a_revocation_list_with_a_critical_extension_is_refused() {
    let Country { authority, .. } = Country::named("UT");
    let (from, to) = long();
    let with = |of_list: Option<_>, of_entries: Option<_>| {
        let extensions = [of_list.as_slice(), of_entries.as_slice()];
        let list = extended_revocation_list(&authority, &[3], from, to, extensions).unwrap();
        anchors(&[("ut.cer", authority.der().unwrap()), ("ut.crl", list)]).err()
    };
    // A delta's indicator, and the reason of an entry (RFC 5280, sections 5.2.4 and 5.3.1).
    let delta = |critical| Some(("2.5.29.27", critical, vec![2, 1, 1]));
    let reason = |critical| Some(("2.5.29.21", critical, vec![10, 1, 1]));
    assert_eq!(with(delta(false), reason(false)), None);
    let refused = Some(AnchorFault::RevocationList("ut.crl".into()));
    assert_eq!(with(delta(true), None), refused);
    assert_eq!(with(None, reason(true)), refused);
}

#[test]
fn a_master_list_counts_if_a_pinned_authority_vouches_for_its_signer() {
    let (from, to) = long();
    let (home, abroad) = (Country::named("XX"), Country::named("UT"));
    let maker = home
        .authority
        .certify(&Profile::list_signer("XX", from, to), p256())
        .unwrap();
    let listed = [
        home.authority.der().unwrap(),
        abroad.authority.der().unwrap(),
        vec![0x30, 0x00],
    ];
    let list = SodPlan::master_list(&maker, &listed).unwrap();
    let pinned = |list: Vec<u8>| anchors(&[("xx.cer", home.authority.der().unwrap()), ("all.ml", list)]);
    let anchors = pinned(list.clone()).unwrap();
    assert_eq!((anchors.len(), anchors.left_out()), (3, 1));
    let sod = plan().sign(&abroad.signer).unwrap();
    assert!(authenticate(&chip(sod, &plan().groups), &anchors, NOW).is_ok());
    // A document signer signs no lists, a stranger's list is nobody's, and a list that was altered is not signed.
    let refused = |list| match pinned(list) {
        Err(AnchorFault::MasterList(_, refusal)) => Some(refusal),
        _ => None,
    };
    let by_signer = SodPlan::master_list(&home.signer, &listed).unwrap();
    assert_eq!(refused(by_signer), Some(Refusal::NotForThis(Cert::Signer)));
    let stranger = Country::named("XX").authority;
    let stranger = stranger
        .certify(&Profile::list_signer("XX", from, to), p256())
        .unwrap();
    let strangers = SodPlan::master_list(&stranger, &listed).unwrap();
    assert_eq!(refused(strangers), Some(Refusal::UnknownAuthority));
    let mut altered = list;
    let at = altered.windows(2).position(|two| two == b"UT").unwrap();
    altered[at] = b'V';
    assert_eq!(refused(altered), Some(Refusal::MessageDigest));
}

#[test]
fn a_folder_of_anchors_holds_nothing_that_is_not_understood() {
    let country = Country::named("UT");
    let good = ("ut.cer", country.authority.der().unwrap());
    let unknown = anchors(&[good.clone(), ("readme.txt", b"hello".to_vec())]);
    assert_eq!(unknown.err(), Some(AnchorFault::UnknownFile("readme.txt".into())));
    let signer = anchors(&[good.clone(), ("signer.der", country.signer.der().unwrap())]);
    let fault = AnchorFault::Certificate("signer.der".into(), Refusal::NotForThis(Cert::Authority));
    assert_eq!(signer.err(), Some(fault));
    let garbage = anchors(&[good, ("x.pem", b"-----".to_vec())]);
    let fault = AnchorFault::Certificate("x.pem".into(), Refusal::Malformed(File::Sod));
    assert_eq!(garbage.err(), Some(fault));
    assert_eq!(anchors(&[]).err(), Some(AnchorFault::Nobody));
}

#[test]
fn a_zone_that_the_state_signed_is_checked_all_the_same() {
    let country = Country::named("UT");
    let tries = |zone: &str| country.tries(&SodPlan::new(vec![(1, dg1(zone))])).err();
    let right = zone("L898902C3");
    for (at, fault) in [
        (53, MrzFault::Number),
        (63, MrzFault::BirthDate),
        (71, MrzFault::ExpiryDate),
        (87, MrzFault::Composite),
    ] {
        let digit = right.as_bytes()[at] - b'0';
        let mut altered = right.clone();
        altered.replace_range(at..=at, &((digit + 1) % 10).to_string());
        assert_eq!(tries(&altered), Some(Refusal::Mrz(fault)), "{at}");
    }
    assert_eq!(tries(&right[1..]), Some(Refusal::Mrz(MrzFault::Form)));
    let ended = td3("UTO", "ERIKSSON<<ANNA", "L898902C3", "740812", "261122");
    assert_eq!(tries(&ended), Some(Refusal::DocumentExpired));
    let last_day = td3("UTO", "ERIKSSON<<ANNA", "L898902C3", "740812", "261123");
    assert_eq!(tries(&last_day), None);
    let no_day = td3("UTO", "ERIKSSON<<ANNA", "L898902C3", "740812", "271340");
    assert_eq!(tries(&no_day), Some(Refusal::Mrz(MrzFault::ExpiryDate)));
}

#[test]
fn files_that_are_cut_off_go_on_or_are_too_long_are_refused() {
    let country = Country::named("UT");
    let (anchors, right) = (country.anchors(), plan());
    let sod = right.sign(&country.signer).unwrap();
    let tries = |sod: Vec<u8>| authenticate(&chip(sod, &right.groups), &anchors, NOW).err();
    for length in 0..sod.len() {
        assert_eq!(
            tries(sod[..length].to_vec()),
            Some(Refusal::Malformed(File::Sod)),
            "{length}"
        );
    }
    assert_eq!(
        tries([&sod[..], &[0]].concat()),
        Some(Refusal::Malformed(File::Sod))
    );
    assert_eq!(
        tries(vec![0x77; 16 * 1024 + 1]),
        Some(Refusal::TooLong(File::Sod))
    );
    let mut long = chip(sod.clone(), &right.groups);
    long.dg1 = vec![0; 129];
    assert_eq!(
        authenticate(&long, &anchors, NOW).err(),
        Some(Refusal::TooLong(File::Dg1))
    );
    let mut long = chip(sod, &right.groups);
    long.dg2 = Some(vec![0; 128 * 1024 + 1]);
    assert_eq!(
        authenticate(&long, &anchors, NOW).err(),
        Some(Refusal::TooLong(File::Dg2))
    );
}

/// No single byte that is changed makes another passport of it, and nothing panics.
#[test]
fn a_changed_byte_makes_no_other_passport() {
    let country = Country::named("UT");
    let (anchors, right) = (country.anchors(), plan());
    let sod = right.sign(&country.signer).unwrap();
    let other = dg1(&zone("X898902C3"));
    let mut harmless = 0;
    for at in 0..sod.len() {
        for flip in [1, 0x80] {
            let mut sod = sod.clone();
            sod[at] ^= flip;
            let mut chip = chip(sod, &right.groups);
            harmless += usize::from(authenticate(&chip, &anchors, NOW).is_ok());
            chip.dg1 = other.clone();
            assert!(authenticate(&chip, &anchors, NOW).is_err(), "{at}");
        }
    }
    // What no signature covers: the identifiers that CMS repeats outside.
    assert!(harmless < 40, "{harmless}");
}

#[test]
fn utopia_issues_and_resumes() {
    let Founded { utopia, files } = Utopia::found(NOW).unwrap();
    let (certificate, key) = utopia.kept().unwrap();
    let utopia = Utopia::resume(&certificate, &key).unwrap();
    let chip = utopia
        .issue(&Holder {
            name: "MARIA GARCIA",
            number: "E12345678",
            birth_date: date!(1990 - 02 - 28),
            valid_until: date!(2033 - 01 - 02),
        })
        .unwrap();
    let passport = authenticate(&chip, &TrustAnchors::read(&files, NOW).unwrap(), NOW).unwrap();
    assert!(passport.mrz().is_named("MARIA GARCIA"));
    assert!(passport.mrz().birth().may_be(date!(1990 - 02 - 28)));
    assert_eq!(passport.valid_until(), date!(2033 - 01 - 02));
}

/// A security object that was made by nothing of ours: the certificates and the CMS by OpenSSL's own commands.
#[test]
fn what_openssl_signed_by_itself_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let groups = [(1, dg1(&zone("L898902C3"))), (2, dg2(b"picture"))];
    let object = SodPlan::new(groups.to_vec()).content().unwrap();
    std::fs::write(file("object"), object).unwrap();
    std::fs::write(
        file("signer.ext"),
        "keyUsage=critical,digitalSignature\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n",
    )
    .unwrap();
    for line in [
        "req -x509 -newkey rsa:3072 -nodes -sha256 -days 3650 -keyout ca.key -out ca.pem \
         -subj /C=UT/O=Synthetic/CN=CSCA -addext basicConstraints=critical,CA:TRUE,pathlen:0 \
         -addext keyUsage=critical,keyCertSign,cRLSign",
        "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit -nodes -keyout ds.key \
         -out ds.csr -subj /C=UT/O=Synthetic/CN=DS",
        "x509 -req -in ds.csr -CA ca.pem -CAkey ca.key -set_serial 4711 -sha256 -days 3650 -extfile signer.ext \
         -out ds.pem",
        "cms -sign -binary -nodetach -nosmimecap -in object -econtent_type 2.23.136.1.1.1 -signer ds.pem -inkey ds.key \
         -md sha256 -outform DER -out cms",
    ] {
        openssl(folder.path(), line);
    }
    let cms = std::fs::read(file("cms")).unwrap();
    let length = u16::try_from(cms.len()).unwrap().to_be_bytes();
    let sod = [&[0x77, 0x82][..], &length, &cms].concat();
    let anchors = anchors(&[("ca.pem", std::fs::read(file("ca.pem")).unwrap())]).unwrap();
    // The certificates begin when the test runs.
    let now = UnixTime(
        std::fs::metadata(file("cms"))
            .unwrap()
            .modified()
            .unwrap()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs()
            + 60,
    );
    let passport = authenticate(&chip(sod.clone(), &groups), &anchors, now).unwrap();
    assert_eq!(passport.mrz().number().expose(), "L898902C36");
    let late = authenticate(&chip(sod, &groups), &anchors, now.plus(4_000 * DAY));
    assert_eq!(late.err(), Some(Refusal::NotNow(Cert::Signer)));
}

/// And what we sign, OpenSSL takes.
#[test]
fn openssl_takes_what_we_sign() {
    let folder = tempfile::tempdir().unwrap();
    let country = Country::named("UT");
    let sod = plan().sign(&country.signer).unwrap();
    std::fs::write(folder.path().join("cms"), &sod[4..]).unwrap();
    std::fs::write(folder.path().join("ca.pem"), country.authority.pem().unwrap()).unwrap();
    let at = format!("-attime {}", NOW.0);
    openssl(
        folder.path(),
        &format!("cms -verify -inform DER -in cms -CAfile ca.pem -purpose any {at} -out object"),
    );
    let object = std::fs::read(folder.path().join("object")).unwrap();
    assert_eq!(object, plan().content().unwrap());
}

fn openssl(folder: &Path, line: &str) {
    let run = Command::new("openssl")
        .args(line.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        run.status.success(),
        "{line}: {}",
        String::from_utf8_lossy(&run.stderr)
    );
}

//! A passport of a country that does not exist.

use std::sync::OnceLock;

use cyberid_domain::UnixTime;
use cyberid_domain::clock::DAY;
use cyberid_passport::TrustAnchors;
use cyberid_passport::synthetic::{
    Authority, Digest, Key, KeyKind, Profile, SodPlan, dg1, revocation_list, td3,
};

use super::NOW;

/// A passport with what it is trusted by.
pub(crate) struct Passport {
    pub(crate) anchors: TrustAnchors,
    pub(crate) authority: Vec<u8>,
    pub(crate) dg1: Vec<u8>,
    /// That of somebody else.
    pub(crate) other_dg1: Vec<u8>,
    sods: Vec<Vec<u8>>,
    lists: Vec<Vec<u8>>,
}

fn zone(number: &str) -> String {
    td3("UTO", "ERIKSSON<<ANNA<MARIA", number, "740812", "340415")
}

pub(crate) fn passport() -> &'static Passport {
    static PASSPORT: OnceLock<Passport> = OnceLock::new();
    PASSPORT.get_or_init(|| {
        let (from, to) = (UnixTime(NOW - DAY), UnixTime(NOW + 1_000 * DAY));
        let key = || Key::make(KeyKind::P256, Digest::Sha256).unwrap();
        let authority = Authority::self_signed(&Profile::authority("UT", from, to), key()).unwrap();
        let signer = authority
            .certify(&Profile::signer("UT", from, to), key())
            .unwrap();
        let lister = authority
            .certify(&Profile::list_signer("UT", from, to), key())
            .unwrap();
        let der = authority.der().unwrap();
        let plan = SodPlan::new(vec![(1, dg1(&zone("L898902C3")))]);
        let newer = SodPlan {
            lds_version: 1,
            version_info: true,
            ..plan.clone()
        };
        let files = [("utopia.cer".to_owned(), der.clone())];
        Passport {
            anchors: TrustAnchors::read(&files, UnixTime(NOW)).unwrap(),
            dg1: dg1(&zone("L898902C3")),
            other_dg1: dg1(&zone("X898902C3")),
            sods: vec![plan.sign(&signer).unwrap(), newer.sign(&signer).unwrap()],
            lists: vec![
                der.clone(),
                SodPlan::master_list(&lister, std::slice::from_ref(&der)).unwrap(),
                revocation_list(&authority, &[7], from, to).unwrap(),
            ],
            authority: der,
        }
    })
}

pub(crate) fn security_object() -> Vec<Vec<u8>> {
    passport().sods.clone()
}

pub(crate) fn machine_zone() -> Vec<Vec<u8>> {
    let card = "I<UTOD231458907<<<<<<<<<<<<<<<7408122F1204159UTO<<<<<<<<<<<6ERIKSSON<<ANNA<MARIA<<<<<<<<<<";
    vec![zone("L898902C3").into_bytes(), card.as_bytes().to_vec()]
}

pub(crate) fn trust_anchors() -> Vec<Vec<u8>> {
    passport().lists.clone()
}

use cyberid_crypto::{Sign as _, SigningKey, jws};
use cyberid_domain::rng::SystemRng;
use serde_json::json;

use super::*;

const ISSUER: &str = "https://id.example";
const NOW: UnixTime = UnixTime(1_790_000_000);

fn key(seed: u8) -> SigningKey {
    SigningKey::from_scalar(&[seed; 32]).unwrap()
}

fn authority() -> Authority {
    let officer = |id: &str, seed| Officer {
        id: id.into(),
        key: key(seed).public_key(),
    };
    Authority {
        client_id: "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
        name: "Bureau".into(),
        encryption_key: key(9).public_key(),
        officers: vec![officer("one", 1), officer("two", 2)],
    }
}

fn order() -> Order {
    Order {
        aud: ISSUER.into(),
        authority: authority().client_id,
        network_number: Some(NetworkNumber::random(&SystemRng)),
        client_id: None,
        sub: None,
        fields: vec![Field::Name, Field::BirthDate],
        case_reference: "2026-117".into(),
        legal_basis: "Criminal Procedure Law, article 54".into(),
        iat: NOW,
        exp: NOW.plus(3600),
        notice_after: Some(NOW.plus(MAX_NOTICE_DELAY)),
        enc_jkt: authority().encryption_key.thumbprint(),
        jti: Nonce::random(&SystemRng),
    }
}

fn opened(claims: &impl Serialize) -> Result<OneSubject, OrderRefused> {
    let compact = jws::sign(&key(1), Order::TYP, claims).unwrap();
    open_order(&compact, &authority(), ISSUER).map(|ordered| ordered.subject)
}

#[test]
fn an_order_names_one_subject_in_one_of_two_ways() {
    let by_number = order();
    let number = by_number.network_number.clone().unwrap();
    assert_eq!(opened(&by_number), Ok(OneSubject::Number(number)));
    let sub = cyberid_crypto::base64url::encode(&[7; 32]);
    let client_id: ClientId = "BBBBBBBBBBBBBBBBBBBBBA".parse().unwrap();
    let by_sub = Order {
        network_number: None,
        client_id: Some(client_id.clone()),
        sub: Some(sub.clone()),
        ..order()
    };
    assert_eq!(opened(&by_sub), Ok(OneSubject::Pseudonym { client_id, sub }));
}

#[test]
fn whatever_could_name_more_than_one_is_too_wide() {
    let number = NetworkNumber::random(&SystemRng).to_string();
    let sub = cyberid_crypto::base64url::encode(&[7; 32]);
    let client = "BBBBBBBBBBBBBBBBBBBBBA";
    for subject in [
        json!({}),
        json!({"network_number": [number, number]}),
        json!({"network_number": "*"}),
        json!({"network_number": "7K2M9-?????"}),
        json!({"network_number": "7K2M9%"}),
        json!({"network_number": format!("{number},{number}")}),
        json!({"network_number": null}),
        json!({"network_number": number, "sub": sub, "client_id": client}),
        json!({"network_number": number, "client_id": client}),
        json!({"client_id": client}),
        json!({"sub": sub}),
        json!({"sub": [sub], "client_id": client}),
        json!({"sub": sub, "client_id": "*"}),
        json!({"network_numbers": [number]}),
        json!({"network_number": number, "name": "王"}),
        json!({"network_number": number, "born_before": "1980-01-01"}),
    ] {
        let mut claims = serde_json::to_value(order()).unwrap();
        let members = claims.as_object_mut().unwrap();
        members.remove("network_number");
        members.extend(subject.as_object().unwrap().clone());
        assert_eq!(opened(&claims), Err(OrderRefused::TooWide), "{subject}");
    }
}

#[test]
fn an_order_that_lacks_something_is_no_order() {
    type Change = fn(&mut Order);
    let changes: [Change; 12] = [
        |order| order.aud = "https://other.example".into(),
        |order| order.authority = ClientId::random(&SystemRng),
        |order| order.enc_jkt = digest::sha256_base64url(b"another key"),
        |order| order.fields.clear(),
        |order| order.fields = vec![Field::Name, Field::Name],
        |order| order.case_reference = "  ".into(),
        |order| order.case_reference = "x".repeat(MAX_TEXT + 1),
        |order| order.case_reference = "2026\u{1b}[2J".into(),
        |order| order.legal_basis = String::new(),
        |order| order.legal_basis = "x".repeat(MAX_TEXT + 1),
        |order| order.notice_after = Some(order.iat.plus(MAX_NOTICE_DELAY + 1)),
        |order| {
            order.network_number = None;
            order.client_id = Some(ClientId::random(&SystemRng));
            order.sub = Some("short".into());
        },
    ];
    for (nth, change) in changes.into_iter().enumerate() {
        let mut order = order();
        change(&mut order);
        assert_eq!(opened(&order), Err(OrderRefused::Invalid), "{nth}");
    }
}

#[test]
fn only_an_officer_orders_and_nothing_is_changed_afterwards() {
    let open = |compact: &str| open_order(compact, &authority(), ISSUER).map(|_| ());
    let narrow = order().sign(&key(1)).unwrap();
    assert_eq!(open(&narrow), Ok(()));
    for stranger in [key(9), key(3)] {
        let signed = order().sign(&stranger).unwrap();
        assert_eq!(open(&signed), Err(OrderRefused::Invalid));
    }
    let wide = Order {
        fields: Field::ALL.into(),
        ..order()
    };
    let wide = wide.sign(&key(1)).unwrap();
    let parts: Vec<&str> = narrow.split('.').collect();
    let altered = [parts[0], wide.split('.').nth(1).unwrap(), parts[2]].join(".");
    assert_eq!(open(&altered), Err(OrderRefused::Invalid));
}

#[test]
fn an_order_ends() {
    let order = order();
    assert_eq!(order.check_life(NOW), Ok(()));
    assert_eq!(order.check_life(NOW.plus(3660)), Err(OrderRefused::NotNow));
    let long = Order {
        exp: NOW.plus(MAX_LIFE + 1),
        ..order
    };
    assert_eq!(long.check_life(NOW), Err(OrderRefused::NotNow));
}

#[test]
fn another_officer_of_the_same_authority_signs_for_this_very_order() {
    type Change = (fn(&mut Countersignature), OrderRefused);
    let compact = order().sign(&key(1)).unwrap();
    let authority = authority();
    let good = Countersignature {
        aud: ISSUER.into(),
        authority: authority.client_id.clone(),
        order_sha256: words_sha256(&compact),
        iat: NOW,
        exp: NOW.plus(600),
        jti: Nonce::random(&SystemRng),
    };
    let check = |claims: &Countersignature, signer: u8| {
        let signed = claims.sign(&key(signer)).unwrap();
        let first = &authority.officers[0];
        check_second(&signed, &compact, first, &authority, ISSUER, NOW).map(|_| ())
    };
    assert_eq!(check(&good, 2), Ok(()));
    assert_eq!(check(&good, 1), Err(OrderRefused::SameOfficer));
    assert_eq!(check(&good, 3), Err(OrderRefused::Invalid));
    let changes: [Change; 5] = [
        (
            |it| it.aud = "https://other.example".into(),
            OrderRefused::Invalid,
        ),
        (
            |it| it.authority = ClientId::random(&SystemRng),
            OrderRefused::Invalid,
        ),
        (
            |it| it.order_sha256 = digest::sha256_base64url(b"another"),
            OrderRefused::Invalid,
        ),
        (|it| it.exp = it.iat.plus(MAX_LIFE + 1), OrderRefused::NotNow),
        (
            |it| {
                it.iat = NOW.minus(7200);
                it.exp = NOW.minus(3600);
            },
            OrderRefused::NotNow,
        ),
    ];
    for (nth, (change, refused)) in changes.into_iter().enumerate() {
        let mut second = good.clone();
        change(&mut second);
        assert_eq!(check(&second, 2), Err(refused), "{nth}");
    }
}

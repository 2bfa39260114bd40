//! Key proofs and their nonces: each works once, for this platform, now.

use cyberid_crypto::key::random_scalar_of;
use cyberid_crypto::{SigningKey, Suite};
use cyberid_domain::Rng as _;
use cyberid_domain::clock::SKEW;
use cyberid_domain::id::Nonce;
use cyberid_domain::rng::SystemRng;
use cyberid_protocol::key_proof::MAX_AGE;
use cyberid_protocol::problem::ProblemType;
use http::StatusCode;

use super::applicant::Applicant;
use super::platform::{START, TestPlatform};

async fn problem(test: &TestPlatform, applicant: &Applicant, proof: &str) -> ProblemType {
    let answer = test
        .post("/v1/enrolments", applicant.body(proof).to_string())
        .await;
    answer.problem()
}

#[tokio::test]
async fn a_nonce_is_taken_once_whatever_came_of_it() {
    let test = TestPlatform::start().await;
    let mut applicant = Applicant::new(1);
    let nonce = test.nonce().await;
    applicant.evidence = "false".into();
    let proof = applicant.proof(&nonce, START);
    assert_eq!(
        problem(&test, &applicant, &proof).await,
        ProblemType::EnrolmentRefused
    );
    applicant.evidence = "true".into();
    assert_eq!(
        problem(&test, &applicant, &proof).await,
        ProblemType::UnknownNonce
    );
    let other = Applicant::new(2);
    let stolen = other.proof(&nonce, START);
    assert_eq!(problem(&test, &other, &stolen).await, ProblemType::UnknownNonce);
    test.assert_nothing_left();
}

#[tokio::test]
async fn a_nonce_that_was_not_given_out_is_unknown() {
    let test = TestPlatform::start().await;
    let applicant = Applicant::new(1);
    let given = cyberid_crypto::base64url::decode(test.nonce().await.as_str()).unwrap();
    for at in [0, 7, 8, 23, 24, 47] {
        let mut forged = given.clone();
        forged[at] ^= 1;
        let forged: Nonce = cyberid_crypto::base64url::encode(&forged).parse().unwrap();
        let proof = applicant.proof(&forged, START);
        assert_eq!(
            problem(&test, &applicant, &proof).await,
            ProblemType::UnknownNonce
        );
    }
    let foreign = Nonce::random(&cyberid_domain::rng::SystemRng);
    let proof = applicant.proof(&foreign, START);
    assert_eq!(
        problem(&test, &applicant, &proof).await,
        ProblemType::UnknownNonce
    );
    assert_eq!(test.issuance.nonces.used(), 0);
}

#[tokio::test]
async fn a_nonce_ends_after_five_minutes() {
    let test = TestPlatform::start().await;
    let (early, late) = (test.nonce().await, test.nonce().await);
    test.clock.advance(299);
    let applicant = Applicant::new(1);
    let body = applicant.body(&applicant.proof(&early, START.plus(299)));
    assert_eq!(
        test.post("/v1/enrolments", body.to_string()).await.status,
        StatusCode::CREATED
    );
    test.clock.advance(1);
    let other = Applicant::new(2);
    let proof = other.proof(&late, START.plus(300));
    assert_eq!(problem(&test, &other, &proof).await, ProblemType::UnknownNonce);
}

#[tokio::test]
async fn used_nonces_are_forgotten_only_when_they_have_ended() {
    let test = TestPlatform::start().await;
    test.enrol(&Applicant::new(1)).await;
    test.clock.advance(299);
    test.enrol(&Applicant::new(2)).await;
    assert_eq!(test.issuance.nonces.used(), 2);
    test.clock.advance(1);
    test.enrol(&Applicant::new(3)).await;
    assert_eq!(test.issuance.nonces.used(), 2);
}

/// T14: what an earlier process used is not known any more, so that nothing it gave out is taken.
#[tokio::test]
async fn a_nonce_of_an_earlier_process_is_not_taken() {
    let mut test = TestPlatform::start().await;
    let applicant = Applicant::new(1);
    let (used, unused) = (test.nonce().await, test.nonce().await);
    let body = applicant.body(&applicant.proof(&used, START)).to_string();
    assert_eq!(
        test.post("/v1/enrolments", body.clone()).await.status,
        StatusCode::CREATED
    );
    test.restart();
    assert_eq!(
        test.post("/v1/enrolments", body).await.problem(),
        ProblemType::UnknownNonce
    );
    let other = Applicant::new(2);
    let proof = other.proof(&unused, START);
    assert_eq!(problem(&test, &other, &proof).await, ProblemType::UnknownNonce);
}

#[tokio::test]
async fn a_key_proof_is_for_this_platform_and_of_this_moment() {
    let test = TestPlatform::start().await;
    let applicant = Applicant::new(1);
    let nonce = test.nonce().await;
    let elsewhere = applicant.proof_for("https://other.example", &nonce, START);
    assert_eq!(
        problem(&test, &applicant, &elsewhere).await,
        ProblemType::InvalidMessage
    );
    let old = applicant.proof(&nonce, START.minus(MAX_AGE + SKEW));
    assert_eq!(
        problem(&test, &applicant, &old).await,
        ProblemType::ExpiredMessage
    );
    let future = applicant.proof(&nonce, START.plus(SKEW + 1));
    assert_eq!(
        problem(&test, &applicant, &future).await,
        ProblemType::ExpiredMessage
    );
    assert_eq!(test.issuance.nonces.used(), 0);
    let good = applicant.body(&applicant.proof(&nonce, START));
    assert_eq!(
        test.post("/v1/enrolments", good.to_string()).await.status,
        StatusCode::CREATED
    );
}

/// A platform runs on one suite: a key of the other one proves itself as well, and is bound to nobody.
#[tokio::test]
async fn a_key_of_the_other_suite_is_refused() {
    let test = TestPlatform::start().await;
    let scalar = random_scalar_of(Suite::Sm, |out| SystemRng.fill(out)).unwrap();
    let mut applicant = Applicant::new(1);
    applicant.device = SigningKey::of(Suite::Sm, &scalar).unwrap();
    let proof = applicant.proof(&test.nonce().await, START);
    assert_eq!(
        problem(&test, &applicant, &proof).await,
        ProblemType::InvalidMessage
    );
    assert_eq!(test.issuance.nonces.used(), 0);
    test.assert_nothing_left();
}

#[tokio::test]
async fn what_is_no_key_proof_is_invalid() {
    use cyberid_crypto::jws;
    use cyberid_protocol::key_proof::KeyProof;

    let test = TestPlatform::start().await;
    let applicant = Applicant::new(1);
    let claims = KeyProof {
        aud: super::platform::ISSUER.into(),
        nonce: test.nonce().await,
        iat: START,
    };
    let without_key = jws::sign(&applicant.device, "cyberid-key-proof+jwt", &claims).unwrap();
    let other_type = jws::sign_embedding_key(&applicant.device, "cyberid-proof+jwt", &claims).unwrap();
    let mut altered = claims.sign(&applicant.device).unwrap();
    altered.truncate(altered.len() - 2);
    for proof in [without_key, other_type, altered, "a.b.c".into(), String::new()] {
        assert_eq!(
            problem(&test, &applicant, &proof).await,
            ProblemType::InvalidMessage
        );
    }
    test.assert_nothing_left();
}

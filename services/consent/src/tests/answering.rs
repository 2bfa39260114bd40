use cyberid_crypto::{base64url, digest};
use cyberid_domain::check::Check;
use cyberid_domain::field::Field;
use cyberid_domain::id::{Nonce, ReleaseId};
use cyberid_domain::rng::SystemRng;
use cyberid_domain::subject::SubjectStatus;
use cyberid_domain::{Clock as _, UnixTime};
use cyberid_protocol::canonical;
use cyberid_protocol::consent::Consent as Claims;
use cyberid_protocol::leaf::{self, Leaf};
use cyberid_protocol::message::Message as _;
use cyberid_protocol::problem::{Problem, ProblemType};
use cyberid_protocol::receipt::Receipt;
use cyberid_protocol::registration::Registration;
use cyberid_protocol::request::Consented;
use cyberid_storage::relying_party::{RelyingParties as _, RelyingParty};
use cyberid_storage::subject::Subjects as _;
use cyberid_tlog::receipt::TlogProof;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::people::{agree, read_request};
use super::{LeafKind, Platform};

#[tokio::test]
async fn a_consent_is_in_the_witnessed_log_before_its_holder_is_answered() {
    let platform = Platform::start().await;
    let id = platform.ask().await;
    let compact = platform.request_object(&id).await;
    let claims = agree(&compact, &*platform.clock);
    let consented: Consented = platform.answer(&id, &claims, &platform.alice).await.json();
    let receipt = consented.receipt;

    let leaf = Leaf::from_text(&receipt.leaf).unwrap();
    assert_eq!(
        (leaf.kind, leaf.fields.as_ref()),
        (LeafKind::ConsentGranted, Some(&claims.fields))
    );
    let salt = base64url::decode_array(&receipt.record.evidence.salt).unwrap();
    assert_eq!(
        leaf.subject_commitment,
        Some(leaf::subject_commitment(&salt, &platform.alice.jkt()))
    );
    let sha256 = digest::sha256_base64url(receipt.record.evidence.consent.as_bytes());
    assert_eq!(leaf.consent_sha256, Some(sha256));
    let proof = TlogProof::parse(receipt.proof.as_bytes()).unwrap();
    let anchors = &platform.anchors;
    let entry = proof
        .verify(receipt.leaf.as_bytes(), &anchors.ledger, &anchors.policy)
        .unwrap();
    assert_eq!(entry.cosignatures().len(), 1);
    assert_eq!(
        receipt.record.evidence.statement,
        read_request(&compact).statement.text
    );
    assert_eq!(platform.logged(&id).await, [LeafKind::ConsentGranted]);

    let view = platform
        .call(
            Method::GET,
            &format!("/v1/releases/{id}"),
            &platform.as_rp(),
            None,
        )
        .await;
    let view: Value = view.json();
    assert_eq!(
        (&view["status"], &view["fields"]),
        (&json!("granted"), &json!(["name", "birth_date"]))
    );
    assert_eq!(view["consent_id"], consented.consent_id.as_str());
}

#[tokio::test]
async fn some_of_the_fields_can_be_granted() {
    let platform = Platform::start().await;
    let id = platform.ask().await;
    let mut claims = agree(&platform.request_object(&id).await, &*platform.clock);
    claims.fields = vec![Field::BirthDate];
    let consented: Consented = platform.answer(&id, &claims, &platform.alice).await.json();
    assert_eq!(consented.receipt.record.granted(), [Field::BirthDate]);
}

/// Every member with another value; a test below proves that none is missing.
fn changes() -> Vec<(&'static str, Value)> {
    let other_sha256 = json!(digest::sha256_base64url(b"other"));
    vec![
        ("aud", json!("https://other.example")),
        ("rp", json!("AAAAAAAAAAAAAAAAAAAAAA")),
        ("request", json!(ReleaseId::random(&SystemRng).as_str())),
        ("purpose", json!("newsletter")),
        ("fields", json!(["name", "birth_date", "valid_until"])),
        ("fields", json!(["birth_date", "name"])),
        ("fields", json!(["name", "name"])),
        ("fields", json!([])),
        ("legal_basis", json!("consent")),
        ("retention_days", json!(31)),
        ("enc_jkt", other_sha256.clone()),
        ("notice_sha256", other_sha256.clone()),
        ("request_sha256", other_sha256.clone()),
        ("statement_sha256", other_sha256),
        ("locale", json!("zh-CN")),
    ]
}

#[tokio::test]
async fn a_consent_that_says_anything_else_than_was_shown_is_refused() {
    let platform = Platform::start().await;
    let id = platform.ask().await;
    let honest = agree(&platform.request_object(&id).await, &*platform.clock);
    for (member, value) in changes() {
        let mut changed = serde_json::to_value(&honest).unwrap();
        changed[member] = value;
        let claims: Claims = serde_json::from_value(changed).unwrap();
        assert_ne!(claims, honest, "{member}");
        let answer = platform.answer(&id, &claims, &platform.alice).await;
        assert_eq!(answer.problem(), ProblemType::ConsentMismatch, "{member}");
        let problem: Problem = serde_json::from_slice(&answer.bytes).unwrap();
        assert_eq!(problem.extensions["member"], member);
    }
    assert!(platform.logged(&id).await.is_empty());
    assert!(
        platform
            .answer(&id, &honest, &platform.alice)
            .await
            .status
            .is_success()
    );
}

#[tokio::test]
async fn every_member_is_changed_by_some_test() {
    let platform = Platform::start().await;
    let id = platform.ask().await;
    let claims = agree(&platform.request_object(&id).await, &*platform.clock);
    let members = serde_json::to_value(&claims).unwrap();
    let changed: Vec<_> = changes().into_iter().map(|(member, _)| member).collect();
    // The moment and the one use have tests of their own.
    let elsewhere = ["iat", "exp", "jti"];
    for member in members.as_object().unwrap().keys() {
        let member = member.as_str();
        assert!(
            changed.contains(&member) || elsewhere.contains(&member),
            "{member}"
        );
    }
}

#[tokio::test]
async fn a_member_changed_after_signing_breaks_the_signature() {
    let platform = Platform::start().await;
    let id = platform.ask().await;
    let claims = agree(&platform.request_object(&id).await, &*platform.clock);
    let compact = claims.sign(&platform.alice.key).unwrap();
    let parts: Vec<&str> = compact.split('.').collect();
    let signed: Value = serde_json::from_slice(&base64url::decode(parts[1]).unwrap()).unwrap();
    for (member, value) in signed.as_object().unwrap() {
        let mut changed = signed.clone();
        changed[member] = match value {
            Value::Number(number) => json!(number.as_u64().unwrap() + 1),
            Value::Array(_) => json!(["name"]),
            _ if member == "locale" => json!("zh-CN"),
            _ => json!("rel_AAAAAAAAAAAAAAAAAAAAAA"),
        };
        assert_ne!(changed, signed);
        let payload = base64url::encode(&serde_json::to_vec(&changed).unwrap());
        let forged = format!("{}.{payload}.{}", parts[0], parts[2]);
        let answer = platform.answer_compact(&id, &forged).await;
        assert_eq!(answer.problem(), ProblemType::InvalidMessage, "{member}");
    }
}

#[tokio::test]
async fn the_statement_of_another_language_is_not_the_one_that_was_shown() {
    let platform = Platform::start().await;
    let id = platform.ask().await;
    let english = agree(&platform.request_object(&id).await, &*platform.clock);
    let chinese = platform
        .call(Method::GET, &format!("/v1/requests/{id}"), "", None)
        .await
        .text();
    let chinese = agree(&chinese, &*platform.clock);
    let mixed = Claims {
        statement_sha256: chinese.statement_sha256.clone(),
        ..english
    };
    let answer = platform.answer(&id, &mixed, &platform.alice).await;
    assert_eq!(answer.problem(), ProblemType::ConsentMismatch);
    assert!(
        platform
            .answer(&id, &chinese, &platform.alice)
            .await
            .status
            .is_success()
    );
}

#[tokio::test]
async fn only_the_holder_who_was_asked_can_answer() {
    let platform = Platform::start().await;
    let id = platform.ask().await;
    let claims = agree(&platform.request_object(&id).await, &*platform.clock);
    let by_bob = platform.answer(&id, &claims, &platform.bob).await;
    assert_eq!(by_bob.problem(), ProblemType::NotFound);
    let stranger = super::people::Person::new(13);
    let by_stranger = platform.answer(&id, &claims, &stranger).await;
    assert_eq!(by_stranger.problem(), ProblemType::InvalidMessage);
    let (alice, suspended) = (&platform.alice, SubjectStatus::Suspended);
    platform
        .registry
        .set_status(&alice.subject, suspended)
        .await
        .unwrap();
    let while_suspended = platform.answer(&id, &claims, alice).await;
    assert_eq!(while_suspended.problem(), ProblemType::NotFound);
}

#[tokio::test]
async fn a_consent_is_of_its_moment() {
    let platform = Platform::start().await;
    let id = platform.ask().await;
    let honest = agree(&platform.request_object(&id).await, &*platform.clock);
    let now = platform.clock.now();
    let lives: [(UnixTime, UnixTime, ProblemType); 3] = [
        (now.minus(1000), now.minus(60), ProblemType::ExpiredMessage),
        (now.plus(61), now.plus(100), ProblemType::ExpiredMessage),
        (now, now.plus(86_401), ProblemType::InvalidMessage),
    ];
    for (iat, exp, problem) in lives {
        let claims = Claims {
            iat,
            exp,
            ..honest.clone()
        };
        assert_eq!(
            platform.answer(&id, &claims, &platform.alice).await.problem(),
            problem
        );
    }
    platform.clock.advance(900);
    let late = agree_again(&honest, platform.clock.now());
    assert_eq!(
        platform.answer(&id, &late, &platform.alice).await.problem(),
        ProblemType::RequestClosed
    );
}

fn agree_again(claims: &Claims, now: UnixTime) -> Claims {
    Claims {
        iat: now,
        exp: now.plus(60),
        ..claims.clone()
    }
}

#[tokio::test]
async fn a_consent_is_used_once() {
    let platform = Platform::start().await;
    let (one, two) = (platform.ask().await, platform.ask().await);
    let first = agree(&platform.request_object(&one).await, &*platform.clock);
    assert!(
        platform
            .answer(&one, &first, &platform.alice)
            .await
            .status
            .is_success()
    );
    let again = platform.answer(&one, &first, &platform.alice).await;
    assert_eq!(again.problem(), ProblemType::RequestClosed);
    let mut second = agree(&platform.request_object(&two).await, &*platform.clock);
    second.jti = first.jti.clone();
    let same_name = platform.answer(&two, &second, &platform.alice).await;
    assert_eq!(same_name.problem(), ProblemType::ReplayedMessage);
    second.jti = Nonce::random(&SystemRng);
    assert!(
        platform
            .answer(&two, &second, &platform.alice)
            .await
            .status
            .is_success()
    );
}

#[tokio::test]
async fn of_many_answers_at_once_one_is_taken() {
    let platform = Platform::start().await;
    let id = platform.ask().await;
    let compact = platform.request_object(&id).await;
    let answers = (0..10).map(|_| async {
        let claims = agree(&compact, &*platform.clock);
        platform.answer(&id, &claims, &platform.alice).await.status
    });
    let mut taken = 0;
    for status in join_all(answers).await {
        taken += usize::from(status == StatusCode::CREATED);
    }
    assert_eq!(taken, 1);
    assert_eq!(platform.logged(&id).await, [LeafKind::ConsentGranted]);
}

/// Runs all at once on this task.
pub(super) async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut pinned: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut outputs: Vec<Option<F::Output>> = pinned.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, output) in pinned.iter_mut().zip(&mut outputs) {
            if output.is_none()
                && let std::task::Poll::Ready(ready) = future.as_mut().poll(context)
            {
                *output = Some(ready);
            }
        }
        if outputs.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    outputs.into_iter().flatten().collect()
}

#[tokio::test]
async fn a_key_that_changed_since_was_not_agreed_to() {
    let platform = Platform::start().await;
    let id = platform.ask().await;
    let claims = agree(&platform.request_object(&id).await, &*platform.clock);
    platform.change_key(23, 0).await;
    let answer = platform.answer(&id, &claims, &platform.alice).await;
    assert_eq!(answer.problem(), ProblemType::ConsentMismatch);
}

#[tokio::test]
async fn a_key_that_cools_off_is_not_shown_and_voids_nothing() {
    let platform = Platform::start().await;
    platform.change_key(23, 3_600).await;
    let id = platform.ask().await;
    let compact = platform.request_object(&id).await;
    let claims = agree(&compact, &*platform.clock);
    let answer = platform.answer(&id, &claims, &platform.alice).await;
    assert_eq!(answer.status, StatusCode::CREATED);

    let late = platform.ask().await;
    let claims = agree(&platform.request_object(&late).await, &*platform.clock);
    platform.clock.advance(3_600);
    let next = platform.ask().await;
    let shown = agree(&platform.request_object(&next).await, &*platform.clock);
    assert_ne!(
        shown.enc_jkt, claims.enc_jkt,
        "nobody tidied up, and the clock says so"
    );
}

#[tokio::test]
async fn refusing_is_as_easy_as_agreeing_and_ends_the_request() {
    let platform = Platform::start().await;
    let id = platform.ask().await;
    let path = format!("/v1/requests/{id}/answer");
    let declined = platform
        .call(Method::POST, &path, "", Some(json!({"declined": true})))
        .await;
    assert_eq!(declined.status, StatusCode::NO_CONTENT);
    assert_eq!(platform.status(&id).await, "declined");
    let twice = platform
        .call(Method::POST, &path, "", Some(json!({"declined": true})))
        .await;
    assert_eq!(twice.problem(), ProblemType::RequestClosed);
    assert!(platform.logged(&id).await.is_empty());
    let other = platform.ask().await;
    for body in [
        json!({}),
        json!({"declined": false}),
        json!({"declined": true, "sealed": "x"}),
    ] {
        let answer = platform
            .call(
                Method::POST,
                &format!("/v1/requests/{other}/answer"),
                "",
                Some(body),
            )
            .await;
        assert_eq!(answer.problem(), ProblemType::MalformedRequest);
    }
    let garbage = json!({"sealed": "a.b.c.d.e"});
    let answer = platform
        .call(
            Method::POST,
            &format!("/v1/requests/{other}/answer"),
            "",
            Some(garbage),
        )
        .await;
    assert_eq!(answer.problem(), ProblemType::InvalidMessage);
}

#[tokio::test]
async fn a_receipt_and_a_list_are_for_the_holder_alone() {
    let platform = Platform::start().await;
    let (id, consent_id) = platform.granted().await;
    let path = format!("/v1/consents/{consent_id}/receipt");
    let holder = |person: &super::people::Person| format!("holder {}", person.jkt());
    let receipt = platform
        .call(Method::GET, &path, &holder(&platform.alice), None)
        .await;
    let receipt: Receipt = receipt.json();
    assert_eq!((receipt.record.id(), receipt.ledger), (&consent_id, None));
    assert_eq!(Leaf::from_text(&receipt.leaf).unwrap().request, Some(id));
    let by_bob = platform
        .call(Method::GET, &path, &holder(&platform.bob), None)
        .await;
    assert_eq!(by_bob.problem(), ProblemType::NotFound);
    let list = platform
        .call(Method::GET, "/v1/me/consents", &holder(&platform.alice), None)
        .await;
    let list: Value = list.json();
    assert_eq!(list["consents"].as_array().unwrap().len(), 1);
    assert_eq!(list["consents"][0]["consent_id"], consent_id.as_str());
    assert_eq!(list["consents"][0]["status"], "granted");
    let none = platform
        .call(Method::GET, "/v1/me/consents", &holder(&platform.bob), None)
        .await;
    assert_eq!(
        none.json::<Value>(),
        json!({"consents": [], "official_accesses": []})
    );
}

impl Platform {
    /// Another registration of the relying party is in force from now on.
    async fn change_registration(&self, change: impl FnOnce(&mut Registration)) {
        let was = self.registry.relying_party(&self.rp, self.clock.now()).await;
        let was = was.unwrap().unwrap();
        let mut registration: Registration = serde_json::from_str(&was.registration).unwrap();
        change(&mut registration);
        let next = RelyingParty {
            registration: canonical::to_string(&registration).unwrap(),
            ..was.clone()
        };
        assert!(self.registry.replace(&was, &next, None).await.unwrap());
    }
}

/// What the registration said when the holder was shown it, and says no more: nobody agreed to that.
#[tokio::test]
async fn a_registration_that_changed_since_it_was_shown_was_not_agreed_to() {
    type Change = (&'static str, fn(&mut Registration));
    let changes: [Change; 7] = [
        ("rp", |it| it.name = "Another Bank".into()),
        ("rp", |it| it.domains = vec!["another.example".into()]),
        ("notice_sha256", |it| it.intended_uses[1].legal_basis.push('x')),
        ("notice_sha256", |it| it.intended_uses[1].retention_days += 1),
        ("notice_sha256", |it| it.intended_uses[1].notice_uri.push('x')),
        ("notice_sha256", |it| it.intended_uses[1].fields.reverse()),
        ("notice_sha256", |it| {
            it.intended_uses[1].checks.push(Check::RealPerson);
        }),
    ];
    for (member, change) in changes {
        let platform = Platform::start().await;
        let (open, granted) = (platform.ask().await, platform.granted().await.0);
        let claims = agree(&platform.request_object(&open).await, &*platform.clock);
        platform.change_registration(change).await;
        let answer = platform.answer(&open, &claims, &platform.alice).await;
        assert_eq!(answer.problem(), ProblemType::ConsentMismatch);
        let problem: Problem = serde_json::from_slice(&answer.bytes).unwrap();
        assert_eq!(problem.extensions["member"], member);
        let shown_again = format!("/v1/requests/{open}?locale=en");
        let shown_again = platform.call(Method::GET, &shown_again, "", None).await;
        assert_eq!(shown_again.problem(), ProblemType::RequestClosed);
        // What is shown for the first time can be agreed to.
        let shown_now = platform
            .call(
                Method::GET,
                &format!("/v1/requests/{open}?locale=zh-CN"),
                "",
                None,
            )
            .await;
        let again = agree(&shown_now.text(), &*platform.clock);
        let answer = platform.answer(&open, &again, &platform.alice).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        // And what was granted under other terms is void.
        let redeemed = platform.redeem(&granted, None).await;
        assert_eq!(redeemed.problem(), ProblemType::ReleaseVoid, "{member}");
        assert_eq!(platform.key_holders.asked(), 0);
    }
}

#[tokio::test]
async fn a_use_that_is_registered_no_more_is_closed() {
    let platform = Platform::start().await;
    let (open, granted) = (platform.ask().await, platform.granted().await.0);
    let claims = agree(&platform.request_object(&open).await, &*platform.clock);
    platform
        .change_registration(|it| drop(it.intended_uses.pop()))
        .await;
    let answer = platform.answer(&open, &claims, &platform.alice).await;
    assert_eq!(answer.problem(), ProblemType::RequestClosed);
    let redeemed = platform.redeem(&granted, None).await;
    assert_eq!(redeemed.problem(), ProblemType::ReleaseVoid);
}

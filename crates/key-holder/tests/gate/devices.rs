//! A device beside the first is bound by the word of one that is bound, or by issuance's for fresh evidence; opens nothing
//! before this key holder's own cooling-off is over; and once unbound never again.

use cyberid_crypto::{Sign, SigningKey, base64url};
use cyberid_domain::field::Field;
use cyberid_domain::id::Nonce;
use cyberid_domain::rng::SystemRng;
use cyberid_domain::{Clock as _, UnixTime};
use cyberid_key_holder::KeyHolderError;
use cyberid_key_holder::testing::Person;
use cyberid_protocol::cancellation::Cancellation;
use cyberid_protocol::deposit::KeyHolder;
use cyberid_protocol::device::{Binding, DeviceApproval, Unbinding};
use cyberid_protocol::life::Renumbering;
use cyberid_protocol::message::Message as _;
use cyberid_protocol::warrant::WarrantRefused;
use cyberid_storage::key_holder::KeyHolderStore as _;

use super::{HOLDERS, Tested};

const COOLING_OFF: u64 = 259_200;

fn fresh_device() -> SigningKey {
    Person::new("", "").device
}

/// The words of one message under the signature of another.
fn signed_as(words: &str, signature: &str) -> String {
    let (words, _) = words.rsplit_once('.').unwrap();
    let (_, signature) = signature.rsplit_once('.').unwrap();
    format!("{words}.{signature}")
}

fn other(holder: KeyHolder) -> KeyHolder {
    match holder {
        KeyHolder::Vault => KeyHolder::Custodian,
        KeyHolder::Custodian => KeyHolder::Vault,
    }
}

impl Tested {
    fn now(&self) -> UnixTime {
        self.world.clock.now()
    }

    fn approval(&self, device: &SigningKey, by: &dyn Sign) -> String {
        self.approval_with(device, by, |_| {})
    }

    fn approval_with(
        &self,
        device: &SigningKey,
        by: &dyn Sign,
        alter: impl FnOnce(&mut DeviceApproval),
    ) -> String {
        let mut approval = DeviceApproval {
            aud: self.world.anchors().issuer,
            device_jkt: device.public_key().thumbprint(),
            iat: self.now(),
            exp: self.now().plus(300),
            jti: Nonce::random(&SystemRng),
        };
        alter(&mut approval);
        approval.sign(by).unwrap()
    }

    fn binding(&self, device: &SigningKey, approval: Option<String>) -> Binding {
        Binding {
            aud: self.gate.holder,
            subject: self.citizen.subject,
            device: device.public_key(),
            approval,
            release_from: self.now(),
            iat: self.now(),
            exp: self.now().plus(60),
            jti: Nonce::random(&SystemRng),
        }
    }

    async fn bind_device(&self, binding: &Binding) -> Result<(), KeyHolderError> {
        self.gate
            .bind(&binding.sign(&self.world.enrolment).unwrap())
            .await
    }

    async fn unbind(&self, device: &dyn Sign) -> Result<(), KeyHolderError> {
        let unbinding = Unbinding {
            aud: self.gate.holder,
            subject: self.citizen.subject,
            device: device.public_key(),
            iat: self.now(),
            exp: self.now().plus(60),
            jti: Nonce::random(&SystemRng),
        };
        self.gate
            .unbind(&unbinding.sign(&self.world.enrolment).unwrap())
            .await
    }

    /// Whether this device ends the citizen's record, and takes a number for it, here and now.
    async fn ends_and_renumbers(&self, device: &dyn Sign) -> [Result<(), KeyHolderError>; 2] {
        let (aud, iat, exp) = (self.world.anchors().issuer, self.now(), self.now().plus(60));
        let jti = Nonce::random(&SystemRng);
        let number_commitment = base64url::encode(&[7; 32]);
        let renumbering = Renumbering {
            aud: aud.clone(),
            number_commitment,
            iat,
            exp,
            jti: jti.clone(),
        };
        let cancellation = Cancellation { aud, iat, exp, jti };
        let renumbered = self.gate.renumber(&renumbering.sign(device).unwrap()).await;
        [
            renumbered,
            self.gate.erase(&cancellation.sign(device).unwrap()).await,
        ]
    }

    async fn refusal_of(&mut self, device: &SigningKey) -> Option<WarrantRefused> {
        let consent = self.world.consent(&[Field::Name]);
        let warrant = self.world.release_by(&consent, device);
        self.refusal(&warrant).await
    }
}

/// T3: a dishonest issuance that binds a device by evidence that nobody showed leads no order elsewhere and destroys nothing
/// before the cooling-off is over.
#[tokio::test]
async fn a_new_device_ends_no_record_and_takes_no_number_before_it_has_cooled_off() {
    for holder in HOLDERS {
        let tested = Tested::start(holder).await;
        let device = fresh_device();
        tested.bind_device(&tested.binding(&device, None)).await.unwrap();
        tested.world.clock.advance(COOLING_OFF - 1);
        for refused in tested.ends_and_renumbers(&device).await {
            let cooling_off: Result<(), _> = Err(KeyHolderError::Warrant(WarrantRefused::DeviceCoolingOff));
            assert_eq!(format!("{refused:?}"), format!("{cooling_off:?}"), "{holder:?}");
        }
        assert!(
            tested
                .store
                .device(&device.public_key().thumbprint())
                .await
                .unwrap()
                .is_some()
        );
        tested.world.clock.advance(1);
        for done in tested.ends_and_renumbers(&device).await {
            done.unwrap();
        }
    }
}

/// T3, T7: neither whoever asks nor issuance, which says that it may release at once, shortens it.
#[tokio::test]
async fn a_new_device_opens_nothing_before_this_key_holders_own_cooling_off() {
    for holder in HOLDERS {
        for approved in [true, false] {
            let mut tested = Tested::start(holder).await;
            let device = fresh_device();
            let approval = approved.then(|| tested.approval(&device, &tested.citizen.device));
            tested
                .bind_device(&tested.binding(&device, approval))
                .await
                .unwrap();
            let cooling_off = Some(WarrantRefused::DeviceCoolingOff);
            assert_eq!(tested.refusal_of(&device).await, cooling_off, "{holder:?}");
            tested.world.clock.advance(COOLING_OFF - 1);
            // Bound again, it does not begin anew, and is not over sooner.
            tested.bind_device(&tested.binding(&device, None)).await.unwrap();
            assert_eq!(tested.refusal_of(&device).await, cooling_off, "{holder:?}");
            tested.world.clock.advance(1);
            assert_eq!(tested.refusal_of(&device).await, None, "{holder:?}");
        }
    }
}

/// Issuance may ask for more than is configured here.
#[tokio::test]
async fn a_longer_cooling_off_is_followed() {
    let mut tested = Tested::start(KeyHolder::Custodian).await;
    let device = fresh_device();
    let longer = Binding {
        release_from: tested.now().plus(2 * COOLING_OFF),
        ..tested.binding(&device, None)
    };
    tested.bind_device(&longer).await.unwrap();
    tested.world.clock.advance(COOLING_OFF);
    let refused = tested.refusal_of(&device).await;
    assert_eq!(refused, Some(WarrantRefused::DeviceCoolingOff));
}

#[tokio::test]
async fn the_first_device_does_not_cool_off() {
    for holder in HOLDERS {
        let mut tested = Tested::start(holder).await;
        let warrant = tested.world.release(&tested.citizen, &[Field::Name]);
        assert_eq!(tested.refusal(&warrant).await, None);
    }
}

#[tokio::test]
async fn an_approval_is_of_this_key_by_a_device_of_this_record_that_may_release() {
    for holder in HOLDERS {
        let tested = Tested::start(holder).await;
        let (device, stranger) = (fresh_device(), fresh_device());
        let citizen = &tested.citizen.device;
        let wrong = [
            tested.approval(&device, &stranger),
            tested.approval(&device, &tested.neighbour.device),
            tested.approval(&stranger, citizen),
            tested.approval_with(&device, citizen, |it| it.aud = "https://other.example".into()),
            tested.approval_with(&device, citizen, |it| it.exp = it.iat.plus(301)),
            tested.approval_with(&device, citizen, |it| {
                it.iat = it.iat.minus(1_000);
                it.exp = it.iat.plus(300);
            }),
            signed_as(
                &tested.approval(&device, citizen),
                &tested.approval(&device, &stranger),
            ),
            "a.b.c".into(),
        ];
        for (at, approval) in wrong.into_iter().enumerate() {
            let refused = tested.bind_device(&tested.binding(&device, Some(approval))).await;
            assert!(
                matches!(
                    refused,
                    Err(KeyHolderError::InvalidCommand | KeyHolderError::ExpiredCommand)
                ),
                "{at} at {holder:?}"
            );
        }
        // One that cools off itself approves none.
        tested.bind_device(&tested.binding(&device, None)).await.unwrap();
        let third = tested.approval(&stranger, &device);
        let refused = tested.bind_device(&tested.binding(&stranger, Some(third))).await;
        assert!(matches!(refused, Err(KeyHolderError::InvalidCommand)));
        let good = tested.approval(&stranger, citizen);
        tested
            .bind_device(&tested.binding(&stranger, Some(good)))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn only_issuance_binds_and_unbinds_and_each_key_holder_for_itself() {
    for holder in HOLDERS {
        let tested = Tested::start(holder).await;
        let device = fresh_device();
        let binding = tested.binding(&device, None);
        let forged = binding.sign(&tested.citizen.device).unwrap();
        assert!(tested.gate.bind(&forged).await.is_err());
        let elsewhere = Binding {
            aud: other(holder),
            ..binding.clone()
        };
        assert!(tested.bind_device(&elsewhere).await.is_err());
        tested.world.clock.advance(1_000);
        let late = tested.bind_device(&binding).await;
        assert!(matches!(late, Err(KeyHolderError::ExpiredCommand)));
        assert!(tested.gate.unbind(&forged).await.is_err());
    }
}

#[tokio::test]
async fn an_unbound_device_opens_nothing_and_does_not_return() {
    for holder in HOLDERS {
        let mut tested = Tested::start(holder).await;
        let device = fresh_device();
        tested.bind_device(&tested.binding(&device, None)).await.unwrap();
        tested.world.clock.advance(COOLING_OFF);
        let lost = SigningKey::from_scalar(&[9; 32]).unwrap();
        for _ in 0..2 {
            let first = tested.citizen.device.public_key();
            let unbinding = Unbinding {
                aud: holder,
                subject: tested.citizen.subject,
                device: first,
                iat: tested.now(),
                exp: tested.now().plus(60),
                jti: Nonce::random(&SystemRng),
            };
            let signed = unbinding.sign(&tested.world.enrolment).unwrap();
            tested.gate.unbind(&signed).await.unwrap();
            tested.unbind(&lost).await.unwrap();
        }
        let consent = tested.world.release(&tested.citizen, &[Field::Name]);
        let refused = tested.refusal(&consent).await;
        assert_eq!(refused, Some(WarrantRefused::UnknownDevice), "{holder:?}");
        assert_eq!(
            tested.refusal_of(&device).await,
            None,
            "the other one is not touched"
        );
        let again = tested.bind_device(&tested.binding(&lost, None)).await;
        assert!(matches!(again, Err(KeyHolderError::NotDepositable)));
    }
}

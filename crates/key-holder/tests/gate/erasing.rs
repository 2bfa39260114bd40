//! A record is destroyed by its holder's own signature, and by nobody else's.

use cyberid_crypto::Sign;
use cyberid_domain::field::Field;
use cyberid_domain::id::Nonce;
use cyberid_domain::rng::SystemRng;
use cyberid_key_holder::KeyHolderError;
use cyberid_protocol::cancellation::Cancellation;
use cyberid_protocol::message::Message as _;
use cyberid_protocol::warrant::WarrantRefused;
use cyberid_protocol::withdrawal::Withdrawal;

use super::{HOLDERS, Tested};

impl Tested {
    fn cancellation(&self) -> Cancellation {
        let now = cyberid_domain::Clock::now(&*self.world.clock);
        Cancellation {
            aud: self.world.anchors().issuer,
            iat: now,
            exp: now.plus(300),
            jti: Nonce::random(&SystemRng),
        }
    }

    async fn erase(&self, cancellation: &Cancellation, key: &dyn Sign) -> Result<(), KeyHolderError> {
        self.gate.erase(&cancellation.sign(key).unwrap()).await
    }
}

#[tokio::test]
async fn the_holder_of_a_record_has_it_destroyed_for_good() {
    for holder in HOLDERS {
        let mut tested = Tested::start(holder).await;
        let before = tested.world.release(&tested.citizen, &[Field::Name]);
        let cancellation = tested.cancellation();
        for _ in 0..2 {
            tested.erase(&cancellation, &tested.citizen.device).await.unwrap();
        }
        let refused = tested.refusal(&before).await;
        assert_eq!(refused, Some(WarrantRefused::UnknownDevice), "{holder:?}");
        let neighbours = tested.world.release(&tested.neighbour, &[Field::Name]);
        assert_eq!(
            tested.refusal(&neighbours).await,
            None,
            "{holder:?}: the neighbour's stays"
        );
    }
}

/// The platform may have been down for long after it took it.
#[tokio::test]
async fn a_cancellation_is_followed_however_old() {
    for holder in HOLDERS {
        let mut tested = Tested::start(holder).await;
        let cancellation = tested.cancellation();
        tested.world.clock.advance(1_000_000);
        tested.erase(&cancellation, &tested.citizen.device).await.unwrap();
        let warrant = tested.world.release(&tested.citizen, &[Field::Name]);
        assert_eq!(
            tested.refusal(&warrant).await,
            Some(WarrantRefused::UnknownDevice)
        );
    }
}

#[tokio::test]
async fn nobody_else_has_a_record_destroyed() {
    for holder in HOLDERS {
        let mut tested = Tested::start(holder).await;
        let honest = tested.cancellation();
        // Issuance's key says who is enrolled, and not who goes.
        let by_issuance = tested.erase(&honest, &tested.world.enrolment).await;
        assert!(by_issuance.is_ok(), "it names nobody's record");
        let mut elsewhere = honest.clone();
        elsewhere.aud = "https://other.example".into();
        let refused = tested.erase(&elsewhere, &tested.citizen.device).await;
        assert!(matches!(refused, Err(KeyHolderError::InvalidCommand)));
        let withdrawal = Withdrawal {
            aud: honest.aud.clone(),
            consent: "con_AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
            iat: honest.iat,
            exp: honest.exp,
            jti: honest.jti.clone(),
        };
        let another_message = withdrawal.sign(&tested.citizen.device).unwrap();
        let refused = tested.gate.erase(&another_message).await;
        assert!(matches!(refused, Err(KeyHolderError::InvalidCommand)));
        let compact = honest.sign(&tested.neighbour.device).unwrap();
        let header = honest.sign(&tested.citizen.device).unwrap();
        let spliced = format!(
            "{}.{}",
            header.split_once('.').unwrap().0,
            compact.split_once('.').unwrap().1
        );
        let refused = tested.gate.erase(&spliced).await;
        assert!(matches!(refused, Err(KeyHolderError::InvalidCommand)));
        let warrant = tested.world.release(&tested.citizen, &[Field::Name]);
        assert_eq!(
            tested.refusal(&warrant).await,
            None,
            "{holder:?}: the record stays"
        );
    }
}

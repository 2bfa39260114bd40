//! A record is bound to a fresh number by its holder's own signature, and by nobody else's.

use cyberid_crypto::{Sign, base64url};
use cyberid_domain::field::Field;
use cyberid_domain::id::Nonce;
use cyberid_domain::number::NetworkNumber;
use cyberid_domain::rng::SystemRng;
use cyberid_key_holder::KeyHolderError;
use cyberid_protocol::enrolment::number_commitment;
use cyberid_protocol::life::Renumbering;
use cyberid_protocol::message::Message as _;
use cyberid_protocol::warrant::WarrantRefused;

use super::{HOLDERS, Tested};

impl Tested {
    fn renumbering(&self, salt: &[u8; 32], number: &NetworkNumber) -> Renumbering {
        let now = cyberid_domain::Clock::now(&*self.world.clock);
        Renumbering {
            aud: self.world.anchors().issuer,
            number_commitment: number_commitment(salt, number),
            iat: now,
            exp: now.plus(300),
            jti: Nonce::random(&SystemRng),
        }
    }

    async fn renumber(&self, word: &Renumbering, key: &dyn Sign) -> Result<(), KeyHolderError> {
        self.gate.renumber(&word.sign(key).unwrap()).await
    }

    /// Whether an order that names the citizen's present number opens their record.
    async fn opens(&mut self) -> Result<(), WarrantRefused> {
        let warrant = self.world.official(&self.citizen, &[Field::Name]);
        match self.gate.admit_official(&warrant).await {
            Ok(_) => Ok(()),
            Err(KeyHolderError::Warrant(refused)) => Err(refused),
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn orders_follow_the_fresh_number_and_no_longer_the_old_one() {
    for holder in HOLDERS {
        let mut tested = Tested::start(holder).await;
        let (salt, number) = ([9; 32], NetworkNumber::random(&SystemRng));
        let word = tested.renumbering(&salt, &number);
        tested.world.clock.advance(1_000_000);
        for _ in 0..2 {
            tested.renumber(&word, &tested.citizen.device).await.unwrap();
        }
        assert_eq!(
            tested.opens().await,
            Err(WarrantRefused::SubjectDiffers),
            "{holder:?}"
        );
        (tested.citizen.number_salt, tested.citizen.network_number) = (salt, number);
        assert_eq!(tested.opens().await, Ok(()), "{holder:?}");
    }
}

#[tokio::test]
async fn a_word_of_the_future_binds_nothing_and_bars_no_later_one() {
    for holder in HOLDERS {
        let tested = Tested::start(holder).await;
        let (number, device) = (NetworkNumber::random(&SystemRng), &tested.citizen.device);
        let mut word = tested.renumbering(&[1; 32], &number);
        word.iat = word.iat.plus(cyberid_domain::clock::SKEW + 1);
        let refused = tested.renumber(&word, device).await;
        assert!(
            matches!(refused, Err(KeyHolderError::ExpiredCommand)),
            "{holder:?}"
        );
        let word = tested.renumbering(&[1; 32], &number);
        tested.renumber(&word, device).await.unwrap();
    }
}

#[tokio::test]
async fn an_earlier_word_does_not_follow_a_later_one() {
    for holder in HOLDERS {
        let tested = Tested::start(holder).await;
        let numbers = [(); 2].map(|()| NetworkNumber::random(&SystemRng));
        let first = tested.renumbering(&[1; 32], &numbers[0]);
        tested.world.clock.advance(1);
        let second = tested.renumbering(&[2; 32], &numbers[1]);
        let device = &tested.citizen.device;
        for word in [&first, &second] {
            tested.renumber(word, device).await.unwrap();
        }
        let again = tested.renumber(&first, device).await;
        assert!(matches!(again, Err(KeyHolderError::InvalidCommand)), "{holder:?}");
    }
}

#[tokio::test]
async fn nobody_else_has_a_record_bound_to_another_number() {
    for holder in HOLDERS {
        let mut tested = Tested::start(holder).await;
        let number = NetworkNumber::random(&SystemRng);
        let honest = tested.renumbering(&[9; 32], &number);
        let mut elsewhere = honest.clone();
        elsewhere.aud = "https://other.example".into();
        let mut no_commitment = honest.clone();
        no_commitment.number_commitment = base64url::encode(&[1; 31]);
        let device = &tested.citizen.device;
        for refused in [
            tested.renumber(&honest, &tested.world.enrolment).await,
            tested.renumber(&elsewhere, device).await,
            tested.renumber(&no_commitment, device).await,
            tested.gate.renumber("a.b.c").await,
        ] {
            assert!(
                matches!(refused, Err(KeyHolderError::InvalidCommand)),
                "{holder:?}"
            );
        }
        let neighbours = honest.sign(&tested.neighbour.device).unwrap();
        let header = honest.sign(device).unwrap();
        let spliced = format!(
            "{}.{}",
            header.split_once('.').unwrap().0,
            neighbours.split_once('.').unwrap().1
        );
        let refused = tested.gate.renumber(&spliced).await;
        assert!(matches!(refused, Err(KeyHolderError::InvalidCommand)));
        // The neighbour's own word binds the neighbour's record, and not this one.
        tested.gate.renumber(&neighbours).await.unwrap();
        assert_eq!(
            tested.opens().await,
            Ok(()),
            "{holder:?}: the old number still opens"
        );
    }
}

//! Making the body of a registration.

use cyberid_protocol::registration::Registration;

use crate::RpKeys;

/// What a relying party says of itself when it registers.
pub use cyberid_protocol::registration::Particulars;

/// The body of `POST /v1/relying-parties`, which an operator submits: the particulars and the public keys.
pub fn registration(particulars: Particulars, keys: &RpKeys) -> Registration {
    particulars.with_keys(keys.public_set())
}

#[cfg(test)]
mod tests {
    use cyberid_domain::rng::SystemRng;

    use super::*;

    #[test]
    fn a_registration_holds_a_key_of_each_use_and_no_private_half() {
        let keys = RpKeys::make(&SystemRng).unwrap();
        let particulars = Particulars {
            name: "示例网络服务".into(),
            domains: vec!["isp.example".into()],
            contact: "privacy@isp.example".into(),
            deletion_contact: "erase@isp.example".into(),
            intended_uses: Vec::new(),
            events_uri: None,
        };
        let registration = registration(particulars, &keys);
        assert_eq!(
            (registration.keys("sig").count(), registration.keys("enc").count()),
            (1, 1)
        );
        let json = serde_json::to_value(&registration).unwrap();
        assert!(json["jwks"]["keys"][0].get("d").is_none());
    }
}

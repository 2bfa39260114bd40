//! The archive of all data that the platform holds about this device's holder.

use cyberid_client::KeyRole;
use cyberid_crypto::PublicKey;
use cyberid_protocol::export::{Archive, ArchiveRefused, Manifest, VerifiedArchive};
use cyberid_protocol::message::Message as _;

use crate::{Holder, HolderError};

/// An archive that was fetched and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The archive, to keep.
    pub archive: Archive,
    /// The platform's key that signed it; with it the archive is checked for ever, without the platform.
    pub key: PublicKey,
    /// What is in it.
    pub verified: VerifiedArchive,
}

impl Holder {
    /// Fetches everything that the platform holds about this holder, and checks that it signed all of it, for this device.
    pub async fn export(&self) -> Result<Exported, HolderError> {
        let archive: Archive = self.session.get("/v1/me/export").await?;
        let key = self
            .platform
            .signer(KeyRole::Request, Manifest::TYP, &archive.manifest)
            .await?;
        let verified = archive.clone().verify(self.platform.issuer(), &key)?;
        if verified.manifest.sub != self.key.kid() {
            return Err(HolderError::Export(ArchiveRefused::Manifest));
        }
        Ok(Exported {
            archive,
            key,
            verified,
        })
    }
}

#[cfg(test)]
mod tests {
    use cyberid_crypto::SigningKey;
    use cyberid_domain::UnixTime;
    use cyberid_protocol::export::{FORM, PartHash};

    use super::*;
    use crate::testing::met;

    #[tokio::test]
    async fn an_archive_is_this_devices_and_the_platforms() {
        let (double, holder) = met().await;
        let manifest = |sub: &str| Manifest {
            iss: double.issuer.clone(),
            sub: sub.into(),
            form: FORM.into(),
            iat: UnixTime(7),
            parts: vec![PartHash::of("visits", "")],
            withheld: vec![],
        };
        let archive = |manifest: String| Archive {
            manifest,
            parts: [("visits".into(), String::new())].into(),
        };
        let own = holder.public_key().thumbprint();
        let good = archive(double.sign("request", &manifest(&own)));
        double.script_json("GET /v1/me/export", &serde_json::to_value(&good).unwrap());
        let exported = holder.export().await.unwrap();
        assert_eq!(exported.archive, good);
        assert!(good.verify(&double.issuer, &exported.key).is_ok(), "offline");

        let other = archive(double.sign("request", &manifest("somebody else")));
        let forged = archive(
            manifest(&own)
                .sign(&SigningKey::from_scalar(&[9; 32]).unwrap())
                .unwrap(),
        );
        let wrong_role = archive(double.sign("certificate", &manifest(&own)));
        for archive in [other, forged, wrong_role] {
            double.script_json("GET /v1/me/export", &serde_json::to_value(&archive).unwrap());
            assert!(holder.export().await.is_err());
        }
    }
}

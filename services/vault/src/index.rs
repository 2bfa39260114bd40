//! The blind index across rotations of its key. Tags of the old key and of the new one stand beside each other, because
//! nobody here knows the numbers; a person is kept under the newest key from the next contact on, at which their number is
//! at hand.

use cyberid_domain::document::{DocumentNumber, DocumentType};
use cyberid_domain::id::SubjectId;
use cyberid_key_holder::KeyHolderError;

use crate::Vault;
use crate::deposit::NewRecord;
use crate::reservation::tag_under;

impl Vault {
    /// Reserves a person under the newest key of the index, whichever key they are kept under, with the record where it comes
    /// with it; `false` if the person is taken, or the record cannot be kept.
    pub(crate) async fn reserve_person(
        &self,
        (kind, number): (DocumentType, &DocumentNumber),
        subject: &SubjectId,
        record: Option<&NewRecord>,
    ) -> Result<bool, KeyHolderError> {
        loop {
            let newest = self.index.current_id();
            let tags = self.tags_of(kind, number);
            let (tag, older) = tags.split_first().ok_or(KeyHolderError::DoesNotOpen)?;
            self.store.reindex(older, tag).await?;
            let now = self.gate.clock.now();
            let reserved = match record {
                None => self.store.reserve(tag, subject, now).await?,
                Some(NewRecord { device, jkt, fields }) => {
                    let device = (device, jkt.as_str());
                    self.store.deposit_reserving(tag, now, device, fields).await?
                }
            };
            // Under a key that was replaced meanwhile somebody else has looked for nobody.
            if self.index.current_id() == newest {
                return Ok(reserved);
            }
        }
    }

    /// The tags of a type and a canonical number: under the newest key, then under the older ones.
    fn tags_of(&self, kind: DocumentType, number: &DocumentNumber) -> Vec<[u8; 32]> {
        let keys = self.index.all().into_iter();
        keys.map(|key| tag_under(&*key, kind, number)).collect()
    }
}

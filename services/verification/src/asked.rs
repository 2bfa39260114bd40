//! What is asked of a holder, in the one form that lists are compared in: sorted, without repetition, the device among
//! the factors.

use std::borrow::Cow;

use cyberid_domain::check::{Check, Factor, distinct};
use cyberid_domain::id::{ClientId, Nonce, VerificationId};
use cyberid_protocol::proof::Proof;
use cyberid_storage::verification::Verification;

use crate::refusal::Refusal;

/// What is asked of a holder, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) client_id: ClientId,
    /// Absent when the relying party asked without the platform between.
    pub(crate) request: Option<VerificationId>,
    pub(crate) purpose: String,
    pub(crate) checks: Vec<Check>,
    pub(crate) factors: Vec<Factor>,
    pub(crate) nonce: Nonce,
    /// The pseudonym that `same_person` compares with.
    pub(crate) sub: Option<String>,
    /// Whether a guardian of the device's holder has agreed: nobody has where the platform stands not between.
    pub(crate) guardian_agreed: bool,
}

impl From<Verification> for Asked {
    fn from(row: Verification) -> Self {
        Self {
            client_id: row.client_id,
            request: Some(row.id),
            purpose: row.purpose,
            checks: row.checks,
            factors: row.factors,
            nonce: row.nonce,
            sub: row.sub,
            guardian_agreed: row.guardian_agreed,
        }
    }
}

impl Asked {
    /// What `client_id` asked directly, as the holder's proof repeats it. There is no pseudonym to compare with.
    pub(crate) fn directly(client_id: &ClientId, proof: &Proof) -> Result<Self, Refusal> {
        let checks = checks(&proof.checks).ok_or(Refusal::Message("`checks` is empty or repeats itself"))?;
        if checks.contains(&Check::SamePerson) {
            return Err(Refusal::Message("`same_person` needs a request with `sub`"));
        }
        let factors = factors(&proof.factors).ok_or(Refusal::Message("`factors` repeats itself"))?;
        Ok(Self {
            client_id: client_id.clone(),
            request: None,
            purpose: proof.purpose.clone(),
            checks,
            factors,
            nonce: proof.nonce.clone(),
            sub: None,
            guardian_agreed: false,
        })
    }

    /// Whether the holder agreed to exactly this.
    pub(crate) fn is_answered_by(&self, proof: &Proof) -> bool {
        self.client_id == proof.rp
            && self.request == proof.request
            && self.purpose == proof.purpose
            && self.nonce == proof.nonce
            && is_permutation(&proof.checks, &self.checks)
            && is_permutation(&with_device(&proof.factors), &self.factors)
    }
}

/// Whether `list` is `distinct` in another order.
fn is_permutation<T: PartialEq>(list: &[T], distinct: &[T]) -> bool {
    list.len() == distinct.len() && distinct.iter().all(|item| list.contains(item))
}

/// The checks in their one form; nothing if there is none, or one stands twice.
pub(crate) fn checks(list: &[Check]) -> Option<Vec<Check>> {
    distinct(list)
}

/// The factors in their one form, the device among them; nothing if one stands twice.
pub(crate) fn factors(list: &[Factor]) -> Option<Vec<Factor>> {
    distinct(&with_device(list))
}

fn with_device(list: &[Factor]) -> Cow<'_, [Factor]> {
    if list.contains(&Factor::Device) {
        list.into()
    } else {
        [list, &[Factor::Device]].concat().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_device_is_always_a_factor_and_nothing_stands_twice() {
        let both = Some(vec![Factor::Device, Factor::Pin]);
        assert_eq!(factors(&[Factor::Pin]), both);
        assert_eq!(factors(&[Factor::Pin, Factor::Device]), both);
        assert_eq!(factors(&[]), Some(vec![Factor::Device]));
        assert_eq!(factors(&[Factor::Pin, Factor::Pin]), None);
        assert_eq!(factors(&[Factor::Device, Factor::Device]), None);
    }

    #[test]
    fn a_list_answers_another_in_any_order_with_nothing_twice_and_nothing_more() {
        let asked = [Check::RealPerson, Check::AgeOver18];
        let answers = |list: &[Check]| is_permutation(list, &asked);
        assert!(answers(&asked) && answers(&[Check::AgeOver18, Check::RealPerson]));
        assert!(!answers(&asked[..1]) && !answers(&[Check::RealPerson, Check::RealPerson]));
        assert!(!answers(&[Check::RealPerson, Check::AgeOver18, Check::AgeOver18]));
        assert!(!answers(&[Check::RealPerson, Check::AgeOver21]));
    }
}

//! Cases that two operators decide: misuse reports and appeals.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::case::{CaseKind, Verdict};
use cyberid_domain::id::{CaseId, ClientId, SubjectId};

use crate::Result;
use crate::subject::HashedPin;

/// A case. Of a person it holds no more than the key of the device by which they brought it; of a misuse, also whose
/// identifier it is about, and the PIN that the device is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Its name.
    pub id: CaseId,
    /// What it is about.
    pub kind: CaseKind,
    /// The thumbprint of the device's key.
    pub jkt: String,
    /// The key: `04 || x || y`.
    pub key: [u8; 65],
    /// Whose identifier is misused; nobody's in an appeal.
    pub subject: Option<SubjectId>,
    /// The PIN that goes with the device; none in an appeal, and none once it is done.
    pub pin: Option<HashedPin>,
    /// When it was brought.
    pub opened_at: UnixTime,
    /// Whether the identifier was halted for it.
    pub halted: bool,
    /// What was said last, and by whom.
    pub said: Option<(Verdict, ClientId)>,
    /// When a second operator said the same.
    pub decided_at: Option<UnixTime>,
    /// When it was carried out.
    pub done_at: Option<UnixTime>,
}

impl Case {
    /// How it was decided, once it was.
    pub fn verdict(&self) -> Option<Verdict> {
        let said = self.said.as_ref().map(|(verdict, _)| *verdict);
        self.decided_at.and(said)
    }
}

/// What became of an operator's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decided {
    /// Two have said the same: it is decided.
    Now,
    /// It was decided so before.
    Before,
    /// Another operator has to say the same.
    Waiting,
    /// The same operator has said so already: one person does not decide.
    OwnWord,
    /// It was decided otherwise.
    Otherwise,
    /// There is no such case.
    NotThere,
}

/// Cases, for issuance.
///
/// Whoever edits these rows can hand an identifier to another device; no key holder opens a record for it before it has
/// cooled off, and its holder is told.
#[async_trait]
pub trait Cases: Send + Sync {
    /// Keeps a case that was just brought. `false`, and nothing written, if one of the same kind by the same key, or about the
    /// same identifier, is not done.
    async fn open_case(&self, case: &Case) -> Result<bool>;

    /// A case.
    async fn case(&self, id: &CaseId) -> Result<Option<Case>>;

    /// The cases that are not decided, at most `limit`: misuses first, which a flood of appeals does not hide, and the oldest
    /// first of each.
    async fn undecided_cases(&self, limit: u32) -> Result<Vec<Case>>;

    /// Takes an operator's word, in one transaction. It decides if another operator said the same last; a different word takes
    /// the place of the one before.
    async fn say(&self, id: &CaseId, verdict: Verdict, operator: &ClientId, now: UnixTime)
    -> Result<Decided>;

    /// The cases with something to do: a misuse that is not halted, or one that is decided and not carried out.
    async fn cases_to_do(&self) -> Result<Vec<Case>>;

    /// Records that the identifier was halted for it. Again is fine.
    async fn case_halted(&self, id: &CaseId) -> Result<()>;

    /// Records that it was carried out, and forgets the PIN. Again is fine.
    async fn case_done(&self, id: &CaseId, at: UnixTime) -> Result<()>;

    /// Whether an appeal of this key was upheld at `since` or later.
    async fn is_permitted(&self, jkt: &str, since: UnixTime) -> Result<bool>;

    /// Forgets the appeals that were brought before this, and of which nothing follows any more.
    async fn forget_appeals(&self, before: UnixTime) -> Result<()>;
}

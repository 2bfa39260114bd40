//! The last act: the regulator checks, and somebody searches the disk.

use cyberid_auditor::{AuditAnchors, DirectorySource, HttpSource, audit, export};
use cyberid_protocol::audit::AuditSummary;
use cyberid_protocol::discovery::Discovery;

use super::super::search;
use super::super::tell::{does, part, sees};
use super::{Cast, Fault};

impl Cast<'_> {
    pub(super) async fn audit(&self) -> Result<(), Fault> {
        part(7, "The regulator checks, trusting nobody here");
        let summary: AuditSummary = self.regulator()?.get("/v1/audit/summary").await?;
        sees("Regulator", "counts", &summary.kinds);
        let discovery: Discovery = self.stage.platform.get("/.well-known/cyberid").await?;
        let anchors = AuditAnchors::from(&discovery.ledger);
        let (log, policy) = anchors.parse()?;
        let source = HttpSource::new(self.stage.platform.clone(), self.regulator()?);
        let folder = self.stage.export();
        let size = export(&source, &anchors, &folder, &mut |_, _| {}).await?;
        does(
            "Regulator",
            &format!("copies the ledger of {size} leaves to {}", folder.display()),
        );
        let report = audit(
            &DirectorySource::new(&folder),
            &log,
            &policy,
            None,
            &mut |_, _| {},
        )
        .await?;
        sees(
            "Regulator",
            "the offline audit: every leaf re-hashed, every chain in order",
            &report,
        );
        Ok(())
    }

    pub(super) fn search_everything(&self) -> Result<(), Fault> {
        part(8, "What lies on the disk");
        let document = &self.person.document;
        let (files, bytes) = search::volume(self.stage.folder())?;
        let found = search::files_with(
            &self.stage.data(),
            &[document.name.expose(), document.number.expose()],
        )?;
        let exported = search::files_with(
            &self.stage.export(),
            &[document.name.expose(), document.number.expose()],
        )?;
        if !(found.is_empty() && exported.is_empty()) {
            return Err(format!("name or number found in {found:?} {exported:?}").into());
        }
        does(
            "Searcher",
            &format!("looks for name and number in {files} files ({bytes} bytes), logs included: nothing"),
        );
        Ok(())
    }
}

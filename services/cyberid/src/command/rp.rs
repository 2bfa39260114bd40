//! Scratch so that the package compiles; the owner of this file replaces it.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Rp {
    /// Nothing.
    Nothing,
}
impl Rp {
    #[expect(clippy::unused_async, reason = "scratch")]
    pub(crate) async fn run(self) -> super::Outcome {
        Ok(std::process::ExitCode::SUCCESS)
    }
}

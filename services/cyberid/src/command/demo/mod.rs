//! `cyberid demo`

mod children;
mod people;
mod search;
mod stage;
mod story;
mod tell;

use std::process::ExitCode;

use clap::Args;
use cyberid_web::{shutdown, telemetry};

use super::Outcome;
use crate::terminal::line;
use stage::Stage;

/// Play one person through everything: enrolment, verification, release, withdrawal, audit.
///
/// A synthetic identity source and a witness run as processes of their own, the platform in this one, on SQLite in a
/// temporary directory; citizen, provider and regulator act over real sockets with real keys. Afterwards the platform keeps
/// serving until Ctrl-C.
#[derive(Debug, Args)]
#[command(after_long_help = "Example:\n  cyberid demo --once")]
pub(crate) struct Demo {
    /// Exit when the story is told.
    #[arg(long)]
    once: bool,
}

impl Demo {
    pub(crate) async fn run(self) -> Outcome {
        let filter = std::env::var("CYBERID_LOG").unwrap_or_else(|_| "error".into());
        telemetry::init(telemetry::Format::Pretty, &filter)?;
        let told = shutdown::signal()?;
        let stage = Stage::set().await?;
        let tale = tokio::select! {
            tale = story::play(&stage) => tale,
            () = told => Err("stopped before the end of the story".into()),
        };
        if tale.is_ok() && !self.once {
            line(&stage.farewell());
            shutdown::signal()?.await;
        }
        stage.strike().await;
        tale.map(|()| ExitCode::SUCCESS)
    }
}

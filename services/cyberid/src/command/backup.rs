//! `cyberid backup`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use cyberid_client::key_file::PrivateKey;
use cyberid_domain::UnixTime;
use cyberid_domain::clock::{Clock as _, SystemClock};
use cyberid_domain::rng::SystemRng;
use serde_json::json;

use super::Outcome;
use crate::platform::{
    Backup as Taken, ConfigError, ConfigFile, DataDirectory, ShareDb, StoreName, backups, restore,
};
use crate::terminal::Show;

const HELP: &str = "\
Examples:
  cyberid backup key --out offline.jwk                     on a machine without a network; prints the public half
  cyberid backup take --config vault.toml                  now; a running process takes one a day by itself
  cyberid backup list --folder /mnt/backup
  cyberid backup restore --backup /mnt/backup/vault-1790000000.backup --key offline.jwk --data /var/lib/vault

The configuration of a process with a share store:
  [backup]
  folder = \"/mnt/backup\"       # on another disk; the record of erasures is there, too
  jwk = { kty = \"EC\", crv = \"P-256\", x = \"...\", y = \"...\" }
  every_hours = 24

Exit codes:
  0  done
  1  an error, or a refusal: too old, altered, for another key, without the record of erasures
  2  the command line is wrong";

/// Back up the share stores (vault.db, custodian.db), and put a backup back.
///
/// Backups are encrypted to a key that is kept offline, live for seven days, and bring nothing back that was erased since.
#[derive(Debug, Subcommand)]
#[command(after_long_help = HELP)]
pub(crate) enum Backup {
    // Each command describes itself: a description here would hide its own.
    Key(Key),
    Take(Take),
    List(List),
    Restore(Restore),
}

/// Make the key that opens backups, and print its public half for the configurations.
///
/// Make it on a machine without a network: who has the private half and a backup has the shares.
#[derive(Debug, Args)]
#[command(after_long_help = "Example:\n  cyberid backup key --out offline.jwk")]
pub(crate) struct Key {
    /// A new file for the private half, for its owner alone. It belongs on no machine with a store.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Take a backup of each share store in a data directory, now.
///
/// A running process takes its own, as often as its configuration says; this is for the moment before a change.
#[derive(Debug, Args)]
#[command(after_long_help = "Example:\n  cyberid backup take --config vault.toml")]
pub(crate) struct Take {
    /// The configuration file of the process that has the stores.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The data directory, where the configuration names none.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// List the backups in a folder.
///
/// Nothing is opened, and no key is needed. What is older than seven days is good for nothing.
#[derive(Debug, Args)]
#[command(after_long_help = "Example:\n  cyberid backup list --folder /mnt/backup --json")]
pub(crate) struct List {
    /// The folder of backups.
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Put a backup back where no store is.
///
/// Every erasure and every lost device that came after it is repeated, by the record of erasures, before anything can be opened.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Example:\n  cyberid backup restore --backup /mnt/backup/vault-1790000000.backup --key offline.jwk \\\n    --data /var/lib/vault"
)]
pub(crate) struct Restore {
    /// The backup.
    #[arg(long, value_name = "FILE")]
    backup: PathBuf,
    /// The private half of the backup key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The data directory, without a store of this kind.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The folder with the record of erasures, where it is not the backup's own.
    #[arg(long, value_name = "DIR")]
    erasures: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Backup {
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::Key(key) => key.run(),
            Self::Take(take) => take.run().await,
            Self::List(list) => list.run(),
            Self::Restore(restore) => restore.run().await,
        }
    }
}

impl Key {
    fn run(self) -> Outcome {
        let key = PrivateKey::make(&SystemRng);
        key.save(&self.out)?;
        let made = json!({ "file": self.out, "jwk": key.public_key() });
        Show::json(self.json).result(&made, |made| {
            format!(
                "The private half is in {}: keep it where no store is.\nThe public half, for `[backup] jwk`: {}",
                self.out.display(),
                made.get("jwk").map(ToString::to_string).unwrap_or_default()
            )
        });
        Ok(ExitCode::SUCCESS)
    }
}

impl Take {
    async fn run(self) -> Outcome {
        let file = ConfigFile::load(&self.config)?;
        let why = "where backups go, and the public half of the key that opens them";
        let backup = file.backup.as_ref();
        let backup = backup.ok_or(ConfigError::Missing {
            member: "backup",
            why,
        })?;
        backup.require_usable()?;
        let data = self.data.or(file.data.clone()).unwrap_or_else(|| "data".into());
        let data = DataDirectory::open(&data)?;
        let mut taken = Vec::new();
        for name in StoreName::ALL {
            let path = data.file(&name.file());
            if path.exists() {
                let store = ShareDb::open(name, &path).await?;
                let done = backup.take(&store, &data, SystemClock.now()).await;
                store.close().await;
                taken.push(done?);
            }
        }
        if taken.is_empty() {
            return Err(format!("there is no share store in {}", data.path().display()).into());
        }
        Show::json(self.json).result(&taken, |taken| words(taken));
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    fn run(self) -> Outcome {
        let found = backups(&self.folder)?;
        Show::json(self.json).result(&found, |found| words(found));
        Ok(ExitCode::SUCCESS)
    }
}

impl Restore {
    async fn run(self) -> Outcome {
        let key = PrivateKey::load(&self.key)?.to_agreement_key()?;
        let data = DataDirectory::open(&self.data)?;
        let own = self.backup.parent().unwrap_or_else(|| Path::new("."));
        let erasures = self.erasures.as_deref().unwrap_or(own);
        let now = SystemClock.now();
        let restored = restore(&self.backup, erasures, &key, data.path(), now).await?;
        Show::json(self.json).result(&restored, |restored| {
            format!(
                "{} has {} records again, as of {}. {} that were erased since are not among them, and {} devices that were \
                 lost since open nothing.",
                restored.path.display(),
                restored.records,
                moment(restored.taken_at),
                restored.erased,
                restored.unbound,
            )
        });
        Ok(ExitCode::SUCCESS)
    }
}

fn words(backups: &[Taken]) -> String {
    let line = |backup: &Taken| {
        let (store, taken) = (backup.store.as_str(), moment(backup.taken_at));
        format!("{store:<10} {taken}  {}", backup.file.display())
    };
    backups.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn moment(moment: UnixTime) -> String {
    let (hour, minute) = (moment.0 / 3_600 % 24, moment.0 / 60 % 60);
    format!("{} {hour:02}:{minute:02} UTC", moment.date())
}

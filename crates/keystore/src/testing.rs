//! A software token for tests: SoftHSM, in a folder of its own. It needs the package that `cargo xtask setup` installs;
//! without it these tests fail, and never skip.

use std::path::{Path, PathBuf};
use std::process::Command;

use cyberid_domain::secret::SecretBytes;
use tempfile::TempDir;

use crate::unlock::{TokenAccess, Unlock};

/// The library of Debian's package.
const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// The variable by which SoftHSM finds its configuration.
pub const VARIABLE: &str = "SOFTHSM2_CONF";

/// The PIN of the token's user.
pub const PIN: &str = "2718281828";

/// The token's label.
pub const LABEL: &str = "cyberid test";

/// A token in a folder of its own. A process sees it with [`VARIABLE`] set to [`configuration`](Self::configuration).
pub struct SoftHsm {
    folder: TempDir,
}

impl SoftHsm {
    /// Makes a token and initialises it.
    ///
    /// # Panics
    ///
    /// If SoftHSM is not installed, or does not make a token.
    #[expect(clippy::expect_used, reason = "a test without its token fails")]
    pub fn start() -> Self {
        let this = Self {
            folder: tempfile::tempdir().expect("a folder"),
        };
        let tokens = this.folder.path().join("tokens");
        std::fs::create_dir(&tokens).expect("a folder");
        let text = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n",
            tokens.display()
        );
        std::fs::write(this.configuration(), text).expect("a file");
        let made = Command::new("softhsm2-util")
            .args([
                "--init-token",
                "--free",
                "--label",
                LABEL,
                "--so-pin",
                "31415926",
                "--pin",
                PIN,
            ])
            .env(VARIABLE, this.configuration())
            .output()
            .expect("softhsm2-util: run `cargo xtask setup`");
        assert!(made.status.success(), "{made:?}");
        this
    }

    /// The configuration file.
    pub fn configuration(&self) -> PathBuf {
        self.folder.path().join("softhsm2.conf")
    }

    /// Where the token keeps its objects.
    pub fn tokens(&self) -> PathBuf {
        self.folder.path().join("tokens")
    }

    /// Runs one test of this executable, which is marked to be ignored otherwise, in a process that sees the token: a
    /// process may not change its own environment.
    ///
    /// # Panics
    ///
    /// If the test does not run or does not pass.
    #[expect(clippy::expect_used, reason = "a test that does not run fails")]
    pub fn run_test(&self, name: &str) {
        let ran = Command::new(std::env::current_exe().expect("this executable"))
            .args([name, "--exact", "--ignored", "--nocapture"])
            .env(VARIABLE, self.configuration())
            .output()
            .expect("a process");
        let said = String::from_utf8_lossy(&ran.stdout);
        let complained = String::from_utf8_lossy(&ran.stderr);
        assert!(
            ran.status.success() && said.contains("1 passed"),
            "{said}\n{complained}"
        );
    }

    /// What opens the token that this process sees.
    pub fn unlock() -> Unlock {
        Unlock::Token(TokenAccess {
            module: Self::module().to_owned(),
            label: LABEL.to_owned(),
            pin: SecretBytes::from(PIN.to_owned()),
        })
    }

    /// SoftHSM's library.
    pub fn module() -> &'static Path {
        Path::new(MODULE)
    }
}

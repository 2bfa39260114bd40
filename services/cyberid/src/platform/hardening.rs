//! What a process does about its own memory before it holds a secret: no core dumps and no debugger of its own user, and
//! no swap where the system allows it. What is freed is wiped by the allocator (`main.rs`).

use std::io;

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};
use serde::Deserialize;

use super::StartError;
use super::config::ConfigError;

/// The capability, by its bit in `CapEff`, of who may lock any amount of memory: capabilities(7), `CAP_IPC_LOCK`.
const CAP_IPC_LOCK: u64 = 1 << 14;

/// What is done about a process's memory.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProcessConfig {
    #[serde(default)]
    core_dumps: CoreDumps,
    #[serde(default)]
    lock_memory: LockMemory,
}

/// Whether the memory may be looked at from outside.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CoreDumps {
    /// No core is written, and nobody but root attaches to the process.
    #[default]
    Refused,
    /// A sandbox whose cores are searched.
    Allowed,
}

/// Whether memory is kept out of the swap.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum LockMemory {
    /// If the system allows it; said at the start if it does not.
    #[default]
    WhereAllowed,
    /// Or the process does not start.
    Required,
    /// The machine has no swap, or an encrypted one.
    No,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hardened {
    core_dumps: CoreDumps,
    locked: bool,
}

impl ProcessConfig {
    /// Hardens this process as configured, and says what could not be had. Run it before the first secret is read.
    pub(crate) fn apply(self, sandbox: bool) -> Result<Hardened, StartError> {
        if self.core_dumps == CoreDumps::Allowed && !sandbox {
            return Err(unusable("process.core_dumps", "only in a sandbox may memory be looked at").into());
        }
        if self.core_dumps == CoreDumps::Refused {
            refuse_core_dumps()
                .map_err(|error| StartError::other("core dumps cannot be refused")(error.into()))?;
        }
        let locked = self.lock_memory != LockMemory::No && lock_memory();
        match self.lock_memory {
            LockMemory::Required if !locked => {
                let why = "the system does not allow it: give the process CAP_IPC_LOCK or an unlimited RLIMIT_MEMLOCK";
                return Err(unusable("process.lock_memory", why).into());
            }
            LockMemory::WhereAllowed if !locked => tracing::warn!(
                "memory cannot be locked, and keys may reach a swap that this machine has: give the process CAP_IPC_LOCK or \
                 an unlimited RLIMIT_MEMLOCK (systemd: LimitMEMLOCK=infinity), or use no swap"
            ),
            _ => {}
        }
        let core_dumps = self.core_dumps;
        tracing::info!(?core_dumps, locked, "the process's memory is hardened");
        Ok(Hardened { core_dumps, locked })
    }
}

fn unusable(member: &'static str, why: &'static str) -> ConfigError {
    ConfigError::Unusable { member, why }
}

/// No core is written whatever the system's pattern says, and no process of the same user attaches: prctl(2),
/// `PR_SET_DUMPABLE`; the limit stands beside it for children and for a system that pipes cores.
fn refuse_core_dumps() -> io::Result<()> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    Ok(setrlimit(Resource::Core, none)?)
}

/// Locks every page once it is touched: an untouched page costs nothing. Under a limit that ends somewhere, a later
/// allocation would fail instead, so that it is left alone then.
fn lock_memory() -> bool {
    let limit = getrlimit(Resource::Memlock);
    if limit.maximum.is_none() && limit.current.is_some() {
        // What may be raised and is not only means that the next line does not lock.
        let _ = setrlimit(Resource::Memlock, limit_without_end());
    }
    let unlimited = getrlimit(Resource::Memlock).current.is_none();
    let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    (unlimited || may_lock_anything()) && mlockall(flags).is_ok()
}

fn limit_without_end() -> Rlimit {
    Rlimit {
        current: None,
        maximum: None,
    }
}

fn may_lock_anything() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    effective_capabilities(&status).is_some_and(|set| set & CAP_IPC_LOCK != 0)
}

fn effective_capabilities(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use rustix::process::dumpable_behavior;

    use super::*;

    fn config(text: &str) -> ProcessConfig {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn nobody_takes_a_core_of_a_process_unless_a_sandbox_says_so() {
        let allowed = config("core_dumps = 'allowed'\nlock_memory = 'no'");
        assert!(allowed.apply(false).is_err());
        assert_eq!(
            allowed.apply(true).map(|hardened| hardened.core_dumps).ok(),
            Some(CoreDumps::Allowed)
        );
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::Dumpable);
        config("lock_memory = 'no'").apply(false).unwrap();
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
        let limit = getrlimit(Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
    }

    #[test]
    fn capabilities_are_read_from_what_the_system_says() {
        let status = "Name:\tcyberid\nCapPrm:\t0000000000000000\nCapEff:\t0000000000004000\n";
        assert_eq!(effective_capabilities(status), Some(CAP_IPC_LOCK));
        assert_eq!(effective_capabilities("Name:\tcyberid\n"), None);
    }

    #[test]
    fn an_unknown_setting_is_refused() {
        assert!(toml::from_str::<ProcessConfig>("core_dump = 'allowed'").is_err());
        assert!(toml::from_str::<ProcessConfig>("lock_memory = 'yes'").is_err());
        assert_eq!(config(""), ProcessConfig::default());
    }
}

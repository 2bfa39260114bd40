//! The memory of a running process, as a core of it would hold it: every mapping that it can write to, and what it has
//! of its own. What lies in files as it was installed is left out.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::process::Command;

/// A page, and the least that can be unreadable.
const PAGE: u64 = 4096;

/// A process that stands still while its memory is read.
pub(super) struct Memory {
    id: u32,
    file: File,
}

/// One mapping, read from its beginning to its end.
pub(super) struct Mapping<'a> {
    memory: &'a Memory,
    pub(super) name: String,
    at: u64,
    end: u64,
}

impl Memory {
    /// Stops a process to read it.
    pub(super) fn of(id: u32) -> io::Result<Self> {
        let file = File::open(format!("/proc/{id}/mem"))?;
        signal(id, "-STOP");
        Ok(Self { id, file })
    }

    /// What a core would hold.
    pub(super) fn mappings(&self) -> io::Result<Vec<Mapping<'_>>> {
        let maps = fs::read_to_string(format!("/proc/{}/maps", self.id))?;
        Ok(maps.lines().filter_map(|line| self.mapping(line)).collect())
    }

    fn mapping(&self, line: &str) -> Option<Mapping<'_>> {
        let (at, end, name) = dumped(line)?;
        Some(Mapping {
            memory: self,
            name: name.to_owned(),
            at,
            end,
        })
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        signal(self.id, "-CONT");
    }
}

impl Read for Mapping<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        if wanted == 0 {
            return Ok(0);
        }
        match self.memory.file.read_at(&mut buffer[..wanted], self.at) {
            Ok(0) | Err(_) => {
                // A page that nobody can read is in no core either.
                let page = wanted.min(usize::try_from(PAGE - self.at % PAGE).unwrap());
                buffer[..page].fill(0);
                self.at += page as u64;
                Ok(page)
            }
            Ok(read) => {
                self.at += read as u64;
                Ok(read)
            }
        }
    }
}

/// Of a line of `/proc/PID/maps` its addresses and its name, if a core holds it.
fn dumped(line: &str) -> Option<(u64, u64, &str)> {
    let mut words = line.splitn(6, ' ');
    let (from, to) = words.next()?.split_once('-')?;
    let rights = words.next()?;
    let inode = words.nth(2)?;
    let name = words.next().unwrap_or_default().trim();
    let own = inode == "0" && !matches!(name, "[vvar]" | "[vsyscall]" | "[vdso]" | "[vvar_vclock]");
    let readable = rights.starts_with('r');
    let written = rights.starts_with("rw");
    let number = |text| u64::from_str_radix(text, 16).ok();
    (readable && (own || written)).then_some((number(from)?, number(to)?, name))
}

fn signal(id: u32, signal: &str) {
    let told = Command::new("kill")
        .args([signal, &id.to_string()])
        .status()
        .unwrap();
    assert!(told.success(), "kill {signal} {id}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_holds_what_is_written_and_not_what_is_installed() {
        let heap = "55d0-55d1 rw-p 00000000 00:00 0                          [heap]";
        assert_eq!(dumped(heap), Some((0x55d0, 0x55d1, "[heap]")));
        let data = "7f10-7f11 rw-p 0001c000 fd:00 131 /lib/libc.so.6";
        assert_eq!(dumped(data), Some((0x7f10, 0x7f11, "/lib/libc.so.6")));
        assert_eq!(
            dumped("7f10-7f11 rw-p 00000000 00:00 0 "),
            Some((0x7f10, 0x7f11, ""))
        );
        assert_eq!(dumped("7f10-7f11 r-xp 00002000 fd:00 131 /lib/libc.so.6"), None);
        assert_eq!(dumped("7f10-7f11 ---p 00000000 00:00 0 "), None);
        assert_eq!(dumped("7f10-7f11 r--p 00000000 00:00 0 [vvar]"), None);
    }
}

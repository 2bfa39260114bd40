//! From system calls to what happened to a directory, and what was answered meanwhile.

use std::cell::Cell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::snapshot::survives;
use super::syscall::{Call, Moment, Reader, bytes, descriptor, number};

/// The calls that change files or send answers; strace is asked for these.
pub(super) const CALLS: &str = "open,openat,creat,write,pwrite64,writev,pwritev,pwritev2,ftruncate,truncate,fallocate,\
    fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat,dup,dup2,dup3,fcntl,lseek,link,linkat,\
    symlink,symlinkat,sendto,sendmsg,copy_file_range,sendfile,msync,sync_file_range";

/// Something that happened, in the order in which it did. Paths are relative to the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// A name for a new file; nothing if it is there.
    Made(PathBuf),
    /// A name for a new directory.
    MadeDirectory(PathBuf),
    /// Bytes at a place, or at the end.
    Written {
        path: PathBuf,
        at: Option<u64>,
        bytes: Vec<u8>,
    },
    /// A new length.
    Resized { path: PathBuf, length: u64 },
    /// At least this length.
    Reserved { path: PathBuf, length: u64 },
    /// A sync of this file or directory was begun: what was written before it is meant. Whose it is tells the thread.
    SyncBegins { path: PathBuf, thread: u64 },
    /// It succeeded.
    SyncEnds { path: PathBuf, thread: u64 },
    /// A name was changed.
    Renamed { from: PathBuf, to: PathBuf },
    /// A name was removed.
    Removed(PathBuf),
    /// Bytes begin to leave to an outsider.
    Answered(Vec<u8>),
}

/// What happened below one directory, with what was answered from one address.
pub(super) struct Trace<'a> {
    root: &'a Path,
    /// How strace names the server's end of a connection to an outsider.
    address: String,
    open: HashMap<i64, Open>,
    events: Vec<Event>,
}

/// An open file: its duplicates share the place.
#[derive(Debug, Clone)]
struct Open {
    place: Rc<Cell<u64>>,
    appends: bool,
}

impl<'a> Trace<'a> {
    /// Everything that strace wrote into this file.
    pub(super) fn read(file: &Path, root: &'a Path, listen: std::net::SocketAddr) -> Vec<Event> {
        let mut trace = Self {
            root,
            address: format!("TCP:[{listen}->"),
            open: HashMap::new(),
            events: Vec::new(),
        };
        let mut reader = Reader::default();
        let mut lines = BufReader::with_capacity(1 << 20, File::open(file).unwrap());
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).unwrap() > 0 {
            if let Some(moment) = reader.line(&line) {
                trace.moment(&moment);
            }
            line.clear();
        }
        trace.events
    }

    fn moment(&mut self, moment: &Moment) {
        match moment {
            Moment::Begins(call) => self.begins(call),
            Moment::Ends(call) => self.ends(call),
            Moment::Whole(call) => {
                self.begins(call);
                self.ends(call);
            }
        }
    }

    /// An answer may leave, and a sync means what was written, from the moment that they begin.
    fn begins(&mut self, call: &Call) {
        let on = call.arguments.first().and_then(|first| descriptor(first));
        let Some((_, what)) = on else { return };
        match call.name.as_str() {
            "write" | "writev" | "sendto" | "sendmsg" if what.starts_with(&self.address) => {
                self.events.push(Event::Answered(bytes(argument(call, 1))));
            }
            "fsync" | "fdatasync" => {
                let thread = call.thread;
                if let Some(path) = self.below(Path::new(&what)) {
                    self.events.push(Event::SyncBegins { path, thread });
                }
            }
            _ => {}
        }
    }

    /// What a call changes counts from its return on.
    fn ends(&mut self, call: &Call) {
        let Some(returned) = call.returned.filter(|returned| *returned >= 0) else {
            return;
        };
        match call.name.as_str() {
            "open" | "openat" | "creat" => self.opened(call, returned),
            "rename" | "renameat" | "renameat2" => self.renamed(call),
            "unlink" | "unlinkat" | "rmdir" => {
                let path = self.named(call, 0).map(Event::Removed);
                self.events.extend(path);
            }
            "mkdir" | "mkdirat" => {
                let path = self.named(call, 0).map(Event::MadeDirectory);
                self.events.extend(path);
            }
            "dup" | "dup2" | "dup3" | "fcntl" => self.duplicated(call, returned),
            "link" | "linkat" | "symlink" | "symlinkat" | "truncate" => {
                assert!(self.named(call, 0).is_none(), "{} is not modelled", call.name);
            }
            _ => self.done_to_open(call, returned),
        }
    }

    fn done_to_open(&mut self, call: &Call, returned: i64) {
        let Some((fd, path)) = self.file(call) else { return };
        let length = u64::try_from(returned).unwrap_or_default();
        match call.name.as_str() {
            "write" | "writev" => {
                let at = self.place(fd, length);
                self.written(call, path, at, returned);
            }
            "pwrite64" | "pwritev" | "pwritev2" => {
                let at = number(argument(call, 3));
                assert!(at.is_some(), "{call:?}");
                self.written(call, path, at, returned);
            }
            "ftruncate" => {
                let length = number(argument(call, 1)).unwrap();
                self.events.push(Event::Resized { path, length });
            }
            "fallocate" => {
                let plain = argument(call, 1) == b"0";
                assert!(plain, "only a plain fallocate is modelled: {call:?}");
                let [from, length] = [2, 3].map(|at| number(argument(call, at)).unwrap());
                let length = from + length;
                self.events.push(Event::Reserved { path, length });
            }
            "fsync" | "fdatasync" => {
                let thread = call.thread;
                self.events.push(Event::SyncEnds { path, thread });
            }
            "lseek" => {
                if let Some(open) = self.open.get(&fd) {
                    open.place.set(length);
                }
            }
            // A range that was begun to be written promises nothing.
            "sync_file_range" => {}
            other => panic!("{other} on {} is not modelled", path.display()),
        }
    }

    fn opened(&mut self, call: &Call, fd: i64) {
        let flags = call.arguments.iter().find(|argument| argument.starts_with(b"O_"));
        let flags = String::from_utf8_lossy(flags.map_or(b"O_CREAT|O_TRUNC", Vec::as_slice)).into_owned();
        let open = Open {
            place: Rc::default(),
            appends: flags.contains("O_APPEND"),
        };
        self.open.insert(fd, open);
        let Some(path) = self.named(call, 0) else { return };
        if flags.contains("O_CREAT") {
            self.events.push(Event::Made(path.clone()));
        }
        if flags.contains("O_TRUNC") {
            self.events.push(Event::Resized { path, length: 0 });
        }
    }

    fn renamed(&mut self, call: &Call) {
        let (from, to) = (self.named(call, 0), self.named(call, 1));
        if let (Some(from), Some(to)) = (from, to) {
            self.events.push(Event::Renamed { from, to });
        }
    }

    fn duplicated(&mut self, call: &Call, fd: i64) {
        let duplicates = call.name != "fcntl" || argument(call, 1).starts_with(b"F_DUPFD");
        let of = call.arguments.first().and_then(|first| descriptor(first));
        if let (true, Some((of, _))) = (duplicates, of)
            && let Some(open) = self.open.get(&of).cloned()
        {
            self.open.insert(fd, open);
        }
    }

    fn written(&mut self, call: &Call, path: PathBuf, at: Option<u64>, returned: i64) {
        let mut bytes = bytes(argument(call, 1));
        bytes.truncate(usize::try_from(returned).unwrap_or_default());
        self.events.push(Event::Written { path, at, bytes });
    }

    /// Where an open file is written next, and moves on from; nothing for its end.
    fn place(&self, fd: i64, length: u64) -> Option<u64> {
        let open = self.open.get(&fd)?;
        let at = open.place.get();
        open.place.set(at + length);
        (!open.appends).then_some(at)
    }

    /// The file below the directory that a call works on by its descriptor.
    fn file(&self, call: &Call) -> Option<(i64, PathBuf)> {
        let (fd, what) = call.arguments.first().and_then(|first| descriptor(first))?;
        Some((fd, self.below(Path::new(&what))?))
    }

    /// The path of this number that a call names, if it is below the directory.
    fn named(&self, call: &Call, index: usize) -> Option<PathBuf> {
        let names = call
            .arguments
            .iter()
            .filter(|argument| argument.starts_with(b"\""));
        let name = names.map(|name| bytes(name)).nth(index)?;
        self.below(Path::new(str::from_utf8(&name).ok()?))
    }

    fn below(&self, path: &Path) -> Option<PathBuf> {
        let below = path.strip_prefix(self.root).ok()?;
        survives(below).then(|| below.to_owned())
    }
}

fn argument(call: &Call, index: usize) -> &[u8] {
    call.arguments.get(index).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(lines: &str) -> Vec<Event> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("trace");
        std::fs::write(&file, lines).unwrap();
        Trace::read(&file, Path::new("/d"), "127.0.0.1:80".parse().unwrap())
    }

    #[test]
    fn files_are_made_written_synced_and_named() {
        let seen = events(concat!(
            "1  mkdir(\"/d/head\", 0700) = 0\n",
            "1  openat(AT_FDCWD</x>, \"/d/head/a.tmp\", O_WRONLY|O_CREAT|O_TRUNC, 0600) = 4</d/head/a.tmp>\n",
            "1  write(4</d/head/a.tmp>, \"ab\", 2) = 2\n",
            "1  fcntl(4</d/head/a.tmp>, F_DUPFD_CLOEXEC, 3) = 5</d/head/a.tmp>\n",
            "1  write(5</d/head/a.tmp>, \"cd\", 2) = 1\n",
            "1  fdatasync(4</d/head/a.tmp> <unfinished ...>\n",
            "2  pwrite64(4</d/head/a.tmp>, \"z\", 1, 7) = 1\n",
            "2  write(4</d/ledger.db-shm>, \"z\", 1) = 1\n",
            "2  write(2</y>, \"z\", 1) = 1\n",
            "1  <... fdatasync resumed>) = 0\n",
            "1  rename(\"/d/head/a.tmp\", \"/d/head/a\") = 0\n",
            "1  rename(\"/d/head/a.tmp\", \"/d/head/a\") = -1 ENOENT (No such file or directory)\n",
            "1  fsync(6</d/head>) = -1 EIO (Input/output error)\n",
        ));
        let path = PathBuf::from("head/a.tmp");
        let written = |at, bytes: &[u8]| Event::Written {
            path: path.clone(),
            at: Some(at),
            bytes: bytes.into(),
        };
        let (to, thread) = ("head/a".into(), 1);
        let expected = [
            Event::MadeDirectory("head".into()),
            Event::Made(path.clone()),
            Event::Resized {
                path: path.clone(),
                length: 0,
            },
            written(0, b"ab"),
            written(2, b"c"),
            Event::SyncBegins {
                path: path.clone(),
                thread,
            },
            written(7, b"z"),
            Event::SyncEnds {
                path: path.clone(),
                thread,
            },
            Event::Renamed {
                from: path.clone(),
                to,
            },
            Event::SyncBegins {
                path: "head".into(),
                thread,
            },
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn answers_are_what_leaves_from_the_address() {
        let seen = events(concat!(
            "1  sendto(9<TCP:[127.0.0.1:80->127.0.0.1:999]>, \"HTTP\", 4, 0, NULL, 0 <unfinished ...>\n",
            "1  <... sendto resumed>) = 4\n",
            "1  sendto(9<TCP:[127.0.0.1:999->127.0.0.1:80]>, \"GET\", 3, 0, NULL, 0) = 3\n",
        ));
        assert_eq!(seen, [Event::Answered(b"HTTP".into())]);
    }
}

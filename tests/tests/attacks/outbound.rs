//! Whom the platform's processes call, as the kernel lists it.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use journeys::Part;

use crate::scene::Scene;

const PAUSE: Duration = Duration::from_millis(50);

/// Looks at the connections of the processes over and over, while the attacks run.
pub(crate) struct Watch {
    called: Arc<Mutex<BTreeSet<u16>>>,
    /// The ports of the processes themselves: they call each other.
    own: BTreeSet<u16>,
    over: Arc<AtomicBool>,
    looking: std::thread::JoinHandle<()>,
}

impl Watch {
    pub(crate) fn begin(scene: &Scene) -> Self {
        let called = Arc::new(Mutex::<BTreeSet<u16>>::default());
        let over = Arc::new(AtomicBool::new(false));
        let doors = Part::ALL.map(|part| scene.split.address(part).port());
        let processes: Vec<u32> = doors.iter().filter_map(|port| process_at(*port)).collect();
        assert_eq!(processes.len(), doors.len(), "every process is found by its port");
        let own = listening(&processes);
        let looking = {
            let (called, own, over) = (called.clone(), own.clone(), over.clone());
            std::thread::spawn(move || {
                while !over.load(Ordering::SeqCst) {
                    called.lock().unwrap().extend(called_by(&processes, &own));
                    std::thread::sleep(PAUSE);
                }
            })
        };
        Self {
            called,
            own,
            over,
            looking,
        }
    }

    /// Only each other was called; and that was seen.
    pub(crate) fn found_nobody_called(self, sink: SocketAddr) {
        self.over.store(true, Ordering::SeqCst);
        self.looking.join().unwrap();
        let called = self.called.lock().unwrap().clone();
        assert!(!called.contains(&sink.port()), "the listener was called");
        assert!(
            called.is_subset(&self.own),
            "ports called: {called:?}, not only {:?}",
            self.own
        );
        assert!(
            !called.is_empty(),
            "the watch sees what the processes say to each other"
        );
    }
}

/// The far ports of the connections that these processes opened: those that did not come to a port of their own.
fn called_by(processes: &[u32], own: &BTreeSet<u16>) -> BTreeSet<u16> {
    let sockets: BTreeSet<String> = processes
        .iter()
        .flat_map(|process| sockets_of(*process))
        .collect();
    let opened = connections().into_iter().filter(|connection| {
        sockets.contains(&connection.socket) && connection.far != 0 && !own.contains(&connection.near)
    });
    opened.map(|connection| connection.far).collect()
}

struct Connection {
    near: u16,
    far: u16,
    listens: bool,
    socket: String,
}

/// `/proc/net/{tcp,tcp6,udp,udp6}`: `proc_net_tcp.txt` of the kernel's documentation.
fn connections() -> Vec<Connection> {
    let tables = ["tcp", "tcp6", "udp", "udp6"].map(|name| fs::read_to_string(format!("/proc/net/{name}")));
    let mut all = Vec::new();
    for table in tables.into_iter().flatten() {
        for line in table.lines().skip(1) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let port = |word: &str| u16::from_str_radix(word.rsplit(':').next().unwrap(), 16).unwrap();
            all.push(Connection {
                near: port(words[1]),
                far: port(words[2]),
                listens: words[3] == "0A",
                socket: words[9].to_owned(),
            });
        }
    }
    all
}

/// The ports that these processes listen on, also those that only they themselves know of.
fn listening(processes: &[u32]) -> BTreeSet<u16> {
    let sockets: BTreeSet<String> = processes
        .iter()
        .flat_map(|process| sockets_of(*process))
        .collect();
    let own = connections()
        .into_iter()
        .filter(|connection| connection.listens && sockets.contains(&connection.socket));
    own.map(|connection| connection.near).collect()
}

/// The process that listens on a port.
fn process_at(port: u16) -> Option<u32> {
    let connections = connections();
    let socket = &connections
        .iter()
        .find(|connection| connection.listens && connection.near == port)?
        .socket;
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let mut processes = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    processes.find(|process| sockets_of(*process).contains(socket))
}

/// The sockets that a process holds.
fn sockets_of(process: u32) -> BTreeSet<String> {
    let descriptors = fs::read_dir(format!("/proc/{process}/fd"))
        .into_iter()
        .flatten()
        .flatten();
    descriptors
        .filter_map(|descriptor| {
            let target = fs::read_link(descriptor.path()).ok()?;
            let socket = target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            Some(socket.to_owned())
        })
        .collect()
}

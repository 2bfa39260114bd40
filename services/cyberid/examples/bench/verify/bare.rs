//! The cryptography of one call and nothing else, on the server's core.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Instant;

use clap::{Args, ValueEnum};
use cyberid_crypto::{Agree as _, AgreementKey, PublicKey, Sign as _, SigningKey, aead, digest, jws};
use cyberid_domain::rng::{SystemRng, random};
use cyberid_protocol::visit::SEALED;
use serde_json::{Value, json};

use crate::{core, disk, people};

/// What a journal writes at once: a group's length, its ciphertext, zeros up to the end of the page.
const PAGE: usize = 4096;
/// The length of what a relying party and a holder sign, and of what is attested.
const SIGNED: [usize; 3] = [700, 600, 700];
/// The length of a visit in the journal: day, tag, and the sealed record after its length.
const VISIT: usize = 8 + 16 + 4 + SEALED;
/// The length of an attestation.
const ATTESTATION: usize = 850;
const KEYS: u32 = 512;

/// Which call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// A direct verification: the relying party is authenticated with an access token and a proof.
    Direct,
    /// A holder's answer to a request: the seal authenticates, and opens what nobody has opened.
    Answer,
}

impl Kind {
    /// The length of the journal's entry for it.
    fn entry(self) -> usize {
        match self {
            // Kind; used proof; visit.
            Self::Direct => 1 + 24 + VISIT,
            // Kind; id; state with the attestation; opener, used proof and visit, which need not be there.
            Self::Answer => 1 + (4 + 26) + (1 + 4 + ATTESTATION) + (1 + 16) + (1 + 24) + (1 + VISIT),
        }
    }
}

/// The bare cryptography of so many calls.
#[derive(Debug, Args)]
pub(crate) struct Options {
    kind: Kind,
    #[arg(long)]
    calls: usize,
    #[arg(long)]
    connections: usize,
    #[arg(long)]
    folder: PathBuf,
}

/// Measures in a process of its own on the server's core; calls per second.
pub(crate) fn in_a_process(kind: Kind, options: &super::Options) -> f64 {
    let kind = kind.to_possible_value().unwrap();
    let found = core::found_on_the_servers_core(&[
        "bare".into(),
        kind.get_name().into(),
        format!("--calls={}", options.calls),
        format!("--connections={}", options.connections),
        format!("--folder={}", options.folder.display()),
    ]);
    found["per_second"].as_f64().unwrap()
}

/// What a call brings: keys, messages and signatures of its own.
struct Call {
    party: PublicKey,
    party_signature: [u8; 64],
    ephemeral: PublicKey,
    sealed: Vec<u8>,
    device: PublicKey,
    device_signature: [u8; 64],
}

struct Keys {
    message: AgreementKey,
    attestation: SigningKey,
    secret: [u8; 32],
    said: [Vec<u8>; 3],
}

/// So many calls, as many on their way at once as there are connections.
pub(crate) fn measure(options: &Options) -> Value {
    let Options { kind, calls, .. } = options;
    let keys = Keys {
        message: AgreementKey::from_scalar(&[9; 32]).unwrap(),
        attestation: SigningKey::from_scalar(&[7; 32]).unwrap(),
        secret: [5; 32],
        said: SIGNED.map(|length| vec![b'x'; length]),
    };
    let made: Vec<Call> = (0..KEYS).map(|person| keys.call(person)).collect();
    let path = options.folder.join("bare");
    let file = disk::preallocated(&path, calls * PAGE);
    let (entries, written) = mpsc::sync_channel(options.connections);
    let (done, room) = mpsc::channel();
    for _ in 0..options.connections {
        done.send(()).unwrap();
    }
    let begun = Instant::now();
    let writer = std::thread::spawn(move || write_in_groups(&file, &written, &done));
    for call in made.iter().cycle().take(*calls) {
        room.recv().unwrap();
        entries.send(keys.answer(*kind, call)).unwrap();
    }
    drop(entries);
    let groups = writer.join().unwrap();
    let per_second = *calls as f64 / begun.elapsed().as_secs_f64();
    std::fs::remove_file(path).unwrap();
    json!({ "per_second": per_second, "groups": groups })
}

/// Seals and writes everything that waits, syncs once, and says so to each.
fn write_in_groups(file: &File, entries: &mpsc::Receiver<Vec<u8>>, done: &mpsc::Sender<()>) -> usize {
    let (mut place, mut groups) = (0, 0);
    while let Ok(mut group) = entries.recv() {
        let mut waiting = 1;
        // As the journal does: whoever is about to queue on this core goes first, and shares the sync.
        std::thread::yield_now();
        for entry in entries.try_iter() {
            group.extend(entry);
            waiting += 1;
        }
        let sealed = aead::encrypt(&[6; 32], [0; aead::NONCE], b"page", &group);
        let mut pages = [&[0; 4], sealed.as_slice()].concat();
        pages.resize(pages.len().next_multiple_of(PAGE), 0);
        file.write_all_at(&pages, place).unwrap();
        file.sync_data().unwrap();
        place += pages.len() as u64;
        groups += 1;
        for _ in 0..waiting {
            // Nobody waits for room after the last call.
            let _ = done.send(());
        }
    }
    groups
}

impl Keys {
    fn call(&self, person: u32) -> Call {
        let (party, device) = (people::device(person), people::device(person + KEYS));
        let ephemeral = AgreementKey::ephemeral().unwrap();
        let shared = ephemeral.agree(&self.message.public_key()).unwrap();
        Call {
            party: party.public_key(),
            party_signature: party.sign(&self.said[0]).unwrap(),
            ephemeral: ephemeral.public_key(),
            sealed: aead::encrypt(
                &digest::sha256(&*shared),
                [0; aead::NONCE],
                b"header",
                &self.said[1],
            ),
            device: device.public_key(),
            device_signature: device.sign(&self.said[1]).unwrap(),
        }
    }

    /// The operations of a call, in its order; returns the entry that has to become durable.
    fn answer(&self, kind: Kind, call: &Call) -> Vec<u8> {
        if kind == Kind::Direct {
            self.authenticate(call);
        }
        // The seal.
        let shared = self.message.agree(&checked(&call.ephemeral)).unwrap();
        let key = digest::sha256(&*shared);
        aead::decrypt(&key, [0; aead::NONCE], b"header", &call.sealed).unwrap();
        // The holder's proof, which is used once; the handle of nobody, which is drawn for everybody.
        let device = checked(&call.device);
        jws::verify_signature(&device, &self.said[1], &call.device_signature).unwrap();
        drawn::<32>();
        digest::sha256(&call.device_signature);
        // The pseudonym; the visit's tag and key, and its seal.
        digest::hmac_parts(&self.mac(b"pairwise"), &[b"subject"]);
        digest::sha256(b"jti");
        digest::hmac_parts(&self.mac(b"day"), &[b"subject"]);
        let mut entry = aead::encrypt(&self.mac(b"visit"), drawn(), b"day", &[b' '; 512]);
        // The attestation, with a name of its own; the tag of the device that opens the request.
        drawn::<16>();
        entry.extend(self.attestation.sign(&self.said[2]).unwrap());
        if kind == Kind::Answer {
            self.mac(b"opener");
        }
        entry.resize(kind.entry(), 0);
        entry
    }

    /// The access token; the relying party's proof: signature, thumbprint, hash of the token, nonce, memory.
    fn authenticate(&self, call: &Call) {
        self.mac(&self.said[0]);
        let party = checked(&call.party);
        jws::verify_signature(&party, &self.said[0], &call.party_signature).unwrap();
        digest::sha256(party.as_sec1());
        digest::sha256(&self.said[0]);
        self.mac(b"nonce");
        self.mac(b"memory");
    }

    fn mac(&self, message: &[u8]) -> [u8; 32] {
        digest::hmac_parts(&self.secret, &[message])
    }
}

/// A key as it comes with a call, or out of memory: whether it is a point of the curve is looked at.
fn checked(key: &PublicKey) -> PublicKey {
    PublicKey::from_sec1(key.as_sec1()).unwrap()
}

/// Bytes that nobody can foretell.
fn drawn<const N: usize>() -> [u8; N] {
    std::hint::black_box(random(&SystemRng))
}
